import { LearnError } from "./error.ts";

const LENGTH_BYTES = 4;

/** Chunks one after the other, each behind its length: four bytes, big endian. For chunks below 4 GiB. */
export function joinChunks(chunks: readonly Uint8Array[]): Uint8Array {
  const joined = Buffer.allocUnsafeSlow(chunks.reduce((sum, chunk) => sum + LENGTH_BYTES + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    at = joined.writeUInt32BE(chunk.byteLength, at);
    joined.set(chunk, at);
    at += chunk.byteLength;
  }
  return joined;
}

/** The chunks that were joined, as views over the same bytes. Throws "invalid" when the bytes are no chunks. */
export function splitChunks(joined: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(joined.buffer, joined.byteOffset, joined.byteLength);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < joined.byteLength; ) {
    const from = at + LENGTH_BYTES;
    const to = from <= joined.byteLength ? from + view.getUint32(at) : Number.POSITIVE_INFINITY;
    if (to > joined.byteLength) throw new LearnError("invalid", `chunk ${chunks.length + 1} goes beyond the end`);
    chunks.push(joined.subarray(from, to));
    at = to;
  }
  return chunks;
}
