import type { Readable } from "node:stream";
import { LearnError } from "../src/base/error.ts";
import type { BufferAccount } from "./buffer-budget.ts";

export interface ReadBody {
  /** The first `headBytes` bytes; fewer when the stream was shorter. */
  readonly head: Uint8Array;
  readonly body: Uint8Array;
}

export interface ReadBodyOptions {
  /** Bytes of the body without its head. Above: "too-large". */
  readonly maxBytes: number;
  readonly account: BufferAccount;
  readonly headBytes?: number;
  /** Bytes of the body as its sender announces them, once its head is there; 0 when it does not. */
  readonly announced?: (head: Uint8Array) => number;
}

// A chunk is a view of 64 KiB that came off a socket, which over HTTP/2 other streams share: kept until the body is whole, 32 MiB of bodies were up to
// 142 MiB of buffers. Above this size nothing is made on the word of a sender.
const MAX_BYTES_ON_TRUST = 4 * 1024 * 1024;

/**
 * Collects a stream into one Uint8Array that owns its ArrayBuffer exactly, so that it can be transferred to a thread.
 * Rejects "too-large" as soon as the limit is passed, "unavailable" when the account has no room or the sender left.
 * Either way the rest is discarded, so that the sender can finish and read its answer; a sender that goes on past the limit again is cut.
 */
export function readBody(stream: Readable, { maxBytes, account, headBytes = 0, announced }: ReadBodyOptions): Promise<ReadBody> {
  const maxTotal = maxBytes + headBytes;
  return new Promise((resolve, reject) => {
    const parts = createParts(headBytes, announced ?? (() => 0));
    let total = 0;
    let failed = false;
    let ended = false;

    stream.on("data", (chunk: Uint8Array) => {
      total += chunk.length;
      if (failed) {
        if (total > 2 * maxTotal) stream.destroy();
        return;
      }
      try {
        if (total > maxTotal) throw bodyTooLarge(maxBytes);
        account.take(chunk.length);
        parts.add(chunk);
      } catch (caught) {
        fail(caught);
      }
    });
    stream.on("end", () => {
      if (failed) return;
      ended = true;
      resolve(parts.whole());
    });
    stream.on("error", fail);
    stream.on("close", () => fail(new LearnError("unavailable", "the sender left before the body was complete")));

    function fail(caught: unknown): void {
      // A stream closes after its end too; from there on the account is the reader's.
      if (ended || failed) return;
      failed = true;
      parts.drop();
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
  whole(): ReadBody;
  drop(): void;
}

function createParts(headBytes: number, announced: (head: Uint8Array) => number): Parts {
  const head = new Uint8Array(headBytes);
  let chunks: Uint8Array[] = [];
  /** Made in the announced size; undefined when nothing credible was announced. */
  let body: Uint8Array | undefined;
  let headFilled = 0;
  let filled = 0;

  const addToBody = (chunk: Uint8Array): void => {
    if (filled === 0) {
      const bytes = announced(head);
      if (bytes > 0 && bytes <= MAX_BYTES_ON_TRUST) body = new Uint8Array(bytes);
    }
    if (body !== undefined && filled + chunk.length > body.length) {
      // More comes than was said.
      chunks = [body.subarray(0, filled)];
      body = undefined;
    }
    if (body === undefined) chunks.push(chunk);
    else body.set(chunk, filled);
    filled += chunk.length;
  };

  return {
    add(chunk) {
      const inHead = Math.min(chunk.length, headBytes - headFilled);
      head.set(chunk.subarray(0, inHead), headFilled);
      headFilled += inHead;
      if (inHead < chunk.length) addToBody(chunk.subarray(inHead));
    },
    whole: () => ({
      head: headFilled === headBytes ? head : head.slice(0, headFilled),
      body: body?.length === filled ? body : joined(body === undefined ? chunks : [body.subarray(0, filled)], filled),
    }),
    drop() {
      chunks = [];
      body = undefined;
    },
  };
}

/** Buffer.concat would hand out a slice of a shared pool for small bodies, which cannot be transferred. */
function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
