import type { TraceReader } from "../trace/ports.ts";
import type { CompletenessReason, Step, Trace, TraceSummary } from "../trace/trace.ts";
import type { Row, SqlDriver } from "./driver.ts";
import { matchExpression } from "./match.ts";
import { rowByPrefix } from "./prefix.ts";
import { jsonOf, numberOf, requiredNumber, requiredText, textOf } from "./values.ts";

const DEFAULT_LIMIT = 20;

const FOR_REVIEW = `(id IN (SELECT run_id FROM outcome WHERE review = 1) AND coalesce(verdict_source, '') NOT LIKE 'feedback:%')`;

export function createTraceStore(driver: SqlDriver): TraceReader {
  return {
    listTraces: async (filter) => {
      const rows = await driver.all(
        `SELECT * FROM trace WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR agent_name = ?2) AND (?3 IS NULL OR ${FOR_REVIEW})
         ORDER BY start_time_us DESC, ref DESC LIMIT ?4`,
        [filter.status, filter.agentName, filter.review === true ? 1 : null, filter.limit ?? DEFAULT_LIMIT],
      );
      return rows.map(summaryFromRow);
    },

    getTrace: async (idOrPrefix) => {
      const row = await rowByPrefix(driver, "trace", "trace", idOrPrefix);
      const [trace] = await tracesFromRows(driver, [row]);
      return trace as Trace;
    },

    searchTraces: async (text, limit) => {
      const match = matchExpression(text, { keepStopWords: true });
      if (match === undefined) return [];
      const rows = await driver.all(
        `SELECT t.* FROM trace_fts JOIN trace t ON t.ref = trace_fts.rowid WHERE trace_fts MATCH ?
         ORDER BY bm25(trace_fts), t.start_time_us DESC LIMIT ?`,
        [match, limit],
      );
      return rows.map(summaryFromRow);
    },
  };
}

/** Whole traces of rows of table trace, in the same order, with one query for all steps. */
export async function tracesFromRows(driver: SqlDriver, rows: readonly Row[]): Promise<readonly Trace[]> {
  const refs = JSON.stringify(rows.map((row) => requiredNumber(row, "ref")));
  const steps = new Map<number, Step[]>();
  const stepRows = await driver.all(
    "SELECT run_ref, body FROM step WHERE run_ref IN (SELECT value FROM json_each(?)) ORDER BY run_ref, seq",
    [refs],
  );
  for (const row of stepRows) {
    const ref = requiredNumber(row, "run_ref");
    const known = steps.get(ref);
    const step = jsonOf<Step>(row["body"]);
    if (known === undefined) steps.set(ref, [step]);
    else known.push(step);
  }
  return rows.map((row) => ({
    ...jsonOf<Omit<Trace, "task" | "output" | "steps">>(row["detail"]),
    task: requiredText(row, "task"),
    output: requiredText(row, "output"),
    steps: steps.get(requiredNumber(row, "ref")) ?? [],
  }));
}

function summaryFromRow(row: Row): TraceSummary {
  const agentName = textOf(row["agent_name"]);
  const status = textOf(row["status"]) as TraceSummary["status"];
  const score = numberOf(row["score"]);
  return {
    id: requiredText(row, "id"),
    task: requiredText(row, "task"),
    output: requiredText(row, "output"),
    ...(agentName === undefined ? {} : { agentName }),
    startTimeUs: requiredNumber(row, "start_time_us"),
    durationMs: Math.max(0, requiredNumber(row, "end_time_us") - requiredNumber(row, "start_time_us")) / 1000,
    stepCount: requiredNumber(row, "step_count"),
    completeness: requiredText(row, "completeness") as CompletenessReason,
    ...(status === undefined ? {} : { status }),
    ...(score === undefined ? {} : { score }),
  };
}
