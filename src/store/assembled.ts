import type { Outcome } from "../outcome/outcome.ts";
import type { Trace } from "../trace/trace.ts";
import type { SqlExecutor, SqlValue } from "./driver.ts";
import { upsertOutcomes } from "./outcome-store.ts";
import type { AssembledTrace } from "./ports.ts";
import { idList, insertRows } from "./rows.ts";
import { keyOf, traceRefs } from "./trace-refs.ts";
import { jsonText, numberOf, requiredNumber, requiredText, textBlob } from "./values.ts";
import { refreshVerdicts } from "./verdict.ts";

// What full-text search sees of one text. A trace may hold megabytes; what people search for stands at its start.
const INDEXED_CHARACTERS = 8_192;

/** A run that is to be written, and the row that it gets. */
interface RunRow {
  readonly run: Trace;
  readonly ref: number;
  readonly traceRef: number;
  readonly analyzed: boolean;
}

/** What the search index is told of a transaction's runs, see `indexRuns`. */
export interface IndexedRuns {
  readonly removed: readonly number[];
  readonly added: readonly (readonly SqlValue[])[];
}

/**
 * See `IngestStore.saveManyAssembled`. Statements go over all traces: one each per trace made them two thirds of the work of assembling.
 * The caller gives what comes back to `indexRuns`, for all parts of its transaction together.
 */
export async function saveAssembled(tx: SqlExecutor, assembled: readonly AssembledTrace[]): Promise<IndexedRuns> {
  const refs = await traceRefs(tx, new Set(assembled.map(({ traceId }) => keyOf(traceId))));
  const owned = assembled.flatMap((trace) => {
    const known = refs.get(keyOf(trace.traceId));
    // Nobody would assemble it again, so runs with fewer spans must not take the place of whole ones.
    const overtaken = known === undefined || (!known.pending && known.lastArrivalUs > trace.seenArrivalUs);
    return overtaken ? [] : [{ ...trace, ref: known.ref }];
  });
  const runs = owned.flatMap(({ traces }) => traces);
  const before = await tx.all(
    `SELECT ref, id, trace_ref, analyzed FROM trace
     WHERE trace_ref IN (SELECT value FROM json_each(?)) OR id IN (SELECT value FROM json_each(?))`,
    [idList(owned.map(({ ref }) => ref)), idList(runs.map(({ id }) => id))],
  );
  const kept = new Set(runs.map(({ id }) => id));
  const gone = before.filter((row) => !kept.has(requiredText(row, "id")));
  const removed = before.map((row) => requiredNumber(row, "ref"));
  await removeParts(
    tx,
    removed,
    before.map((row) => requiredText(row, "id")),
  );
  const awaited = new Set(
    (
      await tx.all("SELECT run_id FROM kept_run WHERE run_id IN (SELECT value FROM json_each(?))", [
        idList(gone.map((row) => requiredText(row, "id"))),
      ])
    ).map((row) => requiredText(row, "run_id")),
  );
  await removeRuns(
    tx,
    gone.map((row) => requiredText(row, "id")),
  );
  const refOf = new Map(before.map((row) => [requiredText(row, "id"), requiredNumber(row, "ref")]));
  // A late root gives a run another id. It is the same run, read and paid for once already, unless an analyzer left it for later.
  const read = gone.filter((row) => requiredNumber(row, "analyzed") === 1 && !awaited.has(requiredText(row, "id")));
  const analyzed = new Set(read.map((row) => requiredNumber(row, "trace_ref")));
  const [top] = await tx.all("SELECT coalesce(max(ref), 0) AS ref FROM trace");
  let next = (numberOf(top?.["ref"]) ?? 0) + 1;
  const rows = owned.flatMap(({ traces, ref }) =>
    traces.map((run): RunRow => ({ run, ref: refOf.get(run.id) ?? next++, traceRef: ref, analyzed: analyzed.has(ref) })),
  );
  const outcomes = owned.flatMap(({ outcomes: said }) => said);
  const lone = await loneOutcomes(tx, kept, outcomes);
  await saveRuns(tx, rows, lone);
  await upsertOutcomes(tx, outcomes);
  await refreshVerdicts(
    tx,
    [...kept].filter((id) => !lone.has(id)),
  );
  await tx.run(
    "UPDATE w3c_trace SET pending = 0 FROM json_each(?) WHERE ref = value ->> 'ref' AND last_arrival_us <= value ->> 'seenArrivalUs'",
    [jsonText(owned.map(({ ref, seenArrivalUs }) => ({ ref, seenArrivalUs })))],
  );
  return { removed, added: rows.map(searchedOf) };
}

/**
 * The last statements of a transaction: FTS5 writes what it was told as a segment of its own before the next statement of several rows, whichever
 * table that is for. Among the other statements, eight rows at a time, the index took 201 µs of CPU a run of 1.3 kB, and at the end of 64 runs 163.
 */
export async function indexRuns(tx: SqlExecutor, parts: readonly IndexedRuns[]): Promise<void> {
  const removed = parts.flatMap((part) => part.removed);
  if (removed.length > 0) await tx.run("DELETE FROM trace_fts WHERE rowid IN (SELECT value FROM json_each(?))", [idList(removed)]);
  await insertRows(
    tx,
    "INSERT INTO trace_fts (rowid, task, output, errors)",
    parts.flatMap((part) => part.added),
  );
}

