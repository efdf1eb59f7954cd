import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { type ErrorCode, LearnError } from "../../src/base/error.ts";
import type { BodyEncoding } from "../../src/span/otlp/inflate.ts";

export interface InflateJob {
  readonly body: Uint8Array;
  readonly encoding: BodyEncoding;
  readonly maxBytes: number;
}

export type InflateAnswer = { readonly inflated: Uint8Array } | { readonly code: ErrorCode; readonly message: string };

/** Decompression in JavaScript, on a thread of its own that starts when it is first needed. */
export interface InflateThread {
  /** Rejects as `inflateBody` throws, and "too-large" when the deadline passes. Does not take the body away. */
  inflate(body: Uint8Array, encoding: BodyEncoding, maxBytes: number): Promise<Uint8Array>;
}

/**
 * fzstd believes what a block says, so 128 kB can keep it busy for ten seconds without a byte of output: only a thread that can be ended
 * bounds that. One job at a time.
 */
export function createInflateThread(timeoutMs: number): InflateThread {
  let worker: Worker | undefined;
  let last: Promise<unknown> = Promise.resolve();

  return {
    inflate(body, encoding, maxBytes) {
      const result = last.then(() => run({ body, encoding, maxBytes }));
      last = result.catch(() => {});
      return result;
    },
  };

  function run(job: InflateJob): Promise<Uint8Array> {
    worker ??= startThread();
    const thread = worker;
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        thread.off("message", onMessage).off("exit", onExit);
        finish();
      };
      const onMessage = (answer: InflateAnswer): void =>
        settle(() => ("inflated" in answer ? resolve(answer.inflated) : reject(new LearnError(answer.code, answer.message))));
      const onExit = (): void => {
        worker = undefined;
        settle(() => reject(new LearnError("unavailable", "the thread that decompresses ended", { hint: "send the batch again" })));
      };
      const timer = setTimeout(() => {
        worker = undefined;
        const hint = "send smaller batches, or gzip";
        settle(() => reject(new LearnError("too-large", `the body takes more than ${timeoutMs} ms to decompress`, { hint })));
        void thread.terminate();
      }, timeoutMs);
      thread.on("message", onMessage).on("exit", onExit);
      thread.postMessage(job);
    });
  }

  function startThread(): Worker {
    const thread = new Worker(entry(), { stdout: true, stderr: true, execArgv: [] });
    thread.unref();
    // An error ends the thread, and the end is what is waited for.
    thread.on("error", () => {});
    thread.on("exit", () => {
      if (worker === thread) worker = undefined;
    });
    return thread;
  }
}

/** The built entry. Node 20 cannot run TypeScript in a worker, so sources under test use the build beside them. */
function entry(): URL {
  if (!import.meta.url.endsWith(".ts")) return new URL("./inflate-worker.js", import.meta.url);
  const built = new URL("../../dist/collector/otlp/inflate-worker.js", import.meta.url);
  if (existsSync(fileURLToPath(built))) return built;
  throw new LearnError("internal", "the thread that decompresses is not built", { hint: "npm run build" });
}
