import { dialects } from "./dialects.ts";
import { occurrencesOf } from "./occurrences.ts";
import type { RawLog, RawSpan } from "./raw-span.ts";
import { soundLogs, soundSpan } from "./sound-span.ts";

/** The conventions that a span and its logs speak, in order of trust; empty when none knows it. Never throws. */
export function dialectNamesOf(raw: RawSpan, logs: readonly RawLog[]): readonly string[] {
  try {
    const span = soundSpan(raw);
    const occurrences = occurrencesOf(span, soundLogs(logs));
    return dialects.filter((dialect) => dialect.read({ span, occurrences }) !== undefined).map(({ name }) => name);
  } catch {
    return [];
  }
}
