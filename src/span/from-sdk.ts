import { type Copier, createCopier } from "./copy-value.ts";
import type { Attributes, RawLog, RawSpan, Scope } from "./raw-span.ts";
import type { HrTimeLike, LogRecordLike, SpanLike } from "./sdk-shapes.ts";

/** Events, and links, of one span that are looked at. */
export const MAX_EVENTS = 1024;

// Every stored span repeats its resource, and up to 64 of them share a batch.
const MAX_RESOURCE_LENGTH = 32_768;
// W3C ids have 32 and 16 characters; no SDK makes longer ones, and nothing is known by its first half.
const MAX_ID_LENGTH = 64;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * A copy of a finished SDK span; SDK objects are live, so nothing is kept by reference but strings, and resources that are settled.
 * Values that are no data become text or are left out. Each field is read once: a getter may answer differently the next time.
 * Throws only where the span itself does.
 */
export function rawSpanFromSdk(span: SpanLike, copier: Copier = createCopier()): RawSpan {
  const { traceId, spanId } = span.spanContext();
  const parent = span.parentSpanContext;
  const parentSpanId = idOf(parent?.spanId ?? span.parentSpanId);
  const given = span.status;
  const message = given?.message;
  const code = given?.code;
  const status: Writable<RawSpan["status"]> = { code: code === 1 || code === 2 ? code : 0 };
  if (typeof message === "string" && message !== "") status.message = copier.text(message);
  const kind = span.kind;
  const raw: Writable<RawSpan> = {
    traceId: idOf(traceId),
    spanId: idOf(spanId),
    name: textOf(span.name, copier),
    // SDK kinds start at INTERNAL = 0, OTLP kinds at UNSPECIFIED = 0.
    kind: typeof kind === "number" ? kind + 1 : 0,
    startTimeUs: microseconds(span.startTime),
    endTimeUs: microseconds(span.endTime),
    attributes: copier.attributes(span.attributes),
    events: list(span.events, (event) => ({
      name: textOf(event.name, copier),
      timeUs: microseconds(event.time),
      attributes: copier.attributes(event.attributes),
    })),
    links: list(span.links, (link) => {
      const { traceId, spanId } = link.context;
      return { traceId: idOf(traceId), spanId: idOf(spanId), attributes: copier.attributes(link.attributes) };
    }),
    status,
    resource: resourceOf(span.resource),
    scope: scopeOf(span.instrumentationScope ?? span.instrumentationLibrary, copier),
  };
  // Set afterwards: a spread of `{}` or `{ parentSpanId }` inside the literal costs more than the rest of it.
  if (parentSpanId !== "") raw.parentSpanId = parentSpanId;
  if (parent?.isRemote === true) raw.remoteParent = true;
  const dropped = count(span.droppedAttributesCount) + count(span.droppedEventsCount) + count(span.droppedLinksCount);
  if (dropped > 0) raw.droppedCount = dropped;
  return raw;
}

/** A copy of a log record; `undefined` when it belongs to no span. */
export function rawLogFromSdk(record: LogRecordLike, copier: Copier = createCopier()): RawLog | undefined {
  const owner = record.spanContext;
  const traceId = idOf(owner?.traceId);
  const spanId = idOf(owner?.spanId);
  if (traceId === "" || spanId === "") return undefined;
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
    resource: resourceOf(record.resource),
    scope: scopeOf(record.instrumentationScope, copier),
  };
}

// No field is coerced: `String(new Array(2 ** 32 - 1))` blocks for minutes.
function textOf(value: unknown, copier: Copier): string {
  return typeof value === "string" ? copier.text(value) : "";
}

function idOf(value: unknown): string {
  return typeof value === "string" && value.length <= MAX_ID_LENGTH ? value : "";
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

/**
 * The first of them; SDKs keep 128 events and links by default. By index, because methods of a foreign list return what they like.
 * One that can't be read costs only itself.
 */
function list<From, To>(values: readonly From[] | undefined, copy: (value: From) => To): readonly To[] {
  const copied: To[] = [];
  if (!Array.isArray(values)) return copied;
  const count = Math.min(values.length, MAX_EVENTS);
  for (let index = 0; index < count; index++) {
    try {
      const value = values[index] as From | null | undefined;
      if (value !== undefined && value !== null) copied.push(copy(value));
    } catch {
      // A getter or a Proxy of the host threw.
    }
  }
  return copied;
}

// One resource serves all spans of a provider: copied once, and handed to another thread once per batch.
const resources = new WeakMap<object, Attributes>();

function resourceOf(resource: SpanLike["resource"] | undefined): Attributes {
  if (typeof resource !== "object" || resource === null) return {};
  const known = resources.get(resource);
  if (known !== undefined) return known;
  const copied = createCopier({ maxTotalLength: MAX_RESOURCE_LENGTH }).attributes(resource.attributes);
  if (resource.asyncAttributesPending !== true) resources.set(resource, copied);
  return copied;
}

function scopeOf(scope: SpanLike["instrumentationScope"], copier: Copier): Scope {
  const name = textOf(scope?.name, copier);
  const version = textOf(scope?.version, copier);
  return version === "" ? { name } : { name, version };
}