/** By run, the outcome that counts because there is no other: it is written with the run, which is twice the size of everything about it otherwise. */
async function loneOutcomes(
  tx: SqlExecutor,
  ids: ReadonlySet<string>,
  outcomes: readonly Outcome[],
): Promise<ReadonlyMap<string, Outcome>> {
  const known = await tx.all("SELECT run_id FROM outcome WHERE run_id IN (SELECT value FROM json_each(?))", [idList(ids)]);
  const lone = new Map<string, Outcome>();
  const several = new Set(known.map((row) => requiredText(row, "run_id")));
  for (const outcome of outcomes) {
    if (lone.delete(outcome.traceId)) several.add(outcome.traceId);
    if (!several.has(outcome.traceId)) lone.set(outcome.traceId, outcome);
  }
  return lone;
}

/** Drops what `saveRuns` writes anew, and the outcomes that assembling makes. Evaluations and feedback came from elsewhere and stay with their run. */
async function removeParts(tx: SqlExecutor, refs: readonly number[], ids: readonly string[]): Promise<void> {
  if (refs.length === 0) return;
  await tx.run("DELETE FROM step WHERE run_ref IN (SELECT value FROM json_each(?))", [idList(refs)]);
  await tx.run("DELETE FROM exposure WHERE run_id IN (SELECT value FROM json_each(?))", [idList(ids)]);
  const made = "(source = 'deterministic' OR source LIKE 'check:%')";
  await tx.run(`DELETE FROM outcome WHERE ${made} AND run_id IN (SELECT value FROM json_each(?))`, [idList(ids)]);
}

async function removeRuns(tx: SqlExecutor, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.run("DELETE FROM outcome WHERE run_id IN (SELECT value FROM json_each(?))", [idList(ids)]);
  await tx.run("DELETE FROM kept_run WHERE run_id IN (SELECT value FROM json_each(?))", [idList(ids)]);
  await tx.run("DELETE FROM trace WHERE id IN (SELECT value FROM json_each(?))", [idList(ids)]);
}

async function saveRuns(tx: SqlExecutor, rows: readonly RunRow[], lone: ReadonlyMap<string, Outcome>): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const names = Object.keys(columnsOf(first, lone));
  const updates = names.filter((name) => name !== "ref" && name !== "analyzed").map((name) => `${name} = excluded.${name}`);
  await insertRows(
    tx,
    `INSERT INTO trace (${names.join(", ")})`,
    rows.map((row) => Object.values(columnsOf(row, lone))),
    `ON CONFLICT (id) DO UPDATE SET ${updates.join(", ")}`,
  );
  await insertRows(tx, "INSERT INTO step (run_ref, seq, kind, name, start_time_us, end_time_us, error, body)", rows.flatMap(stepsOf));
  await insertRows(tx, "INSERT OR IGNORE INTO exposure (item_id, arm, run_id, probability)", rows.flatMap(exposuresOf));
}

function columnsOf({ run, ref, traceRef, analyzed }: RunRow, lone: ReadonlyMap<string, Outcome>): Readonly<Record<string, SqlValue>> {
  const counts = lone.get(run.id);
  const { task, output, steps, ...detail } = run;
  return {
    ref,
    id: run.id,
    trace_ref: traceRef,
    task: textBlob(task),
    output: textBlob(output),
    agent_name: run.agentName,
    service: run.service,
    conversation_id: run.conversationId,
    user_id: run.userId,
    model: run.model,
    input_tokens: run.usage?.inputTokens,
    output_tokens: run.usage?.outputTokens,
    start_time_us: run.startTimeUs,
    end_time_us: run.endTimeUs,
    completeness: run.completeness,
    arm: run.exposure === undefined ? undefined : (run.exposure.arm ?? "knowledge"),
    control_share: run.exposure === undefined ? undefined : (run.exposure.controlShare ?? 0),
    step_count: steps.length,
    detail: jsonText(detail),
    analyzed,
    status: counts?.status,
    score: counts?.score,
    verdict_source: counts?.source,
  };
}

function stepsOf({ run, ref }: RunRow): readonly (readonly SqlValue[])[] {
  return run.steps.map((step, index) => {
    const error = step.error === undefined ? null : textBlob(step.error.message);
    return [ref, index, step.kind, step.name, step.startTimeUs, step.endTimeUs, error, jsonText(step)];
  });
}

function searchedOf({ run, ref }: RunRow): readonly SqlValue[] {
  const errors = [run.error, ...run.steps.map((step) => step.error)].map((error) => error?.message ?? "").join(" ");
  return [ref, ...[run.task, run.output, errors].map(indexed)];
}

function exposuresOf({ run }: RunRow): readonly (readonly SqlValue[])[] {
  const { given = [], withheld = [], pinned = [], withholdProbability = 0, controlShare = 0 } = run.exposure ?? {};
  const alwaysIn = new Set(pinned);
  const row = (arm: string) => (id: string) => [id, arm, run.id, alwaysIn.has(id) ? controlShare : withholdProbability];
  const { listed = [], canary } = run.exposure ?? {};
  // The listing was drawn; whether a listed item is read is the agent's choice, and it reads more on hard tasks. So listed stands on the given side, read or
  // not; the trace keeps which it was. A canary item is denied to all runs but its share.
  const tried = (canary?.ids ?? []).map((id) => [id, canary?.member ? "given" : "withheld", run.id, 1 - (canary?.share ?? 0)]);
  return [...given.map(row("given")), ...listed.map(row("given")), ...withheld.map(row("withheld")), ...tried];
}

/** Text as the index takes it: bounded, and TEXT, which a NUL would turn into a BLOB. */
export function indexed(text: string): string {
  return text.slice(0, INDEXED_CHARACTERS).replaceAll("\0", " ");
}
