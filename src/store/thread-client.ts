import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { LearnError, messageOf } from "../base/error.ts";
import { wholeBuffers } from "../base/free-buffers.ts";
import { newGateMemory, shutAtExit } from "./exit-gate.ts";
import type { RawBody } from "./ports.ts";
import { type StoreMethod, settle, type Waiting } from "./rpc.ts";
import type { FromWriter, ToWriter, WriterOptions, WriterStart } from "./writer-protocol.ts";

export interface ThreadClientOptions {
  readonly workerData: WriterOptions;
  /** The worker's file. Default: the built `writer.js`. */
  readonly entry?: URL;
  readonly onSettled: (spans: number, bytes: number, failed: boolean) => void;
  readonly report: (message: string) => void;
  /** The thread ended without being asked to: what it had not settled is lost to this process. */
  readonly onLost: () => void;
}

/** The main side of a writer thread. It starts with the first message and again after a crash. */
export interface ThreadClient {
  call(method: StoreMethod, args: readonly unknown[]): Promise<unknown>;
  ask(kind: "open" | "flush"): Promise<unknown>;
  /** False when the batch could not be handed over. */
  submit(message: Extract<ToWriter, { kind: "submit" }>): boolean;
  /** Ends the thread in order. Safe twice, also when it never started. */
  close(): Promise<void>;
}

/** A process may end before these are answered: they are asked in the background, or by somebody who waits with a timer of his own. */
const BACKGROUND: ReadonlySet<StoreMethod> = new Set(["knowledgeChanges", "takeTrialRuns", "itemVectors", "saveItemVectors"]);
// A thread that cannot live (no native binding for this machine) is not started again at every span.
const RESTART_AFTER_MS = 1_000;
const CLOSE_WITHIN_MS = 10_000;

// Bodies come by transfer and are freed by the collector of garbage only, so it should run often; with its own 48 MiB it runs seldom.
const YOUNG_GENERATION_MIB = 12;

export function createThreadClient(options: ThreadClientOptions): ThreadClient {
  const waiting = new Map<number, Waiting>();
  /** Those of `waiting` that the process stays alive for. */
  const held = new Set<number>();
  let worker: Worker | undefined;
  let nextId = 1;
  let lostAt = Number.NEGATIVE_INFINITY;
  let closing: Promise<void> | undefined;

  const giveUp = (reason: string): void => {
    for (const waiter of waiting.values()) waiter.reject(new LearnError("unavailable", reason, { hint: "try again" }));
    waiting.clear();
    held.clear();
    options.onLost();
  };
  const lost = (thread: Worker, reason: string): void => {
    if (worker !== thread) return;
    worker = undefined;
    lostAt = performance.now();
    giveUp(`the writer thread ended: ${reason}`);
  };

  const started = (): Worker => {
    if (worker !== undefined) return worker;
    if (closing !== undefined) throw new LearnError("unavailable", "the store is closed");
    if (performance.now() - lostAt < RESTART_AFTER_MS)
      throw new LearnError("unavailable", "the writer thread ended a moment ago", { hint: "try again" });
    const gate = newGateMemory();
    const thread = startWorker(options.entry ?? writerEntry(), { options: options.workerData, gate });
    const forgetGate = shutAtExit(gate);
    worker = thread;
    thread.on("message", (message: FromWriter) => {
      if (message.kind === "settled") return options.onSettled(message.spans, message.bytes, message.failed);
      if (message.kind === "report") return options.report(message.message);
      for (const answer of message.answers) {
        settle(waiting, answer);
        held.delete(answer.id);
      }
      if (held.size === 0) thread.unref();
    });
    thread.on("error", (caught) => {
      options.report(`the writer thread failed: ${messageOf(caught)}`);
      lost(thread, messageOf(caught));
    });
    thread.on("exit", () => {
      forgetGate();
      lost(thread, "it exited");
    });
    // Last: a listener for messages refs the thread, and an agent that never flushes would not end.
    thread.unref();
    return thread;
  };

  const send = (message: ToWriter, transfer: readonly ArrayBuffer[] = []): Worker => {
    const thread = started();
    thread.postMessage(message, [...transfer]);
    return thread;
  };

  const request = (make: (id: number) => ToWriter, transfer?: readonly ArrayBuffer[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = nextId++;
      try {
        const message = make(id);
        const thread = send(message, transfer);
        // Somebody waits for the answer, so the process must not end before it. A flush has a deadline of its own, which is what keeps it alive.
        if (message.kind !== "flush" && !(message.kind === "call" && BACKGROUND.has(message.method))) {
          thread.ref();
          held.add(id);
        }
        waiting.set(id, { resolve, reject });
      } catch (caught) {
        reject(
          caught instanceof LearnError
            ? caught
            : new LearnError("invalid", `the call cannot be sent: ${messageOf(caught)}`, { cause: caught }),
        );
      }
    });

  return {
    // Buffers that a body owns whole go over without a copy (0.33 µs per span); the caller's bodies are empty afterwards.
    call: (method, args) =>
      request((id) => ({ kind: "call", id, method, args }), method === "appendBodies" ? wholeBuffers(args[0] as readonly RawBody[]) : []),
    ask: (kind) => request((id) => ({ kind, id })),
    submit: (message) => {
      try {
        send(message, wholeBuffers([message.body]));
        return true;
      } catch {
        return false;
      }
    },
    close: () => {
      closing ??= (async () => {
        const thread = worker;
        if (thread === undefined) return;
        const late = new Promise((resolve) => setTimeout(resolve, CLOSE_WITHIN_MS).unref());
        await Promise.race([request((id) => ({ kind: "close", id })).catch(() => undefined), late]);
        worker = undefined;
        await thread.terminate();
        giveUp("the store was closed");
      })();
      return closing;
    },
  };
}

function startWorker(entry: URL, workerData: WriterStart): Worker {
  return new Worker(entry, {
    workerData,
    name: "agentlearn-writer",
    // The agent's own flags and preloads are not for this thread: `--import agentlearn/register` would trace the writer and start another.
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: "" },
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
    // Nothing of ours may appear on the agent's output.
    stdout: true,
    stderr: true,
  });
}

/** The built entry. Node 20 cannot run TypeScript in a worker, so sources under test use the build beside them. */
function writerEntry(): URL {
  const beside = new URL("../writer.js", import.meta.url);
  if (!import.meta.url.endsWith(".ts")) return beside;
  const built = new URL("../../dist/src/writer.js", import.meta.url);
  if (existsSync(fileURLToPath(built))) return built;
  throw new LearnError("internal", "the writer is not built", { hint: "npm run build" });
}
