import { createRequire } from "node:module";
import { isLearnError, LearnError, messageOf } from "../../base/error.ts";
import { hasNativeZstd, ZLIB_FORMATS, type ZlibFormat } from "./zlib-format.ts";
import { zstdFrames } from "./zstd-frames.ts";

/** How a stored body is compressed, by the names of HTTP. `deflate` is zlib's format, or raw where it cannot be that. */
export type BodyEncoding = "identity" | "gzip" | "deflate" | "br" | "zstd";

/** How to decompress: by the format, applied to each piece; their results joined are the body. */
export interface InflatePlan {
  readonly format: ZlibFormat;
  readonly pieces: readonly Uint8Array[];
}

/** What every way of decompressing does first. Throws "invalid" or "too-large" for what shows without decompressing. */
export function planInflate(body: Uint8Array, encoding: Exclude<BodyEncoding, "identity">, maxBytes: number): InflatePlan {
  if (encoding === "gzip") return { format: ZLIB_FORMATS.gzip, pieces: [body] };
  if (encoding === "br") return { format: ZLIB_FORMATS.br, pieces: [body] };
  if (encoding === "zstd") return { format: ZLIB_FORMATS.zstd, pieces: zstdFrames(body, maxBytes).map(({ bytes }) => bytes) };
  return { format: isZlib(body) ? ZLIB_FORMATS.zlib : ZLIB_FORMATS.raw, pieces: [body] };
}

/** Decompresses on this thread, and stops as soon as the output passes `maxBytes`. Throws "too-large" or "invalid" and nothing else. */
export function inflateBody(body: Uint8Array, encoding: BodyEncoding, maxBytes: number): Uint8Array {
  if (encoding === "identity") return body;
  try {
    if (encoding === "zstd" && !hasNativeZstd) {
      const parts: Uint8Array[] = [];
      inflateZstd(body, maxBytes, (part) => parts.push(part));
      return join(parts);
    }
    const { format, pieces } = planInflate(body, encoding, maxBytes);
    let left = maxBytes;
    const parts = pieces.map((piece) => {
      const part = format.inflate(piece, { maxOutputLength: Math.max(left, 1) });
      left -= part.length;
      if (left < 0) throw inflatesTooFar(maxBytes);
      return part;
    });
    return join(parts);
  } catch (caught) {
    throw inflateError(caught, encoding, maxBytes);
  }
}

/** What node:zlib or fzstd threw, in our words. */
export function inflateError(caught: unknown, encoding: BodyEncoding, maxBytes: number): LearnError {
  if (isLearnError(caught)) return caught;
  if ((caught as { code?: unknown } | null)?.code === "ERR_BUFFER_TOO_LARGE") return inflatesTooFar(maxBytes, caught);
  return new LearnError("invalid", `the body is not ${encoding}: ${messageOf(caught)}`, {
    hint: `send ${encoding}, or leave Content-Encoding out`,
    cause: caught,
  });
}

function inflatesTooFar(maxBytes: number, cause?: unknown): LearnError {
  return new LearnError("too-large", `the body inflates to more than ${maxBytes} bytes`, {
    hint: "send smaller batches",
    ...(cause === undefined ? {} : { cause }),
  });
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
}

/**
 * HTTP means zlib's format by "deflate", and some senders leave its two bytes of header out. A raw stream that begins like that header
 * would have to be a stored block with junk in its padding, which no encoder writes.
 */
function isZlib(body: Uint8Array): boolean {
  const [first = 0, second = 0] = body;
  return (first & 15) === 8 && first >> 4 <= 7 && (first * 256 + second) % 31 === 0;
}

/**
 * zstd in JavaScript, part by part. Throws what fzstd throws, "too-large" as soon as the output passes `maxBytes`, and what `take` throws.
 * A frame that names its size is decoded into one buffer of that size; another goes through a window that moves with every block.
 */
export function inflateZstd(body: Uint8Array, maxBytes: number, take: (part: Uint8Array) => void): void {
  const { decompress, Decompress } = createRequire(import.meta.url)("fzstd") as typeof import("fzstd");
  let total = 0;
  const pass = (part: Uint8Array): void => {
    total += part.length;
    if (total > maxBytes) throw inflatesTooFar(maxBytes);
    take(part);
  };
  for (const { bytes, contentSize } of zstdFrames(body, maxBytes)) {
    // fzstd takes a size of 0 for none, and would gather any output.
    if ((contentSize ?? 0) === 0) new Decompress(pass).push(bytes, true);
    else pass(decompress(bytes));
  }
}
