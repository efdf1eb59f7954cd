import { LearnError } from "../base/error.ts";
import type { EvalCase, EvalRun } from "../evaluation/evaluation.ts";
import type { EvalStore } from "../evaluation/ports.ts";
import type { SqlDriver } from "./driver.ts";
import { findByPrefix } from "./prefix.ts";
import { jsonOf, jsonText } from "./values.ts";

export function createEvaluationStore(driver: SqlDriver): EvalStore {
  return {
    saveEvalCases: (cases) =>
      driver.transaction(async (tx) => {
        for (const entry of cases) {
          await tx.run(
            `INSERT INTO eval_case (id, must_pass, created_at_us, body) VALUES (?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET must_pass = excluded.must_pass, created_at_us = excluded.created_at_us, body = excluded.body`,
            [entry.id, entry.mustPass, entry.createdAtUs, jsonText(entry)],
          );
        }
      }),

    listEvalCases: async () => (await driver.all("SELECT body FROM eval_case ORDER BY seq")).map((row) => jsonOf<EvalCase>(row["body"])),

    saveEvalRun: async (run) => {
      await driver.run(
        `INSERT INTO eval_run (id, name, created_at_us, accuracy, avg_score, body) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, created_at_us = excluded.created_at_us, accuracy = excluded.accuracy,
           avg_score = excluded.avg_score, body = excluded.body`,
        [run.id, run.name, run.createdAtUs, run.accuracy, run.avgScore, jsonText(run)],
      );
    },

    getEvalRun: async (idOrName) => {
      const [named] = await driver.all(
        "SELECT body FROM eval_run WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC, created_at_us DESC, seq DESC LIMIT 1",
        [idOrName],
      );
      const row = named ?? (await findByPrefix(driver, "eval_run", "eval run", idOrName));
      if (row !== undefined) return jsonOf<EvalRun>(row["body"]);
      throw new LearnError("not-found", `no eval run has the id or name "${idOrName}"`, {
        hint: "list what there is: agentlearn eval list",
      });
    },
  };
}
