import { isLearnError, LearnError } from "../../src/base/error.ts";
import { createJsonIdReader } from "./json-ids.ts";
import { createProtobufIdReader } from "./protobuf-ids.ts";
import type { TraceIdOptions, TraceIds } from "./trace-ids.ts";

export interface IdReaderOptions extends TraceIdOptions {
  /** Of the whole body, uncompressed. More throws "too-large". */
  readonly maxBytes: number;
}

/** Reads ids while a body arrives or is inflated, and keeps nothing of it: a bomb costs the receiver one chunk at a time. */
export interface IdReader {
  /**
   * The next bytes of the uncompressed body. Throws "too-large" as soon as a limit is passed. False when the body is broken: what comes then
   * is only counted, because its size is told first, and `end` will throw.
   */
  feed(chunk: Uint8Array): boolean;
  /** Throws "invalid" for what is not OTLP or is nested too deep. Call once, after the last chunk. */
  end(): TraceIds;
  /** Bytes that were fed. */
  bytes(): number;
}

/**
 * Reads ids out of an uncompressed export request and decodes nothing else.
 *
 * A span is unusable unless its trace id has 16 bytes, its span id has 8, and neither is all zero. A log record may have no ids
 * (absent, empty or all zero); with ids of another length it is unusable.
 *
 * What is checked holds for the whole body, also for parts that are not read here, so that what was accepted can be mapped later without harm.
 */
export function createIdReader({ contentType, maxBytes, ...options }: IdReaderOptions): IdReader {
  const reader = contentType === "application/json" ? createJsonIdReader(options) : createProtobufIdReader(options);
  let bytes = 0;
  let broken: LearnError | undefined;
  return {
    feed(chunk) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      if (broken !== undefined) return false;
      try {
        reader.feed(chunk);
        return true;
      } catch (caught) {
        if (!isLearnError(caught) || caught.code !== "invalid") throw caught;
        broken = caught;
        return false;
      }
    },
    end() {
      if (broken !== undefined) throw broken;
      return reader.end();
    },
    bytes: () => bytes,
  };
}

function tooLarge(maxBytes: number): LearnError {
  return new LearnError("too-large", `the body has more than the ${maxBytes} bytes allowed, uncompressed`, {
    hint: "send smaller batches",
  });
}
