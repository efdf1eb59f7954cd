import type { Attributes, RawEvent, RawLog, RawSpan } from "../../../src/span/raw-span.ts";

export const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
export const SPAN_ID = "b7ad6b7169203331";

/** A span as a decoder hands it on. */
export function aRawSpan(attributes: Attributes = {}, overrides: Partial<RawSpan> = {}): RawSpan {
  return {
    traceId: TRACE_ID,
    spanId: SPAN_ID,
    name: "span",
    kind: 1,
    startTimeUs: 1_000_000,
    endTimeUs: 2_000_000,
    attributes,
    events: [],
    links: [],
    status: { code: 0 },
    resource: { "service.name": "shop" },
    scope: { name: "test" },
    ...overrides,
  };
}

export function aRawLog(overrides: Partial<RawLog> = {}): RawLog {
  return {
    traceId: TRACE_ID,
    spanId: SPAN_ID,
    timeUs: 1_000_000,
    body: null,
    attributes: {},
    resource: {},
    scope: { name: "test" },
    ...overrides,
  };
}

export function anEvent(name: string, attributes: Attributes = {}, timeUs = 1_000_000): RawEvent {
  return { name, timeUs, attributes };
}
