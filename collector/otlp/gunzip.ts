import { promisify } from "node:util";
import zlib from "node:zlib";
import { LearnError, messageOf } from "../../src/base/error.ts";
import type { Limits } from "../limits.ts";

const inflate = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.gunzip);

/**
 * Inflates off this thread, also bodies of several gzip members. Rejects "too-large" as soon as the output passes the limit
 * (1 GiB of zeros: after 64 MiB) and "invalid" for what is not gzip.
 */
export function createGunzip(limits: Pick<Limits, "maxDecodedBytes" | "maxConcurrentInflates">): (body: Uint8Array) => Promise<Uint8Array> {
  const waiting: (() => void)[] = [];
  let running = 0;

  return async (body) => {
    if (running >= limits.maxConcurrentInflates) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await inflate(body, { maxOutputLength: limits.maxDecodedBytes });
    } catch (caught) {
      throw gunzipError(caught, limits.maxDecodedBytes);
    } finally {
      // The slot passes straight to the next in line, so that a newcomer cannot take it in between.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

function gunzipError(caught: unknown, maxBytes: number): LearnError {
  if ((caught as { code?: unknown } | null)?.code === "ERR_BUFFER_TOO_LARGE") {
    return new LearnError("too-large", `the body inflates to more than ${maxBytes} bytes`, { hint: "send smaller batches", cause: caught });
  }
  return new LearnError("invalid", `the body is not gzip: ${messageOf(caught)}`, {
    hint: "send gzip, or leave Content-Encoding out",
    cause: caught,
  });
}
