import type { Occurrence } from "./ports.ts";
import type { AttributeValue, RawLog, RawSpan } from "./raw-span.ts";

/** Span events and logs as one list in time order; equal times keep their order, span events first. */
export function occurrencesOf(span: RawSpan, logs: readonly RawLog[]): readonly Occurrence[] {
  const fromEvents = span.events.map((event) => ({ name: event.name, timeUs: event.timeUs, attributes: event.attributes, body: null }));
  const fromLogs = logs.map((log) => ({ name: nameOf(log), timeUs: log.timeUs, attributes: log.attributes, body: log.body }));
  return [...fromEvents, ...fromLogs].sort((a, b) => a.timeUs - b.timeUs);
}

/** The `eventName` field, or, as SDKs before it wrote it, the attribute `event.name`. */
function nameOf(log: RawLog): string {
  const named: AttributeValue | undefined = log.eventName ?? log.attributes["event.name"];
  return typeof named === "string" ? named : "";
}
