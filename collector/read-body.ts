import type { Readable } from "node:stream";
import { LearnError } from "../src/base/error.ts";
import type { BufferAccount } from "./buffer-budget.ts";

export interface ReadBody {
  /** The first `headBytes` bytes; fewer when the stream was shorter. */
  readonly head: Uint8Array;
  readonly body: Uint8Array;
}

/**
 * Collects a stream into one Uint8Array that owns its ArrayBuffer exactly, so that it can be transferred to a thread.
 * Rejects "too-large" as soon as the limit is passed, "unavailable" when the account has no room or the sender left.
 * Either way the rest is discarded, so that the sender can finish and read its answer; a sender that goes on past the limit again is cut.
 */
export function readBody(stream: Readable, maxBytes: number, account: BufferAccount, headBytes = 0): Promise<ReadBody> {
  const maxTotal = maxBytes + headBytes;
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let total = 0;
    let failed = false;

    stream.on("data", (chunk: Uint8Array) => {
      total += chunk.length;
      if (failed) {
        if (total > 2 * maxTotal) stream.destroy();
        return;
      }
      try {
        if (total > maxTotal) throw bodyTooLarge(maxBytes);
        account.take(chunk.length);
        chunks.push(chunk);
      } catch (caught) {
        fail(caught);
      }
    });
    stream.on("end", () => {
      if (!failed) resolve(split(chunks, total, headBytes));
    });
    stream.on("error", fail);
    stream.on("close", () => fail(new LearnError("unavailable", "the sender left before the body was complete")));

    function fail(caught: unknown): void {
      failed = true;
      chunks.length = 0;
      reject(caught);
    }
  });
}

export function bodyTooLarge(maxBytes: number): LearnError {
  return new LearnError("too-large", `the body has more than the ${maxBytes} bytes allowed`, { hint: "send smaller batches" });
}

/** Buffer.concat would hand out a slice of a shared pool for small bodies, which cannot be transferred. */
function split(chunks: readonly Uint8Array[], total: number, headBytes: number): ReadBody {
  const head = new Uint8Array(Math.min(headBytes, total));
  const body = new Uint8Array(total - head.length);
  let at = 0;
  for (const chunk of chunks) {
    const inHead = Math.max(0, Math.min(chunk.length, head.length - at));
    if (inHead > 0) head.set(chunk.subarray(0, inHead), at);
    if (inHead < chunk.length) body.set(inHead > 0 ? chunk.subarray(inHead) : chunk, at + inHead - head.length);
    at += chunk.length;
  }
  return { head, body };
}
