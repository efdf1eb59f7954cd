import { describe, expect, test } from "vitest";
import type { EvalCase, EvalRun } from "../../../src/evaluation/evaluation.ts";
import type { SqlStore } from "../../../src/store/local-store.ts";
import { SCHEMA_VERSION } from "../../../src/store/migrate.ts";
import { aBody, aLesson, anOutcome, aTrace, hex, T0 } from "./factories.ts";

const aCase = (changes: Partial<EvalCase> = {}): EvalCase => ({
  id: hex(16),
  task: "2+2\0",
  expected: "4",
  tags: ["sum"],
  mustPass: true,
  createdAtUs: T0,
  ...changes,
});

const aRun = (changes: Partial<EvalRun> = {}): EvalRun => ({
  id: hex(16),
  name: "before",
  createdAtUs: T0,
  passScore: 0.7,
  results: [{ caseId: "a", task: "t", output: "o\0", score: 1, passed: true, durationMs: 3 }],
  accuracy: 1,
  avgScore: 1,
  errored: 0,
  ...changes,
});

export function describeEvaluations(store: () => SqlStore): void {
  describe("evaluations", () => {
    test("keeps cases in the order they came; the same id replaces in place", async () => {
      const [first, second] = [aCase(), aCase()];
      await store().saveEvalCases([first, second]);
      const replaced = aCase({ id: first.id, task: "3+3", mustPass: false });
      await store().saveEvalCases([replaced]);
      const mine = (await store().listEvalCases()).filter((entry) => [first.id, second.id].includes(entry.id));
      expect(mine).toEqual([replaced, second]);
    });

    test("finds a run by id, by unique prefix and by name, newest of that name", async () => {
      const name = `run-${hex(8)}`;
      const newer = aRun({ name, createdAtUs: T0 + 1 });
      const older = aRun({ name });
      await store().saveEvalRun(newer);
      await store().saveEvalRun(older);
      expect(await store().getEvalRun(older.id)).toEqual(older);
      expect(await store().getEvalRun(older.id.slice(0, 12))).toEqual(older);
      expect(await store().getEvalRun(name)).toEqual(newer);
      await expect(store().getEvalRun(`${name}-none`)).rejects.toMatchObject({ code: "not-found" });
    });
  });

  describe("administration", () => {
    test("status counts what is stored", async () => {
      const before = await store().status();
      const trace = aTrace({ startTimeUs: T0 + 10 ** 9 });
      await store().appendBodies([aBody()]);
      await store().saveManyAssembled([
        { traceId: trace.traceId, traces: [trace], outcomes: [anOutcome(trace.id, { status: "failure", score: 0 })], seenArrivalUs: T0 },
      ]);
      await store().propose(aLesson(), "learner");
      await store().saveEvalCases([aCase()]);
      const after = await store().status();
      expect(after.schemaVersion).toBe(SCHEMA_VERSION);
      expect(after.traces).toEqual({ ...before.traces, total: before.traces.total + 1, failure: before.traces.failure + 1 });
      expect(after.knowledge["candidate"]).toBe((before.knowledge["candidate"] ?? 0) + 1);
      expect(after.evalCases).toBe(before.evalCases + 1);
      expect(after.unmappedBodies).toBe(before.unmappedBodies + 1);
      expect(after.unanalyzed).toBe(before.unanalyzed + 1);
      expect(after.lastTraceAtUs).toBe(trace.startTimeUs);
    });

    test("keeps a cycle, replaces it by id, and shows the last", async () => {
      const cycle = { id: hex(16), startedAtUs: T0 * 2, report: { proposed: 1, text: "\0" } };
      await store().saveCycle(cycle);
      expect((await store().status()).lastCycle).toEqual(cycle);
      await store().saveCycle({ ...cycle, endedAtUs: T0 * 2 + 5, report: { proposed: 2 } });
      expect((await store().status()).lastCycle).toEqual({ ...cycle, endedAtUs: T0 * 2 + 5, report: { proposed: 2 } });
    });

    test("a sound store has no problems", async () => {
      expect(await store().check()).toEqual([]);
    });
  });
}
