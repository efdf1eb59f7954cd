import type { RawLog, RawSpan } from "../span/raw-span.ts";
import type { Row, SqlExecutor } from "./driver.ts";
import type { StoredFeedback, TraceMaterial } from "./ports.ts";
import { idList } from "./rows.ts";
import { keyOf } from "./trace-refs.ts";
import { jsonOf, requiredNumber, requiredText, textOf } from "./values.ts";

/** See `IngestStore.materialOf`. Three statements for any number of traces: with one each per trace they cost as much as assembling. */
export async function materialOf(sql: SqlExecutor, traceIds: readonly string[]): Promise<readonly TraceMaterial[]> {
  const list = [idList(traceIds.map(keyOf))];
  const of = "w3c_trace WHERE trace_id IN (SELECT value FROM json_each(?))";
  const known = await sql.all(`SELECT ref, trace_id FROM ${of}`, list);
  const refs = [idList(known.map((row) => requiredNumber(row, "ref")))];
  const within = "trace_ref IN (SELECT value FROM json_each(?))";
  const spans = byKey(await sql.all(`SELECT trace_ref, body FROM span WHERE ${within} ORDER BY trace_ref, span_id`, refs), "trace_ref");
  const logs = byKey(
    await sql.all(`SELECT trace_ref, body FROM log WHERE ${within} ORDER BY trace_ref, span_id, digest`, refs),
    "trace_ref",
  );
  const feedback = byKey(
    await sql.all("SELECT * FROM feedback WHERE trace_id IN (SELECT value FROM json_each(?)) ORDER BY created_at_us, id", list),
    "trace_id",
  );
  const refOf = new Map(known.map((row) => [requiredText(row, "trace_id"), requiredText(row, "ref")]));
  return traceIds.map((traceId) => {
    const ref = refOf.get(keyOf(traceId)) ?? "";
    return {
      traceId,
      batch: {
        spans: (spans.get(ref) ?? []).map((row) => jsonOf<RawSpan>(row["body"])),
        logs: (logs.get(ref) ?? []).map((row) => jsonOf<RawLog>(row["body"])),
      },
      feedback: (feedback.get(keyOf(traceId)) ?? []).map(feedbackFromRow),
    };
  });
}

function byKey(rows: readonly Row[], column: string): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = requiredText(row, column);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}

function feedbackFromRow(row: Row): StoredFeedback {
  const comment = textOf(row["comment"]);
  const source = textOf(row["source"]);
  return {
    traceId: requiredText(row, "given_id"),
    score: requiredNumber(row, "score"),
    ...(comment === undefined ? {} : { comment }),
    ...(source === undefined ? {} : { source }),
    createdAtUs: requiredNumber(row, "created_at_us"),
  };
}
