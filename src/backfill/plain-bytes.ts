import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { LearnError, messageOf } from "../base/error.ts";
import { isZstd, unzstd } from "./zstd.ts";

export interface PlainBytes {
  readonly compression: "none" | "gzip" | "zstd";
  /** The first decompressed bytes, at most HEAD_BYTES of them; `chunks` gives them again. */
  readonly head: Uint8Array;
  readonly chunks: AsyncIterable<Uint8Array>;
}

// Enough to see the first keys of a document and several lines of most files.
const HEAD_BYTES = 64 * 1024;

/** Decompresses what its first bytes say is compressed. The chunks reject "invalid" where the compressed data breaks. */
export async function plainBytes(raw: AsyncIterable<Uint8Array>): Promise<PlainBytes> {
  const outer = await peek(raw, 4);
  const compression = isGzip(outer.head) ? "gzip" : isZstd(outer.head) ? "zstd" : "none";
  const plain = compression === "gzip" ? gunzip(outer.chunks) : compression === "zstd" ? unzstd(outer.chunks) : outer.chunks;
  return { compression, ...(await peek(plain, HEAD_BYTES)) };
}

interface Peeked {
  readonly head: Uint8Array;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** A fault while peeking is kept for whoever reads on: what stands before it is still of use. */
async function peek(source: AsyncIterable<Uint8Array>, bytes: number): Promise<Peeked> {
  const iterator = source[Symbol.asyncIterator]();
  const seen: Uint8Array[] = [];
  let size = 0;
  let fault: { readonly caught: unknown } | undefined;
  while (size < bytes && fault === undefined) {
    try {
      const { done, value } = await iterator.next();
      if (done === true) break;
      seen.push(value);
      size += value.length;
    } catch (caught) {
      fault = { caught };
    }
  }
  return { head: Buffer.concat(seen).subarray(0, bytes), chunks: again() };

  async function* again(): AsyncGenerator<Uint8Array> {
    try {
      for (let part = seen.shift(); part !== undefined; part = seen.shift()) yield part;
      if (fault !== undefined) throw fault.caught;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Any number of gzip members. */
async function* gunzip(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // The iteration below reports what breaks; a pipeline without a callback would throw it at the process as well.
  const inflated = pipeline(Readable.from(chunks), createGunzip(), () => undefined);
  try {
    for await (const chunk of inflated) yield chunk as Buffer;
  } catch (caught) {
    const { code } = caught as { readonly code?: string };
    if (code === undefined || !code.startsWith("Z_")) throw caught;
    throw new LearnError("invalid", `the gzip data is damaged or cut off: ${messageOf(caught)}`, { cause: caught });
  }
}
