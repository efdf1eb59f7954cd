import type { Clock } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { isFeedbackSource, type Outcome, type OutcomeStatus } from "../outcome/outcome.ts";
import type { OutcomeStore } from "../outcome/ports.ts";
import type { Row, SqlDriver, SqlExecutor } from "./driver.ts";
import { insertRows } from "./rows.ts";
import { jsonOf, jsonText, requiredNumber, requiredText, textBlob } from "./values.ts";
import { refreshVerdicts, STRONGEST_FIRST } from "./verdict.ts";

export function createOutcomeStore(driver: SqlDriver, clock: Clock): OutcomeStore {
  return {
    saveOutcomes: (outcomes) =>
      driver.transaction(async (tx) => {
        await upsertOutcomes(tx, outcomes);
        await refreshVerdicts(tx, new Set(outcomes.map((outcome) => outcome.traceId)));
      }),

    outcomesOf: async (traceId) => {
      const rows = await driver.all(`SELECT * FROM outcome WHERE run_id = ? ORDER BY ${STRONGEST_FIRST}`, [traceId]);
      return rows.map(outcomeFromRow);
    },

    addFeedback: async (feedback) => {
      const { score } = feedback;
      if (!(typeof score === "number" && score >= 0 && score <= 1)) {
        throw new LearnError("invalid", `feedback score ${score} is outside 0 to 1`, { hint: "give a score between 0 (bad) and 1 (good)" });
      }
      // What is stored is read again with every assembly of the run; what no outcome can carry is refused here, where somebody can correct it.
      if (feedback.source !== undefined && !isFeedbackSource(feedback.source)) {
        throw new LearnError("invalid", "the source of the feedback is not a name", {
          hint: "use 1 to 64 letters, digits, '.', '_', '@' or '-'",
        });
      }
      const givenId = feedback.traceId.trim().toLowerCase();
      const traceId = /^[0-9a-f]{32}(?=$|-)/.exec(givenId)?.[0];
      if (traceId === undefined) {
        throw new LearnError("invalid", `feedback names "${feedback.traceId}", which is neither a trace id nor a run id`, {
          hint: "give the 32 hex characters of the trace id, or a run id as `agentlearn traces list` shows it in full",
        });
      }
      await driver.transaction(async (tx) => {
        const comment = feedback.comment === undefined ? null : textBlob(feedback.comment);
        await tx.run("INSERT INTO feedback (trace_id, given_id, score, comment, source, created_at_us) VALUES (?, ?, ?, ?, ?, ?)", [
          traceId,
          givenId,
          score,
          comment,
          feedback.source,
          clock.nowUs(),
        ]);
        // The trace is judged again with its feedback. One microsecond more is enough for an assembly that is under way not to clear the mark.
        await tx.run(
          "UPDATE w3c_trace SET pending = CASE pending WHEN 1 THEN 1 ELSE 2 END, last_arrival_us = last_arrival_us + 1 WHERE trace_id = ? AND span_count > 0",
          [traceId],
        );
      });
    },
  };
}

export async function upsertOutcomes(tx: SqlExecutor, outcomes: readonly Outcome[]): Promise<void> {
  const rows = outcomes.map((outcome) => [
    outcome.traceId,
    outcome.source,
    outcome.status,
    outcome.score,
    textBlob(outcome.reasoning),
    jsonText(outcome.evidence),
    outcome.createdAtUs,
    outcome.review === true ? 1 : null,
  ]);
  const tail = `ON CONFLICT DO UPDATE SET status = excluded.status, score = excluded.score, reasoning = excluded.reasoning,
    evidence = excluded.evidence, created_at_us = excluded.created_at_us, review = excluded.review`;
  await insertRows(tx, "INSERT INTO outcome (run_id, source, status, score, reasoning, evidence, created_at_us, review)", rows, tail);
}

export function outcomeFromRow(row: Row): Outcome {
  return {
    traceId: requiredText(row, "run_id"),
    source: requiredText(row, "source"),
    status: requiredText(row, "status") as OutcomeStatus,
    score: requiredNumber(row, "score"),
    reasoning: requiredText(row, "reasoning"),
    evidence: jsonOf<readonly string[]>(row["evidence"]),
    ...(row["review"] === 1 ? { review: true as const } : {}),
    createdAtUs: requiredNumber(row, "created_at_us"),
  };
}
