import type { Clock, TimeUs } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import type { BodyLog } from "./body-log.ts";
import type { SqlDriver, SqlExecutor } from "./driver.ts";
import type { RetentionOptions, RetentionReport } from "./ports.ts";
import { idList } from "./rows.ts";
import { keyOf } from "./trace-refs.ts";
import { jsonOf, requiredNumber, requiredText } from "./values.ts";

const DAY_US = 86_400_000_000;

// An append waits for at most one turn. 64 bodies of 40 KB with four traces each: 16 ms in the middle, 66 at most. 980 spans of 2 KB with as many
// steps: 45 ms in the middle, 84 at most.
const BODIES_A_TURN = 64;
const BODY_BYTES_A_TURN = 8 * 1024 * 1024;
const TRACES_A_TURN = 32;
const SPANS_A_TURN = 1_000;
const REFS_A_TURN = 4_096;

/**
 * Deletes what is older than asked, in small transactions with a turn of the event loop in between. Age is counted from arrival on this machine's
 * clock: what a span says about its own time may be anything.
 */
export function createRetention(driver: SqlDriver, clock: Clock, log?: BodyLog): (options: RetentionOptions) => Promise<RetentionReport> {
  return async (options) => {
    const nowUs = clock.nowUs();
    const bodiesBefore = cutoffOf("rawRetentionDays", options.rawRetentionDays, nowUs);
    const tracesBefore = cutoffOf("traceRetentionDays", options.traceRetentionDays, nowUs);
    const bodies = bodiesBefore === undefined ? 0 : await removeBodies(driver, bodiesBefore, nowUs);
    if (log !== undefined) await pruneLog(driver, log);
    const traces = tracesBefore === undefined ? 0 : await removeTraces(driver, tracesBefore);
    return { ...options, bodies, traces };
  };
}

/** Undefined: keep for ever. */
function cutoffOf(key: string, days: number, nowUs: TimeUs): TimeUs | undefined {
  // A negative age would be a point in the future, and everything older than it everything.
  if (!Number.isFinite(days) || days < 0) throw new LearnError("invalid", `${key} is ${days}, not a number of days from 0 up`);
  return days === 0 ? undefined : Math.floor(nowUs - days * DAY_US);
}

async function removeBodies(driver: SqlDriver, beforeUs: TimeUs, nowUs: TimeUs): Promise<number> {
  let removed = 0;
  for (let after: number | undefined = 0; after !== undefined; ) {
    const turn = await driver.transaction((tx) => bodyTurn(tx, after ?? 0, beforeUs, nowUs));
    removed += turn.removed;
    after = turn.next;
    await breathe();
  }
  return removed;
}

async function pruneLog(driver: SqlDriver, log: BodyLog): Promise<void> {
  const rows = await driver.all("SELECT DISTINCT segment FROM body_place");
  log.prune(new Set(rows.map((row) => requiredNumber(row, "segment"))));
}

interface Turn {
  readonly removed: number;
  /** Where the next turn goes on; undefined when there is nothing left to look at. */
  readonly next: number | undefined;
}

async function bodyTurn(tx: SqlExecutor, after: number, beforeUs: TimeUs, nowUs: TimeUs): Promise<Turn> {
  const rows = await tx.all(
    `SELECT b.id, received_at_us, coalesce(p.bytes, length(body)) AS bytes, EXISTS (SELECT 1 FROM unmapped_body u WHERE u.body_id = b.id) AS waits
     FROM raw_body b LEFT JOIN body_place p ON p.body_id = b.id WHERE b.id > ? ORDER BY b.id LIMIT ?`,
    [after, BODIES_A_TURN],
  );
  let bytes = 0;
  let last = after;
  // Ids follow the order of appending, so the first turn without anything old is the end. A body from the spool comes late with an old time and
  // goes when its turn comes; one with a time in the future (the clock was wrong for a while) must not hide what is behind it.
  let settled = true;
  const due: number[] = [];
  for (const row of rows) {
    const receivedAtUs = requiredNumber(row, "received_at_us");
    const old = receivedAtUs < beforeUs;
    if (old || receivedAtUs > nowUs) settled = false;
    if (old && requiredNumber(row, "waits") === 0) {
      bytes += requiredNumber(row, "bytes");
      if (due.length > 0 && bytes > BODY_BYTES_A_TURN) break;
      due.push(requiredNumber(row, "id"));
    }
    last = requiredNumber(row, "id");
  }
  await deleteBodies(tx, due);
  return { removed: due.length, next: rows.length === 0 || settled ? undefined : last };
}

