import { LearnError } from "../../base/error.ts";

/** One frame of a zstd body that holds data; skippable frames are left out. */
export interface ZstdFrame {
  readonly bytes: Uint8Array;
  /** Size after decompression, where the frame says it. */
  readonly contentSize?: number;
}

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const MIB = 1024 * 1024;
// RFC 9659 allows 8 MiB in HTTP; the encoder of the OpenTelemetry Collector takes up to 32 at its highest level.
const MAX_WINDOW_BYTES = 32 * MIB;
const MAX_BLOCK_BYTES = 128 * 1024;
// Parallel encoders write one frame for each megabyte or so. The smallest frame has 9 bytes, so without a bound a body could hold 7 million.
const MAX_FRAMES = 1_024;

/**
 * Cuts a zstd body into its frames by their headers and those of their blocks, and decompresses nothing. Checked here because decoders
 * do not: that of Node 22.23 takes a body cut off in the middle for a whole one and reads the first frame only, and fzstd believes every
 * size. Throws "invalid" for what is not zstd, "too-large" when the headers alone promise more than `maxBytes`.
 */
export function zstdFrames(body: Uint8Array, maxBytes: number): readonly ZstdFrame[] {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const frames: ZstdFrame[] = [];
  let promised = 0;
  let at = 0;
  while (at < body.length) {
    const magic = read(at, 4);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      at += 8 + read(at + 4, 4);
      if (at > body.length) throw invalid("it ends inside a frame");
      continue;
    }
    if (magic !== MAGIC) throw invalid(`there is no frame at byte ${at}`);
    if (frames.length === MAX_FRAMES) throw invalid(`it has more than ${MAX_FRAMES} frames`);
    const { headerEnd, contentSize, windowSize, hasChecksum } = frameHeader(at);
    const { end, least } = blocks(headerEnd, Math.min(windowSize, MAX_BLOCK_BYTES));
    promised += Math.max(contentSize ?? 0, least);
    if (promised > maxBytes) throw tooLarge(maxBytes);
    const after = end + (hasChecksum ? 4 : 0);
    if (after > body.length) throw invalid("it ends inside a frame");
    frames.push({ bytes: body.subarray(at, after), ...(contentSize === undefined ? {} : { contentSize }) });
    at = after;
  }
  if (at === 0) throw invalid("it is empty");
  return frames;

  function frameHeader(start: number): { headerEnd: number; contentSize?: number; windowSize: number; hasChecksum: boolean } {
    const descriptor = read(start + 4, 1);
    if ((descriptor & 8) !== 0) throw invalid("a reserved bit is set");
    const single = (descriptor & 32) !== 0;
    let next = start + 5;
    let windowSize = 0;
    if (!single) {
      const window = read(next, 1);
      const base = 2 ** (10 + (window >> 3));
      windowSize = base + (base / 8) * (window & 7);
      next += 1;
    }
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] as number;
    if (dictionaryBytes > 0 && read(next, dictionaryBytes) !== 0) throw invalid("it needs a dictionary");
    next += dictionaryBytes;
    const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
    const contentSize = sizeBytes === 0 ? undefined : read(next, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
    if (single) windowSize = contentSize as number;
    else if (windowSize > MAX_WINDOW_BYTES) throw invalid(`its window of ${windowSize} bytes is above ${MAX_WINDOW_BYTES}`);
    const hasChecksum = (descriptor & 4) !== 0;
    return { headerEnd: next + sizeBytes, windowSize, hasChecksum, ...(contentSize === undefined ? {} : { contentSize }) };
  }

  /** `least`: bytes that raw and repeated blocks come to; of compressed ones only decompression knows. */
  function blocks(start: number, maxBlockBytes: number): { end: number; least: number } {
    let next = start;
    let least = 0;
    for (;;) {
      const header = read(next, 3);
      const size = header >> 3;
      const type = (header >> 1) & 3;
      if (type === 3 || size > maxBlockBytes) throw invalid(`the block at byte ${next} is broken`);
      if (type !== 2) least += size;
      next += 3 + (type === 1 ? 1 : size);
      if (next > body.length) throw invalid("it ends inside a frame");
      if ((header & 1) === 1) return { end: next, least };
    }
  }

  /** A little-endian number; above 2^53 inexact, which is too large anyway. */
  function read(start: number, bytes: number): number {
    if (start + bytes > body.length) throw invalid("it ends inside a frame");
    let value = 0;
    for (let index = bytes - 1; index >= 0; index -= 1) value = value * 256 + view.getUint8(start + index);
    return value;
  }
}

function invalid(what: string): LearnError {
  return new LearnError("invalid", `the body is not zstd: ${what}`, { hint: "send zstd, or another Content-Encoding" });
}

function tooLarge(maxBytes: number): LearnError {
  return new LearnError("too-large", `the body inflates to more than ${maxBytes} bytes`, { hint: "send smaller batches" });
}
