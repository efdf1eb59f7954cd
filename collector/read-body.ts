import type { Readable } from "node:stream";
import { LearnError } from "../src/base/error.ts";
import type { BufferAccount } from "./buffer-budget.ts";

export interface ReadBody {
  /** The first `headBytes` bytes; fewer when the stream was shorter. */
  readonly head: Uint8Array;
  /** Empty when nobody wanted to keep it. */
  readonly body: Uint8Array;
  /** That came after the head. */
  readonly bodyBytes: number;
}

/** Sees the body as it comes. False: it is of no use, and what came is let go. What it throws is what the sender hears. */
export type WatchBody = (chunk: Uint8Array) => boolean;

export interface ReadBodyOptions {
  readonly maxBytes: number;
  readonly account: BufferAccount;
  /** Default 0. */
  readonly headBytes?: number;
  /** Asked once, when the head is complete. Undefined: nobody looks. */
  readonly watch?: (head: Uint8Array) => WatchBody | undefined;
}

/**
 * Collects a stream into one Uint8Array that owns its ArrayBuffer exactly, so that it can be transferred to a thread.
 * Rejects "too-large" as soon as the limit is passed, "unavailable" when the account has no room or the sender left.
 * Either way the rest is discarded, so that the sender can finish and read its answer; a sender that goes on past the limit again is cut.
 */
export function readBody(stream: Readable, { maxBytes, account, headBytes = 0, watch }: ReadBodyOptions): Promise<ReadBody> {
  return new Promise((resolve, reject) => {
    const head = new Uint8Array(headBytes);
    let chunks: Uint8Array[] = [];
    let total = 0;
    let state: "collecting" | "useless" | "failed" = "collecting";
    let watcher = headBytes === 0 ? watch?.(head) : undefined;

    stream.on("data", (chunk: Uint8Array) => {
      const before = total;
      total += chunk.length;
      if (state === "failed") {
        if (total > 2 * (maxBytes + headBytes)) stream.destroy();
        return;
      }
      try {
        if (total > maxBytes + headBytes) throw bodyTooLarge(maxBytes);
        if (before >= headBytes) return take(chunk);
        const inHead = Math.min(chunk.length, headBytes - before);
        head.set(chunk.subarray(0, inHead), before);
        if (total < headBytes) return;
        watcher = watch?.(head);
        if (inHead < chunk.length) take(chunk.subarray(inHead));
      } catch (caught) {
        fail(caught);
      }
    });
    stream.on("end", () => {
      const bodyBytes = Math.max(0, total - headBytes);
      if (state !== "failed") resolve({ head: head.subarray(0, total), body: joined(chunks), bodyBytes });
    });
    stream.on("error", fail);
    stream.on("close", () => fail(new LearnError("unavailable", "the sender left before the body was complete")));

    function take(chunk: Uint8Array): void {
      if (state === "collecting") account.take(chunk.length);
      const useful = watcher === undefined || watcher(chunk);
      if (useful) chunks.push(chunk);
      else if (state === "collecting") {
        state = "useless";
        chunks = [];
      }
    }

    function fail(caught: unknown): void {
      state = "failed";
      chunks = [];
      reject(caught);
    }
  });
}

export function bodyTooLarge(maxBytes: number): LearnError {
  return new LearnError("too-large", `the body has more than the ${maxBytes} bytes allowed`, { hint: "send smaller batches" });
}

/** Buffer.concat would hand out a slice of a shared pool for small bodies, which cannot be transferred. */
function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const body = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}
