import type { RawBatch } from "../span/raw-span.ts";

// A span without attributes: ids, times, names, and what the engine adds.
const BYTES_PER_RECORD = 300;
const BYTES_PER_VALUE = 16;
// Content sits at most this deep in messages; deeper values are rare and small.
const MAX_DEPTH = 4;

/** About how much memory a batch holds, from the lengths of its texts. Runs on the agent's thread: it reads lengths and copies nothing. */
export function estimateBytes(batch: RawBatch): number {
  let bytes = 0;
  for (const span of batch.spans) {
    bytes += BYTES_PER_RECORD + sizeOf(span.attributes, 0);
    for (const event of span.events) bytes += BYTES_PER_RECORD + sizeOf(event.attributes, 0);
  }
  for (const log of batch.logs) bytes += BYTES_PER_RECORD + sizeOf(log.attributes, 0) + sizeOf(log.body, 0);
  return bytes;
}

function sizeOf(value: unknown, depth: number): number {
  if (typeof value === "string") return BYTES_PER_VALUE + value.length;
  if (typeof value !== "object" || value === null || depth >= MAX_DEPTH) return BYTES_PER_VALUE;
  let bytes = BYTES_PER_VALUE;
  for (const key in value) bytes += key.length + sizeOf((value as Record<string, unknown>)[key], depth + 1);
  return bytes;
}
