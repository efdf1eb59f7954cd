import { digest } from "../base/id.ts";
import type { RawBatch, RawLog, RawSpan } from "../span/raw-span.ts";
import type { Row, SqlExecutor, SqlValue } from "./driver.ts";
import { mergeSpans } from "./merge-span.ts";
import { idList, insertRows } from "./rows.ts";
import { keyOf, type TraceRef, traceRefs } from "./trace-refs.ts";
import { jsonOf, jsonText, requiredText, textOf } from "./values.ts";
/** See `IngestStore.saveMapped`. */
export async function saveBatch(tx: SqlExecutor, batch: RawBatch, nowUs: number): Promise<void> {
  const byTrace = new Map<string, { spans: RawSpan[]; logs: RawLog[] }>();
  const entryOf = (traceId: string): { spans: RawSpan[]; logs: RawLog[] } => {
    const known = byTrace.get(keyOf(traceId));
    if (known !== undefined) return known;
    const made = { spans: [], logs: [] };
    byTrace.set(keyOf(traceId), made);
    return made;
  };
  for (const span of batch.spans) if (span.traceId !== "") entryOf(span.traceId).spans.push(span);
  for (const log of batch.logs) if (log.traceId !== "") entryOf(log.traceId).logs.push(log);
  const refs = await traceRefs(tx, new Set(byTrace.keys()));
  const rows: SqlValue[][] = [];
  const arrived: { readonly ref: number; readonly added: number }[] = [];
  for (const [traceId, entry] of byTrace) {
    const trace = refs.get(traceId);
    if (trace === undefined) continue;
    const spans = await changedSpans(tx, trace, entry.spans);
    for (const row of spans.rows) rows.push(row);
    const logs = await saveLogs(tx, trace.ref, entry.logs);
    // A retried request brings nothing new and must not make anybody assemble the trace again.
    if (spans.rows.length > 0 || logs > 0) arrived.push({ ref: trace.ref, added: spans.added });
  }
  await insertRows(tx, "INSERT INTO span (trace_ref, span_id, body)", rows, "ON CONFLICT DO UPDATE SET body = excluded.body");
  await markArrived(tx, arrived, nowUs);
}

async function markArrived(
  tx: SqlExecutor,
  arrived: readonly { readonly ref: number; readonly added: number }[],
  nowUs: number,
): Promise<void> {
  if (arrived.length === 0) return;
  await tx.run(
    `UPDATE w3c_trace SET span_count = span_count + (value ->> 'added'), last_arrival_us = max(?, last_arrival_us + 1), pending = 1
     FROM json_each(?) WHERE ref = value ->> 'ref'`,
    [nowUs, jsonText(arrived)],
  );
}

/** The rows that are to be written, and how many of them were not there before. */
async function changedSpans(
  tx: SqlExecutor,
  { ref, spanCount }: TraceRef,
  spans: readonly RawSpan[],
): Promise<{ readonly added: number; readonly rows: SqlValue[][] }> {
  const merged = new Map<string, RawSpan>();
  for (const span of spans) {
    const known = merged.get(keyOf(span.spanId));
    merged.set(keyOf(span.spanId), known === undefined ? span : mergeSpans(known, span));
  }
  const stored = spanCount === 0 ? [] : await storedSpans(tx, ref, merged.keys());
  const added = merged.size - stored.length;
  for (const row of stored) {
    const spanId = requiredText(row, "span_id");
    const before = jsonOf<RawSpan>(row["body"]);
    const after = mergeSpans(before, merged.get(spanId) ?? before);
    if (JSON.stringify(after) === textOf(row["body"])) merged.delete(spanId);
    else merged.set(spanId, after);
  }
  return { added, rows: [...merged].map(([spanId, span]) => [ref, spanId, jsonText(span)]) };
}

function storedSpans(tx: SqlExecutor, ref: number, spanIds: Iterable<string>): Promise<readonly Row[]> {
  return tx.all("SELECT span_id, body FROM span WHERE trace_ref = ? AND span_id IN (SELECT value FROM json_each(?))", [
    ref,
    idList(spanIds),
  ]);
}

/** Returns how many of the records were not there before. */
async function saveLogs(tx: SqlExecutor, ref: number, logs: readonly RawLog[]): Promise<number> {
  const rows = logs.map((log) => {
    const body = JSON.stringify(log);
    return [ref, keyOf(log.spanId), digest([body]), body];
  });
  return insertRows(tx, "INSERT OR IGNORE INTO log (trace_ref, span_id, digest, body)", rows);
}
