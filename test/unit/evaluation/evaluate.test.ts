import { describe, expect, test } from "vitest";
import { type EvaluateOptions, evaluate } from "../../../src/evaluation/evaluate.ts";
import type { EvalCase } from "../../../src/evaluation/evaluation.ts";
import { tagFigures } from "../../../src/evaluation/tag-figures.ts";
import { NOW_US } from "../../support/an-item.ts";

function aCase(id: string, overrides: Partial<EvalCase> = {}): EvalCase {
  return { id, task: `task ${id}`, expected: id, tags: [], mustPass: false, createdAtUs: NOW_US, ...overrides };
}

/** Answers with the last word of the task: right for every case of `aCase`. */
const echo = (task: string): string => task.split(" ").at(-1) ?? "";

function options(overrides: Partial<EvaluateOptions> = {}): EvaluateOptions {
  return { agent: echo, cases: [aCase("a"), aCase("b")], name: "before", nowUs: NOW_US, id: "run-1", ...overrides };
}

describe("evaluate", () => {
  test("scores every case in order and adds the figures up", async () => {
    const run = await evaluate(options({ cases: [aCase("a"), aCase("b", { expected: "B" }), aCase("c", { expected: "x" })] }));
    expect(run.results.map(({ caseId, score, passed }) => [caseId, score, passed])).toEqual([
      ["a", 1, true],
      ["b", 0.8, true],
      ["c", 0, false],
    ]);
    expect(run).toMatchObject({ id: "run-1", name: "before", createdAtUs: NOW_US, passScore: 0.7, accuracy: 2 / 3, errored: 0 });
    expect(run.avgScore).toBeCloseTo(0.6, 12);
  });

  test("takes the scorer of the case before the scorer of the run before the expected answer", async () => {
    const run = await evaluate(
      options({ scorer: () => 0.5, scorerOf: (one) => (one.id === "a" ? () => 0.9 : undefined), cases: [aCase("a"), aCase("b")] }),
    );
    expect(run.results.map(({ score }) => score)).toEqual([0.9, 0.5]);
  });

  test.each([
    ["an agent that throws", { agent: () => Promise.reject(new Error("boom")) }, "the agent failed: boom"],
    ["an agent that answers no text", { agent: () => 5 as unknown as string }, "the agent returned number, not text"],
    ["a scorer that throws", { scorer: (): Promise<number> => Promise.reject(new Error("no judge")) }, "the scorer failed: no judge"],
    ["a score above 1", { scorer: (): number => 80 }, "the scorer returned 80, not a number from 0 to 1"],
    ["a score that is no number", { scorer: (): number => Number.NaN }, "the scorer returned NaN"],
  ] as const)("calls the case of %s errored, with the reason", async (_what, overrides, message) => {
    const run = await evaluate(options({ ...overrides, cases: [aCase("a")] }));
    expect(run).toMatchObject({ errored: 1, accuracy: 0, avgScore: 0 });
    expect(run.results[0]?.error).toContain(message);
  });

  test("does not run the agent on a case that nobody can score", async () => {
    let runs = 0;
    const { expected: _none, ...open } = aCase("a");
    const agent = (): string => {
      runs += 1;
      return "";
    };
    const run = await evaluate(options({ agent, cases: [open] }));
    expect(run.results[0]?.error).toContain("no expected answer");
    expect(runs).toBe(0);
  });

  test("refuses to evaluate nothing", async () => {
    await expect(evaluate(options({ cases: [] }))).rejects.toMatchObject({ code: "invalid" });
  });

  test("rejects on an abort", async () => {
    await expect(evaluate(options({ signal: AbortSignal.abort() }))).rejects.toMatchObject({ code: "cancelled" });
  });

  test("reports every case once it is done", async () => {
    const seen: string[] = [];
    await evaluate(options({ concurrency: 1, onProgress: (result, done) => seen.push(`${result.caseId} ${done}`) }));
    expect(seen).toEqual(["a 1", "b 2"]);
  });
});

test("tagFigures counts a case in each of its tags once", async () => {
  const cases = [aCase("a", { tags: ["sql", "sql"] }), aCase("b", { tags: ["sql", "date"], expected: "x" })];
  const run = await evaluate(options({ cases }));
  expect(tagFigures(run, cases)).toEqual([
    { tag: "date", total: 1, passed: 0, accuracy: 0, avgScore: 0 },
    { tag: "sql", total: 2, passed: 1, accuracy: 0.5, avgScore: 0.5 },
  ]);
});
