import { expect, test } from "vitest";
import { LearnError } from "../../../src/base/error.ts";
import type { Lesson } from "../../../src/lesson/lesson.ts";
import type { AnalysisResult, Analyzer, JudgedTrace } from "../../../src/lesson/ports.ts";
import { recoveryAnalyzer } from "../../../src/lesson/recovery-analyzer.ts";
import { createTieredAnalyzer } from "../../../src/lesson/tiered-analyzer.ts";
import type { OutcomeStatus } from "../../../src/outcome/outcome.ts";
import { aLesson } from "../lesson-factory.ts";
import { aToolStep, aTrace } from "../trace-factory.ts";

const run = (n: number, status: OutcomeStatus = "failure", steps = [aToolStep("run_sql", { q: "x" }, "boom")]): JudgedTrace => {
  const trace = aTrace({ id: `${String(n).padStart(32, "0")}-000000000000000a`, steps });
  return { trace, outcome: { traceId: trace.id, source: "deterministic", status, score: 0, reasoning: "", evidence: [], createdAtUs: 1 } };
};
const idOf = ({ trace }: JudgedTrace): string => trace.id;
/** Writes down what it was given, and answers with a lesson about each of these. */
const tier = (name: string, explains: readonly JudgedTrace[], more: Partial<AnalysisResult> = {}, lesson: Partial<Lesson> = {}) => {
  const seen: (readonly string[])[] = [];
  const analyzer: Analyzer = {
    name,
    analyze: async (traces) => {
      seen.push(traces.map(idOf));
      const lessons = explains.map((judged) =>
        aLesson({ fingerprint: `${name}${idOf(judged)}`, sourceTraceIds: [idOf(judged)], ...lesson }),
      );
      return { lessons, refusals: [], ...more };
    },
  };
  return { analyzer, seen };
};
const [A, B, C, WON] = [run(1), run(2), run(3), run(4, "success")];

test("each tier sees the failed runs that none before it explained, and all that did not fail", async () => {
  const [first, second, third] = [tier("cheap", [A]), tier("small", [B]), tier("large", [])];
  await createTieredAnalyzer({ tiers: [first.analyzer, second.analyzer, third.analyzer] }).analyze([A, B, C, WON]);
  expect([first.seen, second.seen, third.seen]).toEqual([[[A, B, C, WON].map(idOf)], [[B, C, WON].map(idOf)], [[C, WON].map(idOf)]]);
});

test("a lesson says which tier answered", async () => {
  const tiers = [tier("cheap", []).analyzer, tier("small", [A]).analyzer];
  const { lessons } = await createTieredAnalyzer({ tiers }).analyze([A]);
  expect(lessons.map(({ analyzer, reasoning }) => [analyzer, reasoning])).toEqual([["tiered:small", "because (tier 2 of 2, small)"]]);
});

test("nobody is asked when everything is explained", async () => {
  const large = tier("large", []);
  await createTieredAnalyzer({ tiers: [tier("cheap", [A]).analyzer, large.analyzer] }).analyze([A, WON]);
  expect(large.seen).toEqual([]);
});

test("a lesson that the guard will refuse explains nothing", async () => {
  const large = tier("large", []);
  const { lessons } = await createTieredAnalyzer({ tiers: [tier("cheap", [A], {}, { content: "" }).analyzer, large.analyzer] }).analyze([
    A,
  ]);
  expect([large.seen, lessons.length]).toEqual([[[idOf(A)]], 1]);
});

test("when a tier cannot run, what was found holds, the fault is told, and the dearer tier is not asked in its place", async () => {
  const down: Analyzer = { name: "small", analyze: () => Promise.reject(new LearnError("unavailable", "429")) };
  const large = tier("large", []);
  const result = await createTieredAnalyzer({ tiers: [tier("cheap", [A]).analyzer, down, large.analyzer] }).analyze([A, B]);
  expect([result.lessons.length, result.failure?.code, large.seen]).toEqual([1, "unavailable", []]);
});

test("what a tier left for later stays so unless a later tier explained it", async () => {
  const unread = [{ reason: "too many", traceIds: [idOf(B), idOf(C)], until: "next" as const }];
  const tiers = [tier("small", [], { unread }).analyzer, tier("large", [C]).analyzer];
  expect((await createTieredAnalyzer({ tiers }).analyze([A, B, C])).unread).toEqual([{ ...unread[0], traceIds: [idOf(B)] }]);
});

test("a repair that shows itself costs no model", async () => {
  const steps = [
    aToolStep("run_sql", { query: "SELECT dobb FROM drivers" }, "no such column: dobb"),
    aToolStep("run_sql", { query: "SELECT dob FROM drivers" }),
  ];
  const large = tier("llm", []);
  const { lessons } = await createTieredAnalyzer({ tiers: [recoveryAnalyzer(), large.analyzer] }).analyze([run(7, "failure", steps)]);
  expect([lessons.map(({ analyzer }) => analyzer), large.seen]).toEqual([["tiered:recovery"], []]);
});
