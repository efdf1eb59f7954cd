import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareEvalRuns } from "../../../src/evaluation/compare.ts";
import type { EvalRun } from "../../../src/evaluation/evaluation.ts";
import { containsScorer, exactScorer, numericScorer } from "../../../src/evaluation/scorers.ts";
import { splitCases } from "../../../src/evaluation/split.ts";
import { NOW_US } from "../../support/an-item.ts";

function aRun(name: string, scores: { readonly [caseId: string]: number }): EvalRun {
  const results = Object.entries(scores).map(([caseId, score]) => ({
    caseId,
    task: `task ${caseId}`,
    output: "",
    score,
    passed: score >= 0.7,
    durationMs: 1,
  }));
  return { id: `id-${name}`, name, createdAtUs: NOW_US, passScore: 0.7, results, accuracy: 0, avgScore: 0, errored: 0 };
}

describe("exactScorer", () => {
  test.each([
    [" Paris\n", 1],
    ["The capital is paris.", 0.8],
    ["London", 0],
  ])("gives %j a score of %d", (output, score) => {
    expect(exactScorer("Paris")(output, "")).toBe(score);
  });

  test("wants an empty answer where an empty one is expected", () => {
    expect([exactScorer(" ")("", ""), exactScorer("")("anything", "")]).toEqual([1, 0]);
  });
});

test("containsScorer gives the share of the texts that are there", () => {
  expect(containsScorer("Date", "amount")("the DATE is missing", "")).toBe(0.5);
  expect(() => containsScorer("")).toThrow("not empty");
});

describe("numericScorer", () => {
  test.each([
    ["$1,157.63 after 3 years", 1],
    ["1157.6300", 1],
    ["about 1158", 0],
    ["11157.63", 0],
    ["1157.634", 0],
    ["no number", 0],
  ])("finds 1157.63 in %j: %d", (output, score) => {
    expect(numericScorer(1157.63)(output, "")).toBe(score);
  });

  test("allows what the tolerance allows, absolute or relative", () => {
    expect(numericScorer(100, { tolerance: 0.5 })("100.5", "")).toBe(1);
    expect(numericScorer(100, { tolerance: 0.5 })("100.6", "")).toBe(0);
    expect(numericScorer(1000, { relativeTolerance: 0.01 })("1010", "")).toBe(1);
  });

  test("takes only the last number where told so", () => {
    expect(numericScorer(3, { which: "last" })("3 then 4", "")).toBe(0);
    expect(numericScorer(4, { which: "last" })("3 then 4", "")).toBe(1);
  });

  test("tells minus from hyphen", () => {
    expect(numericScorer(-3)("it is -3", "")).toBe(1);
    expect(numericScorer(-3)("it is -$3", "")).toBe(1);
    expect(numericScorer(-12)("on 2026-12-01", "")).toBe(0);
  });
});

describe("compareEvalRuns", () => {
  test("compares the cases that both runs have, by id", () => {
    const a = aRun("a", { one: 0, two: 0.6, three: 1, four: 1, gone: 1 });
    const b = aRun("b", { four: 0.9, three: 0.2, two: 0.8, one: 1, fresh: 0 });
    const comparison = compareEvalRuns(a, b);
    expect(comparison).toMatchObject({
      a: "id-a",
      b: "id-b",
      commonCases: 4,
      onlyInA: 1,
      onlyInB: 1,
      wins: 2,
      losses: 1,
      accuracyDelta: 1 / 4,
      p: 1 / 2,
    });
    expect(comparison.scoreDelta).toBeCloseTo((1 + 0.2 - 0.8 - 0.1) / 4, 12);
    expect(comparison.regressions.map(({ caseId, flipped }) => [caseId, flipped])).toEqual([
      ["three", true],
      ["four", false],
    ]);
    expect(comparison.improvements.map(({ caseId }) => caseId)).toEqual(["one", "two"]);
  });

  test("refuses runs without a common case", () => {
    expect(() => compareEvalRuns(aRun("a", { one: 1 }), aRun("b", { two: 1 }))).toThrow("no case in common");
  });
});

describe("splitCases", () => {
  const cases = Array.from({ length: 2_000 }, (_, index) => ({ id: `case-${index}` }));

  test("holds out about the share it was asked for", () => {
    const { train, heldOut } = splitCases(cases, 0.3);
    expect(train.length + heldOut.length).toBe(2_000);
    expect(Math.abs(heldOut.length / 2_000 - 0.3)).toBeLessThan(0.031);
  });

  test("leaves a case on its side whatever other cases there are", () => {
    fc.assert(
      fc.property(fc.subarray(cases.slice(0, 60)), (some) => {
        const all = new Set(splitCases(cases, 0.5).heldOut.map(({ id }) => id));
        expect(splitCases(some, 0.5).heldOut.map(({ id }) => id)).toEqual(some.map(({ id }) => id).filter((id) => all.has(id)));
      }),
      { numRuns: 20 },
    );
  });

  test("only adds to the held-out side when the share grows", () => {
    const larger = new Set(splitCases(cases, 0.6).heldOut);
    expect(splitCases(cases, 0.4).heldOut.every((one) => larger.has(one))).toBe(true);
  });

  test("holds out all at 1 and none at 0", () => {
    expect(splitCases(cases, 1).train).toEqual([]);
    expect(splitCases(cases, 0).heldOut).toEqual([]);
  });
});
