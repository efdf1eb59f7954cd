import { LearnError } from "../../base/error.ts";
import { type Copier, createCopier } from "../copy-value.ts";
import type { Attributes, AttributeValue, RawEvent, RawLink, RawLog, RawSpan, Scope } from "../raw-span.ts";
import { checkedIds, createCollector, type DecodeOptions, type DecodeResult, SPAN_ID, TRACE_ID } from "./decode.ts";
import { type Json, listOf, objectOf, textOf } from "./json-value.ts";

/**
 * A RawBatch that came out of a file or another process, with every field checked: v8 deserialises Maps, BigInts and cycles as well.
 * Throws LearnError "invalid" for what is no batch at all, "too-large" beyond `maxItems`.
 */
export function checkedBatch(given: unknown, { maxDepth = 32, maxItems = 1_000_000 }: DecodeOptions = {}): DecodeResult {
  const { spans, logs } = objectOf(given);
  if (!Array.isArray(spans) || !Array.isArray(logs)) throw new LearnError("invalid", "body is not a batch of spans and logs");
  if (spans.length + logs.length > maxItems) throw new LearnError("too-large", `batch holds more than ${maxItems} spans and logs`);
  const unlimited = { maxTextLength: Number.MAX_SAFE_INTEGER, maxTotalLength: Number.MAX_SAFE_INTEGER };
  const copier = (): Copier => createCopier({ ...unlimited, maxDepth, maxValues: maxItems });
  const collector = createCollector();
  const resources = new Map<unknown, Attributes>();
  const resourceOf = (item: Json): Attributes => {
    const known = resources.get(item["resource"]) ?? copier().attributes(item["resource"]);
    resources.set(item["resource"], known);
    return known;
  };
  for (const span of spans) collector.span(() => spanOf(objectOf(span), copier(), resourceOf));
  for (const log of logs) collector.log(() => logOf(objectOf(log), copier(), resourceOf));
  return collector.result();
}

type ResourceOf = (item: Json) => Attributes;

function spanOf(span: Json, copier: Copier, resourceOf: ResourceOf): RawSpan {
  const status = objectOf(span["status"]);
  const code = status["code"];
  const message = textOf(status["message"]);
  return {
    ...checkedIds(textOf(span["traceId"]), textOf(span["spanId"]), textOf(span["parentSpanId"])),
    ...(span["remoteParent"] === true ? { remoteParent: true } : {}),
    name: textOf(span["name"]),
    kind: numberOf(span["kind"]),
    startTimeUs: numberOf(span["startTimeUs"]),
    endTimeUs: numberOf(span["endTimeUs"]),
    attributes: copier.attributes(span["attributes"]),
    events: listOf(span["events"]).map((event) => eventOf(objectOf(event), copier)),
    links: listOf(span["links"]).map((link) => linkOf(objectOf(link), copier)),
    status: { code: code === 1 || code === 2 ? code : 0, ...(message === "" ? {} : { message }) },
    resource: resourceOf(span),
    scope: scopeOf(objectOf(span["scope"])),
  };
}

function eventOf(event: Json, copier: Copier): RawEvent {
  return { name: textOf(event["name"]), timeUs: numberOf(event["timeUs"]), attributes: copier.attributes(event["attributes"]) };
}

function linkOf(link: Json, copier: Copier): RawLink {
  return { traceId: textOf(link["traceId"]), spanId: textOf(link["spanId"]), attributes: copier.attributes(link["attributes"]) };
}

function logOf(log: Json, copier: Copier, resourceOf: ResourceOf): RawLog | undefined {
  const traceId = textOf(log["traceId"]);
  const spanId = textOf(log["spanId"]);
  if (!TRACE_ID.test(traceId) || !SPAN_ID.test(spanId)) return undefined;
  const eventName = textOf(log["eventName"]);
  const body: AttributeValue = copier.value(log["body"]) ?? null;
  return {
    traceId,
    spanId,
    timeUs: numberOf(log["timeUs"]),
    ...(eventName === "" ? {} : { eventName }),
    body,
    attributes: copier.attributes(log["attributes"]),
    resource: resourceOf(log),
    scope: scopeOf(objectOf(log["scope"])),
  };
}

function scopeOf(scope: Json): Scope {
  const version = textOf(scope["version"]);
  return version === "" ? { name: textOf(scope["name"]) } : { name: textOf(scope["name"]), version };
}

function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
