import type { OtlpContentType } from "../request.ts";
import { readJsonIds } from "./json-ids.ts";
import { readProtobufIds } from "./protobuf-ids.ts";

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

/**
 * Reads ids out of an uncompressed export request and decodes nothing else.
 *
 * A span is unusable unless its trace id has 16 bytes, its span id has 8, and neither is all zero. A log record may have no ids
 * (absent, empty or all zero); with ids of another length it is unusable.
 *
 * Throws "invalid" for what is not OTLP or is nested too deep, "too-large" above `maxItems`. Both hold for the whole body, also for parts
 * that are not read here, so that what was accepted can be mapped later without harm.
 */
export function readTraceIds(body: Uint8Array, { signal, contentType, maxItems }: TraceIdOptions): TraceIds {
  return contentType === "application/json" ? readJsonIds(body, signal, maxItems) : readProtobufIds(body, signal, maxItems);
}
