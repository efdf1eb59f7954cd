import type { Outcome } from "../outcome/outcome.ts";
import type { Trace } from "../trace/trace.ts";
import type { SqlExecutor, SqlValue } from "./driver.ts";
import { upsertOutcomes } from "./outcome-store.ts";
import { idList, insertRows } from "./rows.ts";
import { jsonBlob, requiredNumber, requiredText, textBlob } from "./values.ts";
import { refreshVerdicts } from "./verdict.ts";

// What full-text search sees of one text. A trace may hold megabytes; what people search for stands at its start.
const INDEXED_CHARACTERS = 8_192;

/** See `IngestStore.saveAssembled`. */
export async function saveAssembled(
  tx: SqlExecutor,
  traceId: string,
  traces: readonly Trace[],
  outcomes: readonly Outcome[],
  seenArrivalUs: number,
): Promise<void> {
  await tx.run("INSERT INTO w3c_trace (trace_id) VALUES (?) ON CONFLICT DO NOTHING", [traceId]);
  const [owner] = await tx.all("SELECT ref, (pending = 0 AND last_arrival_us > ?) AS overtaken FROM w3c_trace WHERE trace_id = ?", [
    seenArrivalUs,
    traceId,
  ]);
  const traceRef = owner === undefined ? 0 : requiredNumber(owner, "ref");
  // Nobody would assemble it again, so runs with fewer spans must not take the place of whole ones.
  if (owner !== undefined && requiredNumber(owner, "overtaken") === 1) return;
  const before = await tx.all("SELECT ref, id, analyzed FROM trace WHERE trace_ref = ?", [traceRef]);
  const kept = new Set(traces.map((trace) => trace.id));
  const gone = before.filter((row) => !kept.has(requiredText(row, "id")));
  await removeParts(
    tx,
    before.map((row) => requiredNumber(row, "ref")),
    before.map((row) => requiredText(row, "id")),
  );
  await removeRuns(
    tx,
    gone.map((row) => requiredText(row, "id")),
  );
  // A late root gives a run another id. It is the same run, read and paid for once already.
  const analyzed = gone.some((row) => requiredNumber(row, "analyzed") === 1);
  for (const trace of traces) await saveRun(tx, traceRef, trace, analyzed);
  await upsertOutcomes(tx, outcomes);
  await refreshVerdicts(tx, kept);
  await tx.run("UPDATE w3c_trace SET pending = 0 WHERE ref = ? AND last_arrival_us <= ?", [traceRef, seenArrivalUs]);
}

/** Drops what `saveRun` writes anew, and the outcomes that assembling makes. Evaluations and feedback came from elsewhere and stay with their run. */
async function removeParts(tx: SqlExecutor, refs: readonly number[], ids: readonly string[]): Promise<void> {
  if (refs.length === 0) return;
  await tx.run("DELETE FROM step WHERE run_ref IN (SELECT value FROM json_each(?))", [idList(refs)]);
  await tx.run("DELETE FROM trace_fts WHERE rowid IN (SELECT value FROM json_each(?))", [idList(refs)]);
  await tx.run("DELETE FROM exposure WHERE run_id IN (SELECT value FROM json_each(?))", [idList(ids)]);
  const made = "(source = 'deterministic' OR source LIKE 'check:%')";
  await tx.run(`DELETE FROM outcome WHERE ${made} AND run_id IN (SELECT value FROM json_each(?))`, [idList(ids)]);
}

async function removeRuns(tx: SqlExecutor, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.run("DELETE FROM outcome WHERE run_id IN (SELECT value FROM json_each(?))", [idList(ids)]);
  await tx.run("DELETE FROM trace WHERE id IN (SELECT value FROM json_each(?))", [idList(ids)]);
}

async function saveRun(tx: SqlExecutor, traceRef: number, trace: Trace, analyzed: boolean): Promise<void> {
  const { task, output, steps, ...detail } = trace;
  const columns: Readonly<Record<string, SqlValue>> = {
    id: trace.id,
    trace_ref: traceRef,
    task: textBlob(task),
    output: textBlob(output),
    agent_name: trace.agentName,
    service: trace.service,
    conversation_id: trace.conversationId,
    user_id: trace.userId,
    model: trace.model,
    input_tokens: trace.usage?.inputTokens,
    output_tokens: trace.usage?.outputTokens,
    start_time_us: trace.startTimeUs,
    end_time_us: trace.endTimeUs,
    completeness: trace.completeness,
    step_count: steps.length,
    detail: jsonBlob(detail),
  };
  const names = Object.keys(columns);
  const updates = names.filter((name) => name !== "id").map((name) => `${name} = excluded.${name}`);
  const [row] = await tx.all(
    `INSERT INTO trace (${names.join(", ")}, analyzed) VALUES (${names.map(() => "?").join(", ")}, ?)
     ON CONFLICT (id) DO UPDATE SET ${updates.join(", ")} RETURNING ref`,
    [...Object.values(columns), analyzed],
  );
  const ref = row === undefined ? 0 : requiredNumber(row, "ref");
  await insertRows(
    tx,
    "INSERT INTO step (run_ref, seq, kind, name, start_time_us, end_time_us, error, body)",
    steps.map((step, index) => {
      const error = step.error === undefined ? null : textBlob(step.error.message);
      return [ref, index, step.kind, step.name, step.startTimeUs, step.endTimeUs, error, jsonBlob(step)];
    }),
  );
  const errors = [trace.error, ...steps.map((step) => step.error)].map((error) => error?.message ?? "").join(" ");
  await tx.run("INSERT INTO trace_fts (rowid, task, output, errors) VALUES (?, ?, ?, ?)", [ref, ...[task, output, errors].map(indexed)]);
  const given = (trace.exposure?.given ?? []).map((id) => [id, "given"]);
  const withheld = (trace.exposure?.withheld ?? []).map((id) => [id, "withheld"]);
  await insertRows(
    tx,
    "INSERT OR IGNORE INTO exposure (item_id, arm, run_id, probability)",
    [...given, ...withheld].map((pair) => [...pair, trace.id, trace.exposure?.withholdProbability ?? 0]),
  );
}

/** Text as the index takes it: bounded, and TEXT, which a NUL would turn into a BLOB. */
export function indexed(text: string): string {
  return text.slice(0, INDEXED_CHARACTERS).replaceAll("\0", " ");
}
