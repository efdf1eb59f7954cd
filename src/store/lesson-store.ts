import type { Clock } from "../base/clock.ts";
import type { JudgedTrace, LessonStore, Until } from "../lesson/ports.ts";
import type { Outcome } from "../outcome/outcome.ts";
import type { Trace } from "../trace/trace.ts";
import type { SqlDriver, SqlValue } from "./driver.ts";
import { outcomeFromRow } from "./outcome-store.ts";
import { idList, insertRows } from "./rows.ts";
import { tracesFromRows } from "./trace-store.ts";
import { jsonText, requiredText, textBlob } from "./values.ts";

// trace.analyzed: 0 nobody read it, 1 everybody did, and this.
const BACKGROUND = 2;

export function createLessonStore(driver: SqlDriver, clock: Clock): LessonStore {
  return {
    unanalyzed: async (limit, reading = "background") => {
      // The literal `analyzed = 0` is what the partial index answers; the collector asks that way every minute.
      const unread = reading === "background" ? "analyzed = 0" : `analyzed IN (0, ${BACKGROUND})`;
      const rows = await driver.all(`SELECT * FROM trace WHERE ${unread} AND status IS NOT NULL ORDER BY start_time_us, ref LIMIT ?`, [
        limit,
      ]);
      const outcomes = await verdictsOf(
        driver,
        rows.map((row) => requiredText(row, "id")),
      );
      const traces = await tracesFromRows(driver, rows);
      return traces.map((trace) => judged(trace, outcomes));
    },

    keptFor: async (analyzer, limit) => {
      const rows = await driver.all(
        `SELECT t.*, k.until AS kept_until FROM kept_run k JOIN trace t ON t.id = k.run_id
         WHERE k.analyzer = ? AND t.status IS NOT NULL ORDER BY k.at_us DESC, t.ref LIMIT ?`,
        [analyzer, limit],
      );
      const kept = new Map(rows.map((row) => [requiredText(row, "id"), requiredText(row, "kept_until") as Until]));
      const [outcomes, traces] = [await verdictsOf(driver, [...kept.keys()]), await tracesFromRows(driver, rows)];
      return traces.map((trace) => ({ ...judged(trace, outcomes), kept: kept.get(trace.id) ?? "next" }));
    },

    keep: (analyzer, offered, kept) =>
      driver.transaction(async (tx) => {
        const nowUs = clock.nowUs();
        const asked = new Set(offered);
        const entries = new Map<string, readonly SqlValue[]>();
        for (const { reason, traceIds, until } of kept)
          for (const id of traceIds) if (asked.has(id)) entries.set(id, [analyzer, id, until, textBlob(reason), nowUs]);
        const gone = offered.filter((id) => !entries.has(id));
        await tx.run("DELETE FROM kept_run WHERE analyzer = ? AND run_id IN (SELECT value FROM json_each(?))", [analyzer, idList(gone)]);
        await insertRows(
          tx,
          "INSERT INTO kept_run (analyzer, run_id, until, reason, at_us)",
          [...entries.values()],
          "ON CONFLICT (analyzer, run_id) DO UPDATE SET until = excluded.until, reason = excluded.reason, at_us = excluded.at_us",
        );
      }),

    markAnalyzed: async (traceIds, reading = "full") => {
      const change = reading === "full" ? "SET analyzed = 1 WHERE" : `SET analyzed = ${BACKGROUND} WHERE analyzed = 0 AND`;
      await driver.run(`UPDATE trace ${change} id IN (SELECT value FROM json_each(?))`, [idList(traceIds)]);
    },

    saveRefusals: (refusals, analyzer) =>
      driver.transaction(async (tx) => {
        const nowUs = clock.nowUs();
        const rows = refusals.map((refusal) => {
          const text = refusal.text === undefined ? null : textBlob(refusal.text);
          return [analyzer, textBlob(refusal.reason), jsonText(refusal.traceIds), text, nowUs];
        });
        await insertRows(tx, "INSERT INTO refusal (analyzer, reason, trace_ids, text, at_us)", rows);
      }),
  };
}

function judged(trace: Trace, outcomes: ReadonlyMap<string, Outcome>): JudgedTrace {
  const outcome = outcomes.get(trace.id);
  return outcome === undefined ? { trace } : { trace, outcome };
}

/** The outcome that counts, by run id. */
async function verdictsOf(driver: SqlDriver, runIds: readonly string[]): Promise<ReadonlyMap<string, Outcome>> {
  const rows = await driver.all(
    `SELECT o.* FROM trace t JOIN outcome o ON o.run_id = t.id AND o.source = t.verdict_source
     WHERE t.id IN (SELECT value FROM json_each(?))`,
    [idList(runIds)],
  );
  return new Map(rows.map((row) => [requiredText(row, "run_id"), outcomeFromRow(row)]));
}
