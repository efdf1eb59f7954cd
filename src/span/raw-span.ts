import type { TimeUs } from "../base/clock.ts";

/** What an attribute may hold. Bytes arrive as base64 text, integers beyond 2^53 as decimal text. */
export type AttributeValue = string | number | boolean | null | readonly AttributeValue[] | { readonly [key: string]: AttributeValue };

export type Attributes = { readonly [key: string]: AttributeValue };

export interface Scope {
  readonly name: string;
  readonly version?: string;
}

export interface RawEvent {
  readonly name: string;
  readonly timeUs: TimeUs;
  readonly attributes: Attributes;
}

export interface RawLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Attributes;
}

/** A span as any emitter produced it: one shape for SDK objects and for OTLP, before anything is understood. JSON-safe. */
export interface RawSpan {
  /** 32 lower-case hex characters. */
  readonly traceId: string;
  /** 16 lower-case hex characters. */
  readonly spanId: string;
  /** Absent for a root. */
  readonly parentSpanId?: string;
  /** True when the parent is known to live in another process. */
  readonly remoteParent?: boolean;
  readonly name: string;
  /** OTLP SpanKind: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly startTimeUs: TimeUs;
  readonly endTimeUs: TimeUs;
  readonly attributes: Attributes;
  readonly events: readonly RawEvent[];
  readonly links: readonly RawLink[];
  /** OTLP StatusCode: 0 unset, 1 ok, 2 error. */
  readonly status: { readonly code: 0 | 1 | 2; readonly message?: string };
  /** Attributes, events and links that the emitter left out at the limits of its SDK; absent when none. */
  readonly droppedCount?: number;
  readonly resource: Attributes;
  readonly scope: Scope;
}

/** A log record with GenAI content, joined to its span on (traceId, spanId). */
export interface RawLog {
  readonly traceId: string;
  readonly spanId: string;
  readonly timeUs: TimeUs;
  /** `eventName` field, else attribute `event.name`, else absent. */
  readonly eventName?: string;
  readonly body: AttributeValue;
  /** Attributes that the emitter left out at the limits of its SDK; absent when none. */
  readonly droppedCount?: number;
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly scope: Scope;
}

/** What a decoder or a processor hands on. Order means nothing. */
export interface RawBatch {
  readonly spans: readonly RawSpan[];
  readonly logs: readonly RawLog[];
}
