/** Export requests in the shape of OTLP/JSON, each with ids of its own, so that rows do not meet in the store. */
import { randomBytes } from "node:crypto";

export const newTraceId = () => randomBytes(16).toString("hex");
export const newSpanId = () => randomBytes(8).toString("hex");

export const START_NANOS = "1790000000123456000";
export const END_NANOS = "1790000001123456000";

export function aSpan(fields = {}) {
  const ids = { traceId: newTraceId(), spanId: newSpanId() };
  return { ...ids, name: "chat", kind: 3, startTimeUnixNano: START_NANOS, endTimeUnixNano: END_NANOS, ...fields };
}

export function traces(...spans) {
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "conformance" } }] };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "test", version: "1" }, spans }] }] };
}

/** A log record that is kept: those without GenAI content are accepted and dropped. */
export function aLog(fields = {}) {
  return {
    traceId: newTraceId(),
    spanId: newSpanId(),
    timeUnixNano: START_NANOS,
    eventName: "gen_ai.choice",
    body: { stringValue: "hi" },
    ...fields,
  };
}

export function logs(...logRecords) {
  return { resourceLogs: [{ scopeLogs: [{ scope: { name: "test" }, logRecords }] }] };
}

/** One attribute of every kind of value, with what is read back. */
export const EVERY_VALUE = [
  { key: "text", value: { stringValue: "Größe" } },
  { key: "yes", value: { boolValue: true } },
  { key: "int", value: { intValue: "-42" } },
  { key: "big", value: { intValue: "9007199254740993" } },
  { key: "double", value: { doubleValue: 1.5 } },
  { key: "bytes", value: { bytesValue: "AAEC" } },
  { key: "list", value: { arrayValue: { values: [{ stringValue: "a" }, { intValue: "1" }] } } },
  { key: "map", value: { kvlistValue: { values: [{ key: "inner", value: { stringValue: "b" } }] } } },
  { key: "nothing", value: {} },
];
export const EVERY_VALUE_READ = {
  text: "Größe",
  yes: true,
  int: -42,
  big: "9007199254740993",
  double: 1.5,
  bytes: "AAEC",
  list: ["a", 1],
  map: { inner: "b" },
  nothing: null,
};
