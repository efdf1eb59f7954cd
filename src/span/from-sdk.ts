import { type CopyOptions, createCopier } from "./copy-value.ts";
import type { Attributes, RawLog, RawSpan, Scope } from "./raw-span.ts";
import type { HrTimeLike, LogRecordLike, SpanLike } from "./sdk-shapes.ts";

/** Events, and links, of one span that are looked at. */
export const MAX_EVENTS = 1024;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * A copy of a finished SDK span; SDK objects are live, so nothing is kept by reference but strings, and resources that are settled.
 * Values that are no data become text or are left out. Throws only where the span itself does (its ids cannot be read).
 */
export function rawSpanFromSdk(span: SpanLike, options: CopyOptions = {}): RawSpan {
  const copier = createCopier(options);
  const { traceId, spanId } = span.spanContext();
  const parentSpanId = textOf(span.parentSpanContext?.spanId ?? span.parentSpanId);
  const message = span.status?.message;
  const code = span.status?.code;
  const status: Writable<RawSpan["status"]> = { code: code === 1 || code === 2 ? code : 0 };
  if (typeof message === "string" && message !== "") status.message = copier.text(message);
  const raw: Writable<RawSpan> = {
    traceId: textOf(traceId),
    spanId: textOf(spanId),
    name: copier.text(textOf(span.name)),
    // SDK kinds start at INTERNAL = 0, OTLP kinds at UNSPECIFIED = 0.
    kind: typeof span.kind === "number" ? span.kind + 1 : 0,
    startTimeUs: microseconds(span.startTime),
    endTimeUs: microseconds(span.endTime),
    attributes: copier.attributes(span.attributes),
    events: list(span.events, (event) => ({
      name: copier.text(textOf(event.name)),
      timeUs: microseconds(event.time),
      attributes: copier.attributes(event.attributes),
    })),
    links: list(span.links, (link) => ({
      traceId: textOf(link.context.traceId),
      spanId: textOf(link.context.spanId),
      attributes: copier.attributes(link.attributes),
    })),
    status,
    resource: resourceOf(span.resource, options),
    scope: scopeOf(span.instrumentationScope ?? span.instrumentationLibrary),
  };
  // Set afterwards: a spread of `{}` or `{ parentSpanId }` inside the literal costs more than the rest of it.
  if (parentSpanId !== "") raw.parentSpanId = parentSpanId;
  if (span.parentSpanContext?.isRemote === true) raw.remoteParent = true;
  const dropped = count(span.droppedAttributesCount) + count(span.droppedEventsCount) + count(span.droppedLinksCount);
  if (dropped > 0) raw.droppedCount = dropped;
  return raw;
}

/** A copy of a log record; `undefined` when it belongs to no span. */
export function rawLogFromSdk(record: LogRecordLike, options: CopyOptions = {}): RawLog | undefined {
  const owner = record.spanContext;
  const traceId = textOf(owner?.traceId);
  const spanId = textOf(owner?.spanId);
  if (traceId === "" || spanId === "") return undefined;
  const copier = createCopier(options);
  const attributes = copier.attributes(record.attributes);
  const named = record.eventName || attributes["event.name"];
  const dropped = count(record.droppedAttributesCount);
  return {
    traceId,
    spanId,
    timeUs: microseconds(record.hrTime) || microseconds(record.hrTimeObserved),
    ...(typeof named === "string" && named !== "" ? { eventName: copier.text(named) } : {}),
    body: copier.value(record.body) ?? null,
    ...(dropped > 0 ? { droppedCount: dropped } : {}),
    attributes,
    resource: resourceOf(record.resource, options),
    scope: scopeOf(record.instrumentationScope),
  };
}

// No field is coerced: `String(new Array(2 ** 32 - 1))` blocks for minutes.
function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function count(value: unknown): number {
  return typeof value === "number" && value > 0 ? value : 0;
}

/** Whole microseconds; 0 for what is no time. */
function microseconds(time: HrTimeLike | undefined): number {
  const seconds: unknown = time?.[0];
  const nanos: unknown = time?.[1];
  if (typeof seconds !== "number" || typeof nanos !== "number") return 0;
  const us = seconds * 1_000_000 + Math.floor(nanos / 1000);
  return Number.isFinite(us) ? us : 0;
}

/** The first of them; SDKs keep 128 events and links by default. */
function list<From, To>(values: readonly From[] | undefined, copy: (value: From) => To): readonly To[] {
  if (!Array.isArray(values) || values.length === 0) return [];
  return (values.slice(0, MAX_EVENTS) as readonly From[]).map(copy);
}

// One resource serves all spans of a provider: copied once, and handed to another thread once per batch.
const resources = new WeakMap<object, Attributes>();

function resourceOf(resource: SpanLike["resource"] | undefined, options: CopyOptions): Attributes {
  if (resource === undefined || resource === null) return {};
  const known = resources.get(resource);
  if (known !== undefined) return known;
  const copied = createCopier(options).attributes(resource.attributes);
  if (resource.asyncAttributesPending !== true) resources.set(resource, copied);
  return copied;
}

function scopeOf(scope: SpanLike["instrumentationScope"]): Scope {
  const name = typeof scope?.name === "string" ? scope.name : "";
  return typeof scope?.version === "string" && scope.version !== "" ? { name, version: scope.version } : { name };
}
