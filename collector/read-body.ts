import type { Readable } from "node:stream";
import { LearnError } from "../src/base/error.ts";
import { freeBuffers, wholeBuffers } from "../src/base/free-buffers.ts";
import { joined } from "../src/base/joined.ts";
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
  /** Bytes of the body without its head. Above: "too-large". */
  readonly maxBytes: number;
  readonly account: BufferAccount;
  /** Default 0. */
  readonly headBytes?: number;
  /** Bytes of the body as its sender announces them, once its head is there; 0 when it does not. */
  readonly announced?: (head: Uint8Array) => number;
  /** True where a chunk that fills its buffer has it for itself, as over HTTP/1: it is given back as soon as it was read. Over HTTP/2 others may share it. */
  readonly ownsChunks?: boolean;
  /** Asked once, when the head is complete. Undefined: nobody looks. */
  readonly watch?: (head: Uint8Array) => WatchBody | undefined;
}

// A chunk is a view of 64 KiB that came off a socket, which over HTTP/2 other streams share: kept until the body is whole, 32 MiB of bodies were up to
// 142 MiB of buffers. Above this size nothing is made on the word of a sender.
const MAX_BYTES_ON_TRUST = 4 * 1024 * 1024;
// Giving a buffer back takes some microseconds; below this its turn in the collector of garbage is cheaper.
const MIN_BYTES_TO_FREE = 16 * 1024;

/**
 * Collects a stream into one Uint8Array that owns its ArrayBuffer exactly, so that it can be transferred to a thread.
 * Rejects "too-large" as soon as the limit is passed, "unavailable" when the account has no room or the sender left.
 * Either way the rest is discarded, so that the sender can finish and read its answer; a sender that goes on past the limit again is cut.
 */
export function readBody(stream: Readable, options: ReadBodyOptions): Promise<ReadBody> {
  const { maxBytes, account, headBytes = 0, announced = () => 0, ownsChunks = false, watch } = options;
  const spent = ownsChunks ? freeChunks : () => undefined;
  const maxTotal = maxBytes + headBytes;
  return new Promise((resolve, reject) => {
    const head = new Uint8Array(headBytes);
    let parts: Parts | undefined;
    let watcher: WatchBody | undefined;
    let total = 0;
    let state: "collecting" | "useless" | "failed" | "ended" = "collecting";

    stream.on("data", (chunk: Uint8Array) => {
      const before = total;
      total += chunk.length;
      if (state === "failed") {
        spent([chunk]);
        if (total > 2 * maxTotal) stream.destroy();
        return;
      }
      try {
        if (total > maxTotal) throw bodyTooLarge(maxBytes);
        const inHead = Math.max(0, Math.min(chunk.length, headBytes - before));
        if (inHead > 0) head.set(chunk.subarray(0, inHead), before);
        if (inHead < chunk.length) take(inHead === 0 ? chunk : chunk.subarray(inHead));
      } catch (caught) {
        fail(caught);
        spent([chunk]);
      }
    });
    stream.on("end", () => {
      if (state === "failed") return;
      state = "ended";
      resolve({
        head: total < headBytes ? head.slice(0, total) : head,
        body: parts?.whole() ?? new Uint8Array(0),
        bodyBytes: Math.max(0, total - headBytes),
      });
    });
    stream.on("error", fail);
    stream.on("close", () => {
      // Every stream closes, and an error with its stack is a thirtieth of what a small request costs.
      if (state !== "ended") fail(new LearnError("unavailable", "the sender left before the body was complete"));
    });

    function take(chunk: Uint8Array): void {
      if (parts === undefined) {
        parts = createParts(announced(head), spent);
        watcher = watch?.(head);
      }
      if (state === "collecting") account.take(chunk.length);
      const useful = watcher === undefined || watcher(chunk);
      if (state === "collecting" && useful) {
        parts.add(chunk);
        return;
      }
      spent([chunk]);
      if (state !== "collecting") return;
      state = "useless";
      parts.drop();
      account.close();
    }

    function fail(caught: unknown): void {
      // A stream closes after its end too; from there on the account is the reader's.
      if (state === "ended" || state === "failed") return;
      state = "failed";
      parts?.drop();
      // A refused body holds nothing, however long its sender goes on.
      account.close();
      reject(caught);
    }
  });
}

export function bodyTooLarge(maxBytes: number): LearnError {
  return new LearnError("too-large", `the body has more than the ${maxBytes} bytes allowed`, { hint: "send smaller batches" });
}

interface Parts {
  add(chunk: Uint8Array): void;
  whole(): Uint8Array;
  drop(): void;
}

function freeChunks(chunks: readonly Uint8Array[]): void {
  freeBuffers(wholeBuffers(chunks.flatMap((body) => (body.byteLength < MIN_BYTES_TO_FREE ? [] : [{ body }]))));
}

/** `spent` is told of chunks that were copied or are not wanted any more. */
function createParts(announced: number, spent: (chunks: readonly Uint8Array[]) => void): Parts {
  let chunks: Uint8Array[] = [];
  /** Made in the announced size; undefined when nothing credible was announced. */
  let body: Uint8Array | undefined = announced > 0 && announced <= MAX_BYTES_ON_TRUST ? new Uint8Array(announced) : undefined;
  let filled = 0;

  return {
    add(chunk) {
      if (body !== undefined && filled + chunk.length > body.length) {
        // More comes than was said.
        chunks = [body.subarray(0, filled)];
        body = undefined;
      }
      filled += chunk.length;
      if (body === undefined) {
        chunks.push(chunk);
        return;
      }
      body.set(chunk, filled - chunk.length);
      spent([chunk]);
    },
    whole() {
      if (body?.length === filled) return body;
      const whole = joined(body === undefined ? chunks : [body.subarray(0, filled)], filled);
      spent(chunks);
      return whole;
    },
    drop() {
      spent(chunks);
      chunks = [];
      body = undefined;
      filled = 0;
    },
  };
}
