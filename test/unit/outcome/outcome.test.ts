import { describe, expect, test } from "vitest";
import { LearnError } from "../../../src/base/error.ts";
import { deterministicSignal } from "../../../src/outcome/deterministic-signal.ts";
import { evaluationSignal } from "../../../src/outcome/evaluation-signal.ts";
import { outcomeFromFeedback } from "../../../src/outcome/feedback.ts";
import { judge, verdict } from "../../../src/outcome/judge.ts";
import type { Outcome } from "../../../src/outcome/outcome.ts";
import type { OutcomeSignal } from "../../../src/outcome/ports.ts";
import { statusOfScore } from "../../../src/outcome/score.ts";
import type { Trace } from "../../../src/trace/trace.ts";
import { aStep, aToolStep, aTrace } from "../trace-factory.ts";

const anOutcome = (source: string, score: number, createdAtUs = 1): Outcome => ({
  traceId: "t",
  source,
  status: statusOfScore(score),
  score,
  reasoning: "",
  evidence: [],
  createdAtUs,
});

describe("verdict", () => {
  test("is undefined when nobody judged", () => {
    expect(verdict([])).toBeUndefined();
  });

  test("prefers people, then other tools, then checks, then what is visible", () => {
    const sources = ["deterministic", "check:json", "evaluation:relevance", "feedback:user"];
    const outcomes = sources.map((source, index) => anOutcome(source, 0.5, 10 - index));
    for (let count = 1; count <= outcomes.length; count++) expect(verdict(outcomes.slice(0, count))?.source).toBe(sources[count - 1]);
  });

  test("a check that failed stands above any model; one that passed does not, since it says that one thing is right", () => {
    const judge = (score: number) => [anOutcome("judge:llm", score), anOutcome("signal:a", score), anOutcome("composite:all", score)];
    expect(verdict([...judge(1), anOutcome("check:a", 0)])?.source).toBe("check:a");
    expect(verdict([...judge(0), anOutcome("check:a", 1)])?.source).toBe("composite:all");
    expect(verdict([anOutcome("judge:llm", 0), anOutcome("check:a", 1), anOutcome("deterministic", 0)])?.source).toBe("judge:llm");
  });

  test("among feedback the newest counts, also when it is better", () => {
    expect(verdict([anOutcome("feedback:a", 0, 1), anOutcome("feedback:b", 1, 2)])?.source).toBe("feedback:b");
  });

  test("among checks the worst counts, also when it is older", () => {
    expect(verdict([anOutcome("check:a", 1, 2), anOutcome("check:b", 0, 1)])?.source).toBe("check:b");
  });
});

describe("judge", () => {
  const throwing: OutcomeSignal = {
    name: "broken",
    judge: () => {
      throw new Error("boom");
    },
  };

  test("a signal that throws abstains and is reported, the others still judge", async () => {
    const abstained: string[] = [];
    const outcomes = await judge(aTrace(), [throwing, deterministicSignal()], 7, { onAbstain: (name) => abstained.push(name) });
    expect(outcomes.map((outcome) => [outcome.source, outcome.createdAtUs])).toEqual([["deterministic", 7]]);
    expect(abstained).toEqual(["broken"]);
  });

  test("a signal that gives a score outside [0, 1] abstains", async () => {
    const abstained: string[] = [];
    const wild: OutcomeSignal = { name: "wild", judge: () => anOutcome("wild", Number.NaN) };
    expect(await judge(aTrace(), [wild], 7, { onAbstain: (name) => abstained.push(name) })).toEqual([]);
    expect(abstained).toEqual(["wild"]);
  });

  test("without signals nobody judges", async () => {
    expect(await judge(aTrace(), [], 1)).toEqual([]);
  });
});

