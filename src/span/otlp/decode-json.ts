import { LearnError } from "../../base/error.ts";
import type { Attributes, RawEvent, RawLink, RawLog, RawSpan, Scope } from "../raw-span.ts";
import {
  type Budget,
  type Collector,
  checkedIds,
  createBudget,
  createCollector,
  type DecodeOptions,
  type DecodeResult,
  isRemoteParent,
  RejectedItem,
  type Signal,
  SPAN_ID,
  TRACE_ID,
} from "./decode.ts";
import { scanJson } from "./json-scan.ts";
import { hexOf, type Json, jsonAttributes, jsonValue, listOf, nanosAsUs, objectOf, textOf } from "./json-value.ts";

const FIELDS = { traces: ["resourceSpans", "scopeSpans", "spans"], logs: ["resourceLogs", "scopeLogs", "logRecords"] } as const;

/**
 * Decodes an OTLP/JSON export request: ids are hex in any case, 64-bit integers are text or numbers, unknown fields are ignored.
 * Throws LearnError "invalid" for what is no JSON object or plainly another request, "too-large" beyond `maxItems`.
 */
export function decodeJson(body: Uint8Array, signal: Signal, options: DecodeOptions = {}): DecodeResult {
  const budget = createBudget(options);
  scanJson(body, budget.maxItems);
  const request = parse(body);
  const [resources, scopes, items] = FIELDS[signal];
  refuseOtherRequest(request, signal);
  const collector = createCollector();
  for (const block of listOf(request[resources])) {
    const resource = resourceOf(objectOf(block), budget);
    for (const scopeBlock of listOf(objectOf(block)[scopes])) {
      const scope = scopeOf(objectOf(objectOf(scopeBlock)["scope"]));
      for (const item of listOf(objectOf(scopeBlock)[items])) {
        budget.spend();
        collect(objectOf(item), { resource, scope, signal, budget, collector });
      }
    }
  }
  return collector.result();
}

function parse(body: Uint8Array): Json {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8"));
  } catch (cause) {
    throw new LearnError("invalid", "body is not JSON", { hint: "set Content-Type to application/x-protobuf if it is protobuf", cause });
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw new LearnError("invalid", "body is not an OTLP/JSON object");
  return parsed as Json;
}

/** Unknown fields are ignored, but a body with nothing except another signal's field would be answered 200 and lost. */
function refuseOtherRequest(request: Json, signal: Signal): void {
  const [wanted] = FIELDS[signal];
  const given = request[wanted];
  if (given !== undefined && given !== null && !Array.isArray(given)) throw new LearnError("invalid", `${wanted} is not a list`);
  if (given !== undefined) return;
  const other = ["resourceSpans", "resourceLogs", "resourceMetrics", "resource_spans", "resource_logs"].find((field) => field in request);
  if (other === undefined) return;
  const hint = other.includes("_") ? "write field names in lowerCamelCase" : "send each signal to its own path: /v1/traces, /v1/logs";
  throw new LearnError("invalid", `body has ${other} where ${wanted} is expected`, { hint });
}

interface Place {
  readonly resource: Attributes;
  readonly scope: Scope;
  readonly signal: Signal;
  readonly budget: Budget;
  readonly collector: Collector;
}

function collect(item: Json, { resource, scope, signal, budget, collector }: Place): void {
  if (signal === "traces") collector.span(() => spanOf(item, resource, scope, budget));
  else collector.log(() => logOf(item, resource, scope, budget));
}

/** A resource that nests too deep is emptied: refusing it would cost all its spans. */
function resourceOf(block: Json, budget: Budget): Attributes {
  try {
    return jsonAttributes(objectOf(block["resource"])["attributes"], budget);
  } catch (caught) {
    if (caught instanceof RejectedItem) return {};
    throw caught;
  }
}

function scopeOf(scope: Json): Scope {
  const version = textOf(scope["version"]);
  return version === "" ? { name: textOf(scope["name"]) } : { name: textOf(scope["name"]), version };
}

function spanOf(span: Json, resource: Attributes, scope: Scope, budget: Budget): RawSpan {
  const status = objectOf(span["status"]);
  const code = enumOf(status["code"], ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"]);
  const message = textOf(status["message"]);
  return {
    ...checkedIds(hexOf(span["traceId"]), hexOf(span["spanId"]), hexOf(span["parentSpanId"])),
    ...(isRemoteParent(enumOf(span["flags"], [], 0xffff_ffff)) ? { remoteParent: true } : {}),
    name: textOf(span["name"]),
    kind: enumOf(span["kind"], KINDS),
    startTimeUs: nanosAsUs(span["startTimeUnixNano"]),
    endTimeUs: nanosAsUs(span["endTimeUnixNano"]),
    attributes: jsonAttributes(span["attributes"], budget),
    events: listOf(span["events"]).map((event) => eventOf(objectOf(event), budget)),
    links: listOf(span["links"]).map((link) => linkOf(objectOf(link), budget)),
    status: { code: code === 1 || code === 2 ? code : 0, ...(message === "" ? {} : { message }) },
    ...droppedOf(span, "droppedAttributesCount", "droppedEventsCount", "droppedLinksCount"),
    resource,
    scope,
  };
}

const KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"].map((kind) => `SPAN_KIND_${kind}`);

/** Enums must be numbers; exporters made from protobuf's own JSON mapping send their names. */
function enumOf(value: unknown, names: readonly string[], max: number = names.length - 1): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max) return value;
  return typeof value === "string" ? Math.max(0, names.indexOf(value)) : 0;
}

function droppedOf(item: Json, ...counts: readonly string[]): Pick<RawSpan, "droppedCount"> {
  const droppedCount = counts.reduce((sum, key) => sum + enumOf(item[key], [], 0xffff_ffff), 0);
  return droppedCount === 0 ? {} : { droppedCount };
}

function eventOf(event: Json, budget: Budget): RawEvent {
  budget.spend();
  return { name: textOf(event["name"]), timeUs: nanosAsUs(event["timeUnixNano"]), attributes: jsonAttributes(event["attributes"], budget) };
}

function linkOf(link: Json, budget: Budget): RawLink {
  budget.spend();
  return { traceId: hexOf(link["traceId"]), spanId: hexOf(link["spanId"]), attributes: jsonAttributes(link["attributes"], budget) };
}

function logOf(log: Json, resource: Attributes, scope: Scope, budget: Budget): RawLog | undefined {
  const traceId = hexOf(log["traceId"]);
  const spanId = hexOf(log["spanId"]);
  if (!TRACE_ID.test(traceId) || !SPAN_ID.test(spanId)) return undefined;
  const attributes = jsonAttributes(log["attributes"], budget);
  const eventName = textOf(log["eventName"]) || textOf(attributes["event.name"]);
  return {
    traceId,
    spanId,
    timeUs: nanosAsUs(log["timeUnixNano"]) || nanosAsUs(log["observedTimeUnixNano"]),
    ...(eventName === "" ? {} : { eventName }),
    body: jsonValue(log["body"], budget, budget.maxDepth),
    ...droppedOf(log, "droppedAttributesCount"),
    attributes,
    resource,
    scope,
  };
}
