import type { Clock } from "../base/clock.ts";
import { digest } from "../base/id.ts";
import type { RawBatch, RawLog, RawSpan } from "../span/raw-span.ts";
import { saveAssembled } from "./assembled.ts";
import type { Row, SqlDriver, SqlExecutor } from "./driver.ts";
import { mergeSpans } from "./merge-span.ts";
import type { IngestStore, RawBody, StoredRawBody } from "./ports.ts";
import { idList, insertRows } from "./rows.ts";
import { jsonBlob, jsonOf, numberOf, requiredNumber, requiredText, textBlob, textOf } from "./values.ts";

// 32 bodies of 1.4 MB, the batches of an exporter with its defaults, were 45 MB of memory at a time.
const MAX_BYTES_READ = 4 * 1024 * 1024;

export function createIngestStore(driver: SqlDriver, clock: Clock): IngestStore {
  return {
    appendBodies: (bodies) => (bodies.length === 0 ? Promise.resolve() : driver.transaction((tx) => appendBodies(tx, bodies))),

    unmappedBodies: async (limit) => {
      const sizes = await driver.all(
        "SELECT u.body_id AS id, length(b.body) AS bytes FROM unmapped_body u JOIN raw_body b ON b.id = u.body_id ORDER BY u.body_id LIMIT ?",
        [limit],
      );
      let bytes = 0;
      const ids = sizes.flatMap((row, index) => {
        bytes += requiredNumber(row, "bytes");
        return index === 0 || bytes <= MAX_BYTES_READ ? [requiredNumber(row, "id")] : [];
      });
      const rows = await driver.all("SELECT * FROM raw_body WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id", [idList(ids)]);
      return rows.map(bodyFromRow);
    },

    saveMapped: (bodyIds, batch, nowUs) =>
      driver.transaction(async (tx) => {
        await saveBatch(tx, batch, nowUs);
        await tx.run("DELETE FROM unmapped_body WHERE body_id IN (SELECT value FROM json_each(?))", [idList(bodyIds)]);
      }),

    markUnmappable: (bodyId, reason) =>
      driver.transaction(async (tx) => {
        const { changes } = await tx.run("DELETE FROM unmapped_body WHERE body_id = ?", [bodyId]);
        if (changes === 0) return;
        await tx.run("INSERT OR REPLACE INTO unmappable_body (body_id, reason, at_us) VALUES (?, ?, ?)", [
          bodyId,
          textBlob(reason),
          clock.nowUs(),
        ]);
      }),

    pendingTraces: async (limit) => {
      const rows = await driver.all("SELECT * FROM w3c_trace WHERE pending > 0 ORDER BY last_arrival_us, ref LIMIT ?", [limit]);
      return rows.map((row) => ({
        traceId: requiredText(row, "trace_id"),
        lastArrivalUs: requiredNumber(row, "last_arrival_us"),
        spanCount: requiredNumber(row, "span_count"),
        feedbackOnly: requiredNumber(row, "pending") === 2,
      }));
    },

    spansOf: async (traceId) => {
      const of = "WHERE trace_ref = (SELECT ref FROM w3c_trace WHERE trace_id = ?)";
      const spans = await driver.all(`SELECT body FROM span ${of} ORDER BY span_id`, [keyOf(traceId)]);
      const logs = await driver.all(`SELECT body FROM log ${of} ORDER BY span_id, digest`, [keyOf(traceId)]);
      return { spans: spans.map((row) => jsonOf<RawSpan>(row["body"])), logs: logs.map((row) => jsonOf<RawLog>(row["body"])) };
    },

    feedbackOf: async (traceId) => {
      const rows = await driver.all("SELECT * FROM feedback WHERE trace_id = ? ORDER BY created_at_us, id", [keyOf(traceId)]);
      return rows.map((row) => {
        const comment = textOf(row["comment"]);
        const source = textOf(row["source"]);
        return {
          traceId: requiredText(row, "given_id"),
          score: requiredNumber(row, "score"),
          ...(comment === undefined ? {} : { comment }),
          ...(source === undefined ? {} : { source }),
          createdAtUs: requiredNumber(row, "created_at_us"),
        };
      });
    },

    saveAssembled: (traceId, traces, outcomes, seenArrivalUs) =>
      driver.transaction((tx) => saveAssembled(tx, keyOf(traceId), traces, outcomes, seenArrivalUs)),

    saveManyAssembled: (assembled) =>
      driver.transaction(async (tx) => {
        for (const { traceId, traces, outcomes, seenArrivalUs } of assembled) {
          await saveAssembled(tx, keyOf(traceId), traces, outcomes, seenArrivalUs);
        }
      }),
  };
}

/** Ids are hex by contract; a NUL in a hostile one must not make a key that SQL sees in two ways. */
export function keyOf(id: string): string {
  return id.replaceAll("\0", "");
}