async function deleteBodies(tx: SqlExecutor, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  const list = idList(ids);
  const rows = await tx.all("SELECT trace_ids FROM raw_body WHERE id IN (SELECT value FROM json_each(?))", [list]);
  const traceIds = new Set(rows.flatMap((row) => jsonOf<readonly string[]>(row["trace_ids"]).map(keyOf)));
  const found = await tx.all("SELECT ref FROM w3c_trace WHERE trace_id IN (SELECT value FROM json_each(?))", [idList(traceIds)]);
  const refs = idList(found.map((row) => requiredNumber(row, "ref")));
  await tx.run(
    "DELETE FROM body_trace WHERE trace_ref IN (SELECT value FROM json_each(?)) AND body_id IN (SELECT value FROM json_each(?))",
    [refs, list],
  );
  // Said and not left to the cascade, which a server may have switched off.
  for (const [table, column] of [
    ["unmappable_body", "body_id"],
    ["body_place", "body_id"],
    ["raw_body", "id"],
  ]) {
    await tx.run(`DELETE FROM ${table} WHERE ${column} IN (SELECT value FROM json_each(?))`, [list]);
  }
  await deleteEmpty(tx, refs);
}

/** Traces of which nothing is left. Most traffic is not GenAI: without this every one of its traces would leave a row for ever. */
async function deleteEmpty(tx: SqlExecutor, refs: string): Promise<void> {
  const without = ["body_trace", "span", "log", "trace"].map(
    (table) => `NOT EXISTS (SELECT 1 FROM ${table} x WHERE x.trace_ref = w3c_trace.ref)`,
  );
  await tx.run(
    `DELETE FROM w3c_trace WHERE ref IN (SELECT value FROM json_each(?)) AND pending = 0 AND span_count = 0 AND ${without.join(" AND ")}`,
    [refs],
  );
}

async function removeTraces(driver: SqlDriver, beforeUs: TimeUs): Promise<number> {
  const [top] = await driver.all("SELECT coalesce(max(ref), 0) AS ref FROM w3c_trace");
  const end = requiredNumber(top ?? {}, "ref");
  const sources = createNamedSources();
  let removed = 0;
  for (let after = 0; after < end; ) {
    const turn = await driver.transaction((tx) => traceTurn(tx, after, beforeUs, sources));
    removed += turn.removed;
    after = turn.next;
    await breathe();
  }
  return removed;
}

async function traceTurn(tx: SqlExecutor, after: number, beforeUs: TimeUs, sources: IsNamed): Promise<Turn & { readonly next: number }> {
  // A pending trace is being worked on. last_arrival_us is 0 where nothing was mapped: such a trace goes with its bodies.
  const rows = await tx.all(
    `SELECT ref, trace_id, span_count FROM w3c_trace w
     WHERE ref > ?1 AND ref <= ?1 + ?2 AND pending = 0 AND last_arrival_us BETWEEN 1 AND ?3
       AND (span_count > 0 OR EXISTS (SELECT 1 FROM trace t WHERE t.trace_ref = w.ref) OR EXISTS (SELECT 1 FROM log l WHERE l.trace_ref = w.ref))
     ORDER BY ref LIMIT ?4`,
    [after, REFS_A_TURN, beforeUs - 1, TRACES_A_TURN],
  );
  let spans = 0;
  let taken = 0;
  for (const row of rows) {
    spans += requiredNumber(row, "span_count");
    if (taken > 0 && spans > SPANS_A_TURN) break;
    taken += 1;
  }
  const looked = rows.slice(0, taken);
  const isNamed = looked.length === 0 ? () => false : await sources(tx);
  const due = looked.filter((row) => !isNamed(requiredText(row, "trace_id")));
  await deleteTraces(
    tx,
    due.map((row) => requiredNumber(row, "ref")),
  );
  const last = looked.at(-1);
  const whole = taken === rows.length && rows.length < TRACES_A_TURN;
  return { removed: due.length, next: whole || last === undefined ? after + REFS_A_TURN : requiredNumber(last, "ref") };
}

