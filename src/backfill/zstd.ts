import { Decompress } from "fzstd";
import { LearnError, messageOf } from "../base/error.ts";
import { joined } from "../base/joined.ts";

const MAGIC = 0xfd2fb528;
// What the zstd command takes without --long. A header may ask for 2 GiB, which is allocated before the first byte comes out.
const MAX_WINDOW_BYTES = 128 * 1024 * 1024;
// The decoder calls itself once for every frame that ends in what it is given; 64 KiB of the smallest frames stay below any stack.
const FEED_BYTES = 64 * 1024;

export function isZstd(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && viewOf(bytes).getUint32(0, true) === MAGIC;
}

/**
 * Decompresses any number of zstd frames one after the other. Rejects "invalid" for damaged or cut data, after giving out what came before it.
 *
 * Not node:zlib where it has zstd: in 22.23 and 24.21 its stream ends silently after the first frame, and 22.23 takes a cut frame for a whole
 * one. The Collector writes a frame per request when it rotates files, so almost all of such a file would be missing without a word.
 */
export async function* unzstd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const out: Uint8Array[] = [];
  const decoder = new Decompress((data) => out.push(data));
  let started = false;
  for await (const chunk of chunks) {
    if (!started) checkWindow(chunk);
    started = true;
    for (let at = 0; at < chunk.length; at += FEED_BYTES) {
      const broken = fault(() => decoder.push(chunk.subarray(at, at + FEED_BYTES)));
      yield* out.splice(0);
      if (broken !== undefined) throw broken;
    }
  }
  const broken = fault(() => decoder.push(new Uint8Array(0), true));
  yield* out.splice(0);
  if (broken !== undefined) throw broken;
}

/** One compressed message. Throws "invalid" for damaged data, "too-large" as soon as the output passes the bound. */
export function unzstdMessage(bytes: Uint8Array, maxBytes: number): Uint8Array {
  checkWindow(bytes);
  const out: Uint8Array[] = [];
  let size = 0;
  const decoder = new Decompress((data) => {
    out.push(data);
    size += data.length;
    if (size > maxBytes) throw new LearnError("too-large", `a message decompresses to more than ${maxBytes} bytes`);
  });
  for (let at = 0; at < bytes.length; at += FEED_BYTES) {
    const end = at + FEED_BYTES;
    const broken = fault(() => decoder.push(bytes.subarray(at, end), end >= bytes.length));
    if (broken !== undefined) throw broken;
  }
  return joined(out, size);
}

function fault(work: () => void): LearnError | undefined {
  try {
    work();
    return undefined;
  } catch (caught) {
    if (caught instanceof LearnError) return caught;
    return new LearnError("invalid", `the zstd data is damaged or cut off: ${messageOf(caught)}`, { cause: caught });
  }
}

/** The window that the first frame asks for; in a frame of a single segment that is its content. */
function checkWindow(bytes: Uint8Array): void {
  if (!isZstd(bytes) || bytes.length < 18) return;
  const view = viewOf(bytes);
  const descriptor = view.getUint8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const exponent = 10 + (view.getUint8(5) >> 3);
  const window = singleSegment ? contentSize(view, descriptor) : 2 ** exponent + (2 ** exponent / 8) * (view.getUint8(5) & 7);
  if (window > MAX_WINDOW_BYTES) {
    throw new LearnError("too-large", `the zstd data needs a window of ${window} bytes, more than the ${MAX_WINDOW_BYTES} allowed`, {
      hint: "decompress it first: zstd -d --long=31 FILE",
    });
  }
}

function contentSize(view: DataView, descriptor: number): number {
  const at = 5 + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  const flag = descriptor >> 6;
  if (flag === 0) return view.getUint8(at);
  if (flag === 1) return view.getUint16(at, true) + 256;
  return flag === 2 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