describe("the deterministic signal", () => {
  const outcomeOf = async (trace: Trace): Promise<Outcome | undefined> => (await judge(trace, [deterministicSignal()], 1))[0];

  test("success says no more than that nothing went visibly wrong", async () => {
    expect(await outcomeOf(aTrace())).toMatchObject({ status: "success", score: 1, reasoning: "nothing went visibly wrong" });
  });

  test("a root error is a failure", async () => {
    expect(await outcomeOf(aTrace({ error: { message: "quota" } }))).toMatchObject({
      status: "failure",
      score: 0,
      reasoning: expect.stringContaining("quota"),
    });
  });

  test("an empty output is a failure", async () => {
    expect(await outcomeOf(aTrace({ output: " " }))).toMatchObject({ status: "failure", reasoning: "the output is empty" });
  });

  test("a tool error without a later success of the same tool is a failure, with the span as evidence", async () => {
    const failed = { ...aToolStep("sql", {}, "no rows"), spanId: "00f067aa0ba902b7" };
    const outcome = await outcomeOf(aTrace({ steps: [aToolStep("sql", {}), failed, aToolStep("other", {})] }));
    expect(outcome?.status).toBe("failure");
    expect(outcome?.evidence).toContain("00f067aa0ba902b7");
  });

  test("a recovered tool error is a success that names it", async () => {
    const outcome = await outcomeOf(aTrace({ steps: [aToolStep("sql", {}, "no rows"), aToolStep("sql", {})] }));
    expect(outcome?.status).toBe("success");
    expect(outcome?.reasoning).toContain('sql ("no rows")');
  });

  test.each(["content_filter", "length", "error"])("a last LLM call that finished with %s is a failure", async (reason) => {
    const steps = [aStep({ finishReasons: ["stop"] }), aStep({ finishReasons: [reason] })];
    expect((await outcomeOf(aTrace({ steps })))?.status).toBe("failure");
    expect((await outcomeOf(aTrace({ steps: steps.toReversed() })))?.status).toBe("success");
  });

  test("abstains on a run whose content was not captured", async () => {
    expect(await outcomeOf(aTrace({ task: "", output: "", steps: [aStep()] }))).toBeUndefined();
  });

  test("abstains on a lone LLM call that asks for a tool", async () => {
    const steps = [aStep({ spanId: "000000000000000a", finishReasons: ["tool_call"], output: "f({})" })];
    expect(await outcomeOf(aTrace({ output: "", steps }))).toBeUndefined();
  });

  test("each check gives an outcome of its own; one that throws or says nothing abstains and is reported", async () => {
    const broken: string[] = [];
    const checks = [
      { name: "yes", check: () => true },
      { name: "half", check: () => 0.5 },
      { name: "silent", check: () => undefined },
      { name: "wild", check: () => 7 },
      {
        name: "throws",
        check: () => {
          throw new Error("boom");
        },
      },
    ];
    const outcomes = await judge(aTrace(), [deterministicSignal({ checks, onCheckError: (name) => broken.push(name) })], 1);
    expect(outcomes.map((outcome) => [outcome.source, outcome.score])).toEqual([
      ["deterministic", 1],
      ["check:yes", 1],
      ["check:half", 0.5],
    ]);
    expect(broken).toEqual(["throws"]);
  });
});

describe("the evaluation signal", () => {
  test.each([
    [{ name: "r", score: 0.4 }, 0.4],
    [{ name: "r", label: "Pass" }, 1],
    [{ name: "r", label: "not relevant" }, 0],
    [{ name: "toxicity", score: 0.02, label: "pass" }, 1],
    [{ name: "r", score: 0.9, label: "relevant" }, 0.9],
    [{ name: "r", score: 4, label: "fail" }, 0],
  ])("reads %j as %d", async (evaluation, score) => {
    const outcomes = await judge(aTrace({ evaluations: [evaluation] }), [evaluationSignal()], 1);
    expect(outcomes.map((outcome) => [outcome.source, outcome.score])).toEqual([[`evaluation:${evaluation.name}`, score]]);
  });

  test.each([[{ name: "r", score: 4 }], [{ name: "r", label: "purple" }], [{ name: "r" }], [{ name: "", score: 1 }]])(
    "abstains on %j",
    async (evaluation) => {
      expect(await judge(aTrace({ evaluations: [evaluation] }), [evaluationSignal()], 1)).toEqual([]);
    },
  );

  test("of several results with one name the lowest counts", async () => {
    const evaluations = [0.9, 0.2, 0.8].map((score) => ({ name: "r", score }));
    expect((await judge(aTrace({ evaluations }), [evaluationSignal()], 1)).map((outcome) => outcome.score)).toEqual([0.2]);
  });
});

describe("feedback", () => {
  test("becomes an outcome of its source", () => {
    expect(outcomeFromFeedback("run", { traceId: "t", score: 0, comment: "wrong year" }, 5)).toEqual({
      traceId: "run",
      source: "feedback:user",
      status: "failure",
      score: 0,
      reasoning: "wrong year",
      evidence: [],
      createdAtUs: 5,
    });
  });

  test.each([-0.1, 1.1, Number.NaN, "1" as unknown as number])("with score %s is refused with a hint", (score) => {
    const act = () => outcomeFromFeedback("run", { traceId: "t", score }, 5);
    expect(act).toThrow(LearnError);
    expect(act).toThrow(expect.objectContaining({ code: "invalid", hint: expect.stringContaining("0") }));
  });

  test("from a source that is no name is refused", () => {
    expect(() => outcomeFromFeedback("run", { traceId: "t", score: 1, source: "\u001b[2J" }, 5)).toThrow(LearnError);
  });

  test.each([
    [0.7, "success"],
    [0.69, "partial"],
    [0.31, "partial"],
    [0.3, "failure"],
  ] as const)("score %d is %s", (score, status) => {
    expect(statusOfScore(score)).toBe(status);
  });
});