type IsNamed = (tx: SqlExecutor) => Promise<(traceId: string) => boolean>;

/**
 * Says of a W3C trace whether an item of knowledge was learned from it, named by run id or trace id: that is what a reviewer looks at. Reading 10,000
 * items with ten sources each takes half a second, so they are read again only when an item changed.
 */
function createNamedSources(): IsNamed {
  let known: string | undefined;
  let named: ReadonlySet<string> = new Set();
  return async (tx) => {
    const [now] = await tx.all("SELECT count(*) AS n, sum(version) AS v, max(updated_at_us) AS u, max(created_at_us) AS c FROM knowledge");
    const state = JSON.stringify(now);
    if (state !== known) {
      const rows = await tx.all(
        "SELECT DISTINCT lower(substr(j.value, 1, 32)) AS id FROM knowledge k, json_each(CAST(k.source_trace_ids AS TEXT)) j",
      );
      named = new Set(rows.map((row) => requiredText(row, "id")));
      known = state;
    }
    return (traceId) => named.has(traceId.toLowerCase());
  };
}

/** All of these W3C traces but their feedback; what was counted about items given in their runs is folded first. */
async function deleteTraces(tx: SqlExecutor, traceRefs: readonly number[]): Promise<void> {
  if (traceRefs.length === 0) return;
  const refs = idList(traceRefs);
  const runs = await tx.all("SELECT ref, id FROM trace WHERE trace_ref IN (SELECT value FROM json_each(?))", [refs]);
  const runRefs = idList(runs.map((row) => requiredNumber(row, "ref")));
  const runIds = idList(runs.map((row) => requiredText(row, "id")));
  await tx.run(
    `INSERT INTO folded_exposure (item_id, arm, probability, runs, judged, successes)
     SELECT e.item_id, e.arm, e.probability, count(*), sum(t.status IS NOT NULL), coalesce(sum(t.status = 'success'), 0)
     FROM trace t JOIN exposure e ON e.run_id = t.id WHERE t.id IN (SELECT value FROM json_each(?)) GROUP BY 1, 2, 3
     ON CONFLICT DO UPDATE SET runs = runs + excluded.runs, judged = judged + excluded.judged, successes = successes + excluded.successes`,
    [runIds],
  );
  for (const table of ["exposure", "outcome", "kept_run"]) {
    await tx.run(`DELETE FROM ${table} WHERE run_id IN (SELECT value FROM json_each(?))`, [runIds]);
  }
  await tx.run("DELETE FROM step WHERE run_ref IN (SELECT value FROM json_each(?))", [runRefs]);
  await tx.run("DELETE FROM trace_fts WHERE rowid IN (SELECT value FROM json_each(?))", [runRefs]);
  for (const table of ["trace", "span", "log"]) {
    await tx.run(`DELETE FROM ${table} WHERE trace_ref IN (SELECT value FROM json_each(?))`, [refs]);
  }
  // Without spans: late feedback must not put an empty trace where the run was.
  await tx.run("UPDATE w3c_trace SET span_count = 0 WHERE ref IN (SELECT value FROM json_each(?))", [refs]);
  await deleteEmpty(tx, refs);
}

/** Whoever appends meanwhile is let in between two turns. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
