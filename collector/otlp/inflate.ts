import { promisify } from "node:util";
import zlib from "node:zlib";
import { type BodyEncoding, hasNativeZstd, inflateError, inflatesTooFar, join, planInflate } from "../../src/span/otlp/inflate.ts";
import type { Limits } from "../limits.ts";
import { createInflateThread } from "./inflate-thread.ts";

type Inflate = (body: Uint8Array, encoding: BodyEncoding) => Promise<Uint8Array>;
type AsyncInflate = (piece: Uint8Array, options: { readonly maxOutputLength: number }) => Promise<Uint8Array>;

/**
 * Inflates off this thread, also bodies of several gzip members or zstd frames. Rejects "too-large" as soon as the output passes the limit
 * (1 GiB of zeros: after 64 MiB) and "invalid" for what is not the encoding. `nativeZstd: false` takes the way of Node before 22.15.
 */
export function createInflater(
  limits: Pick<Limits, "maxDecodedBytes" | "maxConcurrentInflates" | "inflateTimeoutMs">,
  { nativeZstd = hasNativeZstd }: { readonly nativeZstd?: boolean } = {},
): Inflate {
  const maxBytes = limits.maxDecodedBytes;
  const thread = createInflateThread(limits.inflateTimeoutMs);
  const waiting: (() => void)[] = [];
  let running = 0;

  return async (body, encoding) => {
    if (encoding === "identity") return body;
    // Its queue is its own: what keeps that thread busy must not keep those waiting who send gzip.
    if (encoding === "zstd" && !nativeZstd) {
      planInflate(body, encoding, maxBytes);
      return thread.inflate(body, encoding, maxBytes);
    }
    if (running >= limits.maxConcurrentInflates) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      const { method, pieces } = planInflate(body, encoding, maxBytes);
      const inflate = inflateBy(method);
      const parts: Uint8Array[] = [];
      let left = maxBytes;
      for (const piece of pieces) {
        const part = await inflate(piece, { maxOutputLength: Math.max(left, 1) });
        left -= part.length;
        if (left < 0) throw inflatesTooFar(maxBytes);
        parts.push(part);
      }
      return join(parts);
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

function inflateBy(method: string): AsyncInflate {
  return promisify((zlib as unknown as { readonly [name: string]: never })[method] as never) as AsyncInflate;
}
