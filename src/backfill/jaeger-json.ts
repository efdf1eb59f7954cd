import type { TimeUs } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { type Json, listOf, objectOf, textOf } from "../span/otlp/json-value.ts";
import { otlpMessage } from "./otlp-message.ts";
import { parsedDocument } from "./parsed-document.ts";
import type { Message } from "./ports.ts";

/** Jaeger's own names for parts of a span that OTLP has fields for. They become those fields and leave the attributes. */
const FIELD_TAGS: ReadonlySet<string> = new Set([
  "span.kind",
  "error",
  "otel.status_code",
  "otel.status_description",
  "otel.scope.name",
  "otel.scope.version",
  "otel.library.name",
  "otel.library.version",
  "internal.span.format",
]);

const KINDS: Readonly<Record<string, number>> = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };

/** Traces as Jaeger's API and page export them, `{"data": [trace…]}` or one trace alone; one request in OTLP JSON for each trace. */
export function jaegerMessages(bytes: Uint8Array, nowUs: TimeUs): readonly Message[] {
  const document = parsedDocument(bytes);
  const traces = Array.isArray(document["data"]) ? document["data"] : document["processes"] === undefined ? undefined : [document];
  if (traces === undefined) throw new LearnError("invalid", "it is no Jaeger export: it has no list of traces as data");
  return traces
    .map((trace) => requestOf(objectOf(trace)))
    .filter(({ resourceSpans }) => resourceSpans.length > 0)
    .map((request) => otlpMessage("otlp-json", "traces", new Uint8Array(Buffer.from(JSON.stringify(request))), nowUs));
}

function requestOf(trace: Json): { readonly resourceSpans: readonly object[] } {
  const processes = objectOf(trace["processes"]);
  const byResource = new Map<string, { readonly process: Json; readonly spans: Json[] }>();
  for (const given of listOf(trace["spans"])) {
    const span = objectOf(given);
    // Archived traces carry the process in the span itself.
    const id = textOf(span["processID"]);
    const process = objectOf(span["process"] ?? processes[id]);
    const key = span["process"] === undefined ? id : JSON.stringify(process);
    const group = byResource.get(key) ?? { process, spans: [] };
    group.spans.push(span);
    byResource.set(key, group);
  }
  return {
    resourceSpans: [...byResource.values()].map(({ process, spans }) => ({ resource: resourceOf(process), scopeSpans: spans.map(scoped) })),
  };
}

function resourceOf(process: Json): object {
  const service = textOf(process["serviceName"]);
  const name = service === "" ? [] : [{ key: "service.name", value: { stringValue: service } }];
  return { attributes: [...name, ...listOf(process["tags"]).map((tag) => attributeOf(objectOf(tag)))] };
}

function scoped(span: Json): object {
  const tags = new Map(listOf(span["tags"]).map((tag) => [textOf(objectOf(tag)["key"]), objectOf(tag)["value"]]));
  const name = textOf(tags.get("otel.scope.name") ?? tags.get("otel.library.name"));
  const version = textOf(tags.get("otel.scope.version") ?? tags.get("otel.library.version"));
  return { scope: { name, version }, spans: [spanOf(span, tags)] };
}

function spanOf(span: Json, tags: ReadonlyMap<string, unknown>): object {
  const traceId = idOf(span["traceID"], 32);
  const references = listOf(span["references"]).map((reference) => {
    const { refType, traceID, spanID } = objectOf(reference);
    return { refType, traceId: idOf(traceID, 32), spanId: idOf(spanID, 16) };
  });
  const here = references.filter((reference) => reference.traceId === traceId);
  const parent = here.find(({ refType }) => refType === "CHILD_OF") ?? here[0];
  const startUs = wholeUs(span["startTime"]);
  return {
    traceId,
    spanId: idOf(span["spanID"], 16),
    parentSpanId: parent?.spanId ?? idOf(span["parentSpanID"], 16),
    name: textOf(span["operationName"]),
    kind: KINDS[textOf(tags.get("span.kind"))] ?? 0,
    startTimeUnixNano: nanos(startUs),
    endTimeUnixNano: nanos(startUs + wholeUs(span["duration"])),
    attributes: listOf(span["tags"])
      .map(objectOf)
      .filter((tag) => !FIELD_TAGS.has(textOf(tag["key"])))
      .map(attributeOf),
    events: listOf(span["logs"]).map((log) => eventOf(objectOf(log))),
    links: references.filter((reference) => reference !== parent).map(({ traceId: id, spanId }) => ({ traceId: id, spanId })),
    status: statusOf(tags),
  };
}

function statusOf(tags: ReadonlyMap<string, unknown>): object {
  const code = textOf(tags.get("otel.status_code"));
  const failed = code === "ERROR" || tags.get("error") === true || tags.get("error") === "true";
  return { code: failed ? 2 : code === "OK" ? 1 : 0, message: textOf(tags.get("otel.status_description")) };
}

/** A log line has no name of its own; exporters put that of an OpenTelemetry event into the field `event`. */
function eventOf(log: Json): object {
  const fields = listOf(log["fields"]).map(objectOf);
  const name = fields.find(({ key, value }) => key === "event" && typeof value === "string");
  return {
    name: textOf(name?.["value"]),
    timeUnixNano: nanos(wholeUs(log["timestamp"])),
    attributes: fields.filter((field) => field !== name).map(attributeOf),
  };
}

/** Lists were turned into JSON text before they came to Jaeger, and stay that. */
function attributeOf({ key, type, value }: Json): object {
  return { key: textOf(key), value: anyValueOf(typeof type === "string" ? type.toLowerCase() : typeof value, value) };
}

function anyValueOf(type: string, value: unknown): object {
  if (type === "bool" || type === "boolean") return { boolValue: value === true || value === "true" };
  if (type === "int64") return { intValue: String(value) };
  if (type === "float64" || type === "number") return { doubleValue: Number(value) };
  if (type === "binary") return { bytesValue: textOf(value) };
  return { stringValue: typeof value === "string" ? value : JSON.stringify(value ?? "") };
}

/** Ids lose their leading zeros on the way; 64-bit trace ids are padded as OpenTelemetry does. */
function idOf(value: unknown, characters: number): string {
  const id = textOf(value).toLowerCase();
  return id === "" ? "" : id.padStart(characters, "0");
}

function wholeUs(value: unknown): number {
  const number = Number(value);
  return Number.isFinite(number) && number > 0 ? Math.trunc(number) : 0;
}

/** As text: nanoseconds do not fit a double. */
function nanos(timeUs: number): string {
  return timeUs === 0 ? "0" : `${timeUs}000`;
}
