import type { Clock } from "../base/clock.ts";
import type { LessonStore } from "../lesson/ports.ts";
import type { Outcome } from "../outcome/outcome.ts";
import type { SqlDriver } from "./driver.ts";
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
      return traces.map((trace) => {
        const outcome = outcomes.get(trace.id);
        return outcome === undefined ? { trace } : { trace, outcome };
      });
    },

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

/** The outcome that counts, by run id. */
async function verdictsOf(driver: SqlDriver, runIds: readonly string[]): Promise<ReadonlyMap<string, Outcome>> {
  const rows = await driver.all(
    `SELECT o.* FROM trace t JOIN outcome o ON o.run_id = t.id AND o.source = t.verdict_source
     WHERE t.id IN (SELECT value FROM json_each(?))`,
    [idList(runIds)],
  );
  return new Map(rows.map((row) => [requiredText(row, "run_id"), outcomeFromRow(row)]));
}
