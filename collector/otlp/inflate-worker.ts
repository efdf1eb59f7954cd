import { parentPort } from "node:worker_threads";
import { fromUnknown } from "../../src/base/error.ts";
import { inflateError, inflateZstd } from "../../src/span/otlp/inflate.ts";
import { GATE_STOP, GATE_TAKEN, type InflateAnswer, type InflateJob } from "./inflate-thread.ts";

// Copied, because fzstd goes on reading what it handed out, and in pieces, so that no second 64 MiB are ever there.
const CHUNK_BYTES = 256 * 1024;
// Nobody takes what was sent when the other side is gone; the thread is ended then.
const TAKE_WITHIN_MS = 60_000;

class Stopped extends Error {}

parentPort?.on("message", ({ body, maxBytes, gate }: InflateJob) => {
  let sent = 0;
  const send = (chunk: Uint8Array): void => {
    parentPort?.postMessage({ chunk } satisfies InflateAnswer, [chunk.buffer as ArrayBuffer]);
    sent += 1;
    // One chunk is read while the next is made.
    Atomics.wait(gate, GATE_TAKEN, sent - 2, TAKE_WITHIN_MS);
    if (Atomics.load(gate, GATE_STOP) === 1) throw new Stopped();
  };
  try {
    inflateZstd(body, maxBytes, (part) => {
      for (let at = 0; at < part.length; at += CHUNK_BYTES) send(part.slice(at, at + CHUNK_BYTES));
    });
    parentPort?.postMessage({ done: true } satisfies InflateAnswer);
  } catch (caught) {
    if (caught instanceof Stopped) return parentPort?.postMessage({ done: true } satisfies InflateAnswer);
    const { code, message } = fromUnknown(inflateError(caught, "zstd", maxBytes), "the body could not be decompressed", "invalid");
    parentPort?.postMessage({ code, message } satisfies InflateAnswer);
  }
});
