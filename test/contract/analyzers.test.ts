import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { AgentLearn } from "../../src/index.ts";
import { startLoopbackModel } from "../../src/testing/loopback-model.ts";
import { analystBrain } from "../support/analyst-brain.ts";

const folder = mkdtempSync(join(tmpdir(), "agentlearn-analyzers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// From traced calls to a candidate, by the setting alone: nothing is handed in that a user would not write.
test("`analyzer: batch` learns from three traced runs that failed alike", async () => {
  const model = await startLoopbackModel({ brain: analystBrain });
  const learn = new AgentLearn({ store: `file:${join(folder, "batch.db")}`, analyzer: "batch", openaiBaseUrl: model.url });
  const ask = learn.trace((task: string, column: string) => {
    if (column !== "dob") throw new Error(`no such column: ${column}`);
    return `SELECT ${column} FROM drivers answers "${task}"`;
  });
  await ask("when was driver Ada born", "dob");
  for (const name of ["Grace", "Edsger", "Barbara"]) {
    try {
      await ask(`when was driver ${name} born`, "birth_date");
    } catch {
      // The agent gave up.
    }
  }
  const report = await learn.learn();
  const [item] = await learn.knowledge.list();
  expect([report.analyzerFailures, report.failures, report.candidatesCreated]).toEqual([undefined, 3, 1]);
  expect([item?.content, item?.analyzer, item?.sourceTraceIds.length]).toEqual([
    "In run_sql, the column is called dob, not birth_date.",
    "batch",
    3,
  ]);
  await learn.close();
  await model.close();
});
