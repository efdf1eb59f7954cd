import { LearnError } from "../../src/base/error.ts";
import type { OtlpContentType } from "../request.ts";

/** What a receiver must know of a body before it appends it. */
export interface TraceIds {
  /** Distinct W3C trace ids of usable spans or log records, as 32 lower-case hex characters, in order of first sight. */
  readonly traceIds: readonly string[];
  /** Spans or log records in the body. */
  readonly items: number;
  /** Those of them whose ids make them unusable. */
  readonly rejected: number;
  /** Those of the rejected whose trace id is at fault; in the others it is the span id. */
  readonly badTraceIds: number;
}

export interface TraceIdOptions {
  readonly signal: "traces" | "logs";
  readonly contentType: OtlpContentType;
  /** See Limits.maxItems. */
  readonly maxItems: number;
}

/** Reads ids of one format, chunk by chunk. Throws "invalid" or "too-large" at once, and is not asked again then. */
export interface FormatReader {
  feed(chunk: Uint8Array): void;
  end(): TraceIds;
}

export function tooManyItems(maxItems: number): LearnError {
  return new LearnError("too-large", `the body holds more than ${maxItems} spans, events and attributes`, { hint: "send smaller batches" });
}

/** `what` goes on after "it". */
export function notOtlp(signal: string, format: "protobuf" | "JSON", what: string): LearnError {
  return new LearnError("invalid", `the body is not OTLP ${signal} in ${format}: it ${what}`, {
    hint: "check the signal in the path, and that Content-Type and Content-Encoding say what the body is",
  });
}
