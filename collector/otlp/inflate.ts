import type { Transform } from "node:stream";
import { freeBuffers, wholeBuffers } from "../../src/base/free-buffers.ts";
import { type BodyEncoding, inflateError, planInflate } from "../../src/span/otlp/inflate.ts";
import { hasNativeZstd } from "../../src/span/otlp/zlib-format.ts";
import type { Limits } from "../limits.ts";
import { createInflateThread, type TakeChunk } from "./inflate-thread.ts";

type Inflate = (body: Uint8Array, encoding: Exclude<BodyEncoding, "identity">, take: TakeChunk) => Promise<void>;

// What is read is garbage: 20 pairs of bombs took 29 MiB and 3.3 s with pieces of 16 KiB, 20 MiB and 2.0 s with 64, 17 MiB and 1.4 s with 256.
// Small bodies pay for the whole piece.
const CHUNK_BYTES = 64 * 1024;

/**
 * Inflates off this thread, also bodies of several gzip members or zstd frames, and hands the output on piece by piece: whoever inflates to the end
 * first holds 64 MiB for a kilobyte that somebody sent. Rejects "invalid" for what is not the encoding, and with what `take` throws, after which no
 * more is inflated. `nativeZstd: false` takes the way of Node before 22.15.
 */
export function createInflater(
  limits: Pick<Limits, "maxDecodedBytes" | "maxConcurrentInflates" | "inflateTimeoutMs">,
  { nativeZstd = hasNativeZstd }: { readonly nativeZstd?: boolean } = {},
): Inflate {
  const maxBytes = limits.maxDecodedBytes;
  const thread = createInflateThread(limits.inflateTimeoutMs);
  const waiting: (() => void)[] = [];
  let running = 0;

  return async (body, encoding, take) => {
    // Its queue is its own: what keeps that thread busy must not keep those waiting who send gzip.
    if (encoding === "zstd" && !nativeZstd) {
      planInflate(body, encoding, maxBytes);
      return thread.inflate(body, maxBytes, take);
    }
    if (running >= limits.maxConcurrentInflates) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      const { format, pieces } = planInflate(body, encoding, maxBytes);
      for (const piece of pieces) await pour(format.stream({ chunkSize: CHUNK_BYTES }), piece, take);
    } catch (caught) {
      throw inflateError(caught, encoding, maxBytes);
    } finally {
      // The slot passes straight to the next in line, so that a newcomer cannot take it in between.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

function pour(stream: Transform, piece: Uint8Array, take: TakeChunk): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.on("data", (chunk: Uint8Array) => {
      if (stream.destroyed) return;
      try {
        take(chunk);
        // A chunk that fills its buffer was the last use of it: zlib takes a new one. Readers keep copies of what they need.
        freeBuffers(wholeBuffers([{ body: chunk }]));
      } catch (caught) {
        stream.destroy();
        reject(caught);
      }
    });
    stream.once("end", resolve);
    stream.once("error", reject);
    stream.end(piece);
  });
}
