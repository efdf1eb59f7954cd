import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { type ErrorCode, LearnError } from "../../src/base/error.ts";

/** Takes the next piece of the plain body, which is there during the call only. What it throws ends the inflating and comes out of it. */
export type TakeChunk = (chunk: Uint8Array) => void;

export interface InflateJob {
  readonly body: Uint8Array;
  readonly maxBytes: number;
  /** Two numbers that both sides see; see GATE_TAKEN and GATE_STOP. */
  readonly gate: Int32Array;
}

/** Chunks that were read. The thread waits for it, or a slow reader would let 64 MiB pile up. */
export const GATE_TAKEN = 0;
/** 1 when no more chunks are wanted. */
export const GATE_STOP = 1;

export type InflateAnswer =
  | { readonly chunk: Uint8Array }
  | { readonly done: true }
  | { readonly code: ErrorCode; readonly message: string };

/** zstd in JavaScript, on a thread of its own that starts when it is first needed and ends when nothing comes any more. */
export interface InflateThread {
  /** Rejects as `inflateBody` throws, "too-large" when the deadline passes, and with what `take` throws. Does not take the body away. */
  inflate(body: Uint8Array, maxBytes: number, take: TakeChunk): Promise<void>;
}

// A window and an output of up to 64 MiB stay with the thread as long as it lives.
const IDLE_MS = 5_000;

/**
 * fzstd believes what a block says, so 128 kB can keep it busy for ten seconds without a byte of output: only a thread that can be ended
 * bounds that. One job at a time.
 */
export function createInflateThread(timeoutMs: number): InflateThread {
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();

  return {
    inflate(body, maxBytes, take) {
      const result = last.then(() => run(body, maxBytes, take));
      last = result.catch(() => {}).then(endWhenIdle);
      return result;
    },
  };

  function run(body: Uint8Array, maxBytes: number, take: TakeChunk): Promise<void> {
    clearTimeout(idle);
    worker ??= startThread();
    const thread = worker;
    const gate = new Int32Array(new SharedArrayBuffer(8));
    return new Promise((resolve, reject) => {
      let refused: unknown;
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        thread.off("message", onMessage).off("exit", onExit);
        finish();
      };
      const onChunk = (chunk: Uint8Array): void => {
        try {
          if (refused === undefined) take(chunk);
        } catch (caught) {
          refused = caught;
          Atomics.store(gate, GATE_STOP, 1);
        }
        Atomics.add(gate, GATE_TAKEN, 1);
        Atomics.notify(gate, GATE_TAKEN);
      };
      const onMessage = (answer: InflateAnswer): void => {
        if ("chunk" in answer) onChunk(answer.chunk);
        else if (refused !== undefined) settle(() => reject(refused));
        else if ("done" in answer) settle(resolve);
        else settle(() => reject(new LearnError(answer.code, answer.message)));
      };
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
      thread.postMessage({ body, maxBytes, gate } satisfies InflateJob);
    });
  }

  function endWhenIdle(): void {
    clearTimeout(idle);
    idle = setTimeout(() => {
      const thread = worker;
      worker = undefined;
      void thread?.terminate();
    }, IDLE_MS).unref();
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
