import type { TimeUs } from "../base/clock.ts";
import { valueFrom } from "./json.ts";
import type { AttributeValue } from "./raw-span.ts";

const MICROSECONDS_PER_MILLISECOND = 1000;

/**
 * Milliseconds from the start of a span to an instant that its emitter wrote as ISO text (also quoted as JSON) or as whole nanoseconds.
 * `undefined` when it is no instant or lies before the start.
 */
export function millisecondsUntil(instant: AttributeValue | undefined, startTimeUs: TimeUs): number | undefined {
  const atUs = instant === undefined ? undefined : timeUsOf(valueFrom(instant));
  if (atUs === undefined || atUs < startTimeUs) return undefined;
  return (atUs - startTimeUs) / MICROSECONDS_PER_MILLISECOND;
}

function timeUsOf(value: AttributeValue): TimeUs | undefined {
  // Nanoseconds since 1970 lie beyond 2^53, so they are text.
  if (typeof value === "string" && /^\d{19}$/.test(value)) return Number(value.slice(0, -3));
  const parsed = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(parsed) ? undefined : parsed * MICROSECONDS_PER_MILLISECOND;
}