async function appendBodies(tx: SqlExecutor, bodies: readonly RawBody[]): Promise<void> {
  const [top] = await tx.all("SELECT coalesce(max(id), 0) AS id FROM raw_body");
  let id = numberOf(top?.["id"]) ?? 0;
  const first = id + 1;
  const traces = new Set<string>();
  for (const body of bodies) {
    id += 1;
    const values = [id, body.format, body.signal, body.encoding, body.receivedAtUs, jsonBlob(body.traceIds), body.body];
    await tx.run(
      "INSERT INTO raw_body (id, format, signal, encoding, received_at_us, trace_ids, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
      values,
    );
    for (const traceId of body.traceIds) if (traceId !== "") traces.add(keyOf(traceId));
  }
  const ids = bodies.map((_, index) => first + index);
  await insertRows(
    tx,
    "INSERT INTO unmapped_body (body_id)",
    ids.map((bodyId) => [bodyId]),
  );
  const refs = await refsOf(tx, traces);
  const pairs = bodies.flatMap((body, index) => [...new Set(body.traceIds)].map((traceId) => [refs.get(keyOf(traceId)), first + index]));
  await insertRows(
    tx,
    "INSERT OR IGNORE INTO body_trace (trace_ref, body_id)",
    pairs.filter(([ref]) => ref !== undefined),
  );
}

/** The integer of each W3C trace id, given out where it has none. */
async function refsOf(tx: SqlExecutor, traceIds: ReadonlySet<string>): Promise<Map<string, number>> {
  if (traceIds.size === 0) return new Map();
  const list = idList(traceIds);
  await tx.run("INSERT INTO w3c_trace (trace_id) SELECT value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING", [list]);
  const rows = await tx.all("SELECT ref, trace_id FROM w3c_trace WHERE trace_id IN (SELECT value FROM json_each(?))", [list]);
  return new Map(rows.map((row) => [requiredText(row, "trace_id"), requiredNumber(row, "ref")]));
}

function bodyFromRow(row: Row): StoredRawBody {
  return {
    id: requiredNumber(row, "id"),
    format: requiredText(row, "format") as RawBody["format"],
    signal: requiredText(row, "signal") as RawBody["signal"],
    encoding: requiredText(row, "encoding") as RawBody["encoding"],
    body: row["body"] as Uint8Array,
    receivedAtUs: requiredNumber(row, "received_at_us"),
    traceIds: jsonOf<readonly string[]>(row["trace_ids"]),
  };
}

async function saveBatch(tx: SqlExecutor, batch: RawBatch, nowUs: number): Promise<void> {
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
  const refs = await refsOf(tx, new Set(byTrace.keys()));
  for (const [traceId, entry] of byTrace) {
    const ref = refs.get(traceId);
    if (ref === undefined) continue;
    const spans = await saveSpans(tx, ref, entry.spans);
    const logs = await saveLogs(tx, ref, entry.logs);
    // A retried request brings nothing new and must not make anybody assemble the trace again.
    if (!spans.changed && logs === 0) continue;
    await tx.run(
      "UPDATE w3c_trace SET span_count = span_count + ?, last_arrival_us = max(?, last_arrival_us + 1), pending = 1 WHERE ref = ?",
      [spans.added, nowUs, ref],
    );
  }
}

/** `added`: how many of the spans were not there before. */
async function saveSpans(
  tx: SqlExecutor,
  ref: number,
  spans: readonly RawSpan[],
): Promise<{ readonly added: number; readonly changed: boolean }> {
  const merged = new Map<string, RawSpan>();
  for (const span of spans) {
    const known = merged.get(keyOf(span.spanId));
    merged.set(keyOf(span.spanId), known === undefined ? span : mergeSpans(known, span));
  }
  const ids = idList(merged.keys());
  const stored = await tx.all("SELECT span_id, body FROM span WHERE trace_ref = ? AND span_id IN (SELECT value FROM json_each(?))", [
    ref,
    ids,
  ]);
  const added = merged.size - stored.length;
  for (const row of stored) {
    const spanId = requiredText(row, "span_id");
    const before = jsonOf<RawSpan>(row["body"]);
    const after = mergeSpans(before, merged.get(spanId) ?? before);
    if (JSON.stringify(after) === textOf(row["body"])) merged.delete(spanId);
    else merged.set(spanId, after);
  }
  const rows = [...merged].map(([spanId, span]) => [ref, spanId, jsonBlob(span)]);
  await insertRows(tx, "INSERT INTO span (trace_ref, span_id, body)", rows, "ON CONFLICT DO UPDATE SET body = excluded.body");
  return { added, changed: rows.length > 0 };
}

/** Returns how many of the records were not there before. */
async function saveLogs(tx: SqlExecutor, ref: number, logs: readonly RawLog[]): Promise<number> {
  const rows = logs.map((log) => {
    const body = JSON.stringify(log);
    return [ref, keyOf(log.spanId), digest([body]), textBlob(body)];
  });
  return insertRows(tx, "INSERT OR IGNORE INTO log (trace_ref, span_id, digest, body)", rows);
}
