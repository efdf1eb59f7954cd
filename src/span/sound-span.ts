import { isObject } from "./json.ts";
import type { Attributes, RawLog, RawSpan } from "./raw-span.ts";

/** A span whose fields are what their types say. Spans come through stores and queues that this code does not own. Never throws. */
export function soundSpan(raw: unknown): RawSpan {
  try {
    return checked(raw);
  } catch {
    return checked({});
  }
}

function checked(raw: unknown): RawSpan {
  const given: { readonly [Key in keyof RawSpan]?: unknown } = isObject(raw) ? raw : {};
  // One shape for all: pieces put together give every span another, and reading many shapes is slow.
  const made: { -readonly [Key in keyof RawSpan]: RawSpan[Key] } = {
    traceId: textOr(given.traceId, ""),
    spanId: textOr(given.spanId, ""),
    name: textOr(given.name, ""),
    kind: numberOr(given.kind, 0),
    startTimeUs: numberOr(given.startTimeUs, 0),
    endTimeUs: numberOr(given.endTimeUs, 0),
    attributes: attributesOr(given.attributes),
    events: listOr(given.events).map((event) => ({
      name: textOr(event["name"], ""),
      timeUs: numberOr(event["timeUs"], 0),
      attributes: attributesOr(event["attributes"]),
    })),
    links: [],
    status: statusOr(given.status),
    resource: attributesOr(given.resource),
    scope: { name: isObject(given.scope) ? textOr(given.scope["name"], "") : "" },
  };
  if (typeof given.parentSpanId === "string" && given.parentSpanId !== "") made.parentSpanId = given.parentSpanId;
  if (typeof given.remoteParent === "boolean") made.remoteParent = given.remoteParent;
  return made;
}

function statusOr(given: unknown): RawSpan["status"] {
  const status = isObject(given) ? given : {};
  const [code, message] = [status["code"], status["message"]];
  const kept = code === 1 || code === 2 ? code : 0;
  return typeof message === "string" ? { code: kept, message } : { code: kept };
}

/** The logs that are logs. */
export function soundLogs(logs: unknown): readonly RawLog[] {
  return listOr(logs).map((log) => ({
    traceId: textOr(log["traceId"], ""),
    spanId: textOr(log["spanId"], ""),
    timeUs: numberOr(log["timeUs"], 0),
    ...(typeof log["eventName"] === "string" && log["eventName"] !== "" ? { eventName: log["eventName"] } : {}),
    body: log["body"] ?? null,
    attributes: attributesOr(log["attributes"]),
    resource: {},
    scope: { name: "" },
  }));
}

const textOr = (value: unknown, otherwise: string): string => (typeof value === "string" ? value : otherwise);
const numberOr = (value: unknown, otherwise: number): number => (typeof value === "number" && Number.isFinite(value) ? value : otherwise);
const attributesOr = (value: unknown): Attributes => (isObject(value) ? value : {});
const listOr = (value: unknown): readonly Attributes[] => (Array.isArray(value) ? value.filter(isObject) : []);
