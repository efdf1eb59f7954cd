import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EvalCase, EvalRun } from "../../../src/evaluation/evaluation.ts";
import { type JudgeRunsOptions, judgeRuns } from "../../../src/evaluation/judge-runs.ts";
import { createLlm } from "../../../src/llm/client.ts";
import { createLlmJudge } from "../../../src/outcome/llm-judge.ts";
import { sharedFamily } from "../../../src/outcome/model-family.ts";
import { type LoopbackModel, startLoopbackModel } from "../../../src/testing/loopback-model.ts";
// biome-ignore lint/correctness/useImportExtensions: the rule takes the declarations beside the file for the file
import { judgeBrain } from "../../support/judge-model.mjs";

let model: LoopbackModel;
const prompts: string[] = [];
async function start(brain = judgeBrain()): Promise<void> {
  model = await startLoopbackModel({
    brain: (request) => {
      prompts.push(request.messages.map(({ content }) => content).join("\n"));
      return brain(request);
    },
  });
}
beforeEach(async () => {
  prompts.length = 0;
  await start();
});
afterEach(() => model.close());

const SUM = "What is 12 plus 30?";
const run = (name: string, outputs: Readonly<Record<string, string>>): EvalRun => ({
  ...{ id: name, name, createdAtUs: 1, passScore: 0.7, accuracy: 0, avgScore: 0, errored: 0 },
  results: Object.entries(outputs).map(([caseId, output]) => ({ caseId, task: SUM, output, score: 0, passed: false, durationMs: 1 })),
});
const aCase = (id: string, more: Partial<EvalCase> = {}): EvalCase => ({
  id,
  task: SUM,
  tags: [],
  mustPass: false,
  createdAtUs: 1,
  ...more,
});
const judged = (a: EvalRun, b: EvalRun, options: Partial<JudgeRunsOptions> = {}) =>
  judgeRuns(a, b, { judge: createLlmJudge({ llm: createLlm({ model: "judge-1", baseUrl: model.url }) }), cases: [], ...options });

describe("judgeRuns", () => {
  test("counts whose answers are better, with the p of that, and asks each pair in both orders", async () => {
    const a = run("before", { "1": "It is 41.", "2": "It is 40.", "3": "It is 42." });
    const b = run("after", { "1": "It is 42.", "2": "42 it is.", "3": "Perhaps 43." });
    const said = await judged(a, b);
    expect(said).toMatchObject({ which: "open", betterInA: 1, betterInB: 2, ties: 0, disagreed: 0, p: 0.5, unjudged: [] });
    expect(said.pairs.map(({ caseId, better }) => [caseId, better])).toEqual([
      ["1", "b"],
      ["2", "b"],
      ["3", "a"],
    ]);
    expect(model.requests()).toBe(6);
  });

  test("a model that goes by the place makes ties, each flagged", async () => {
    await model.close();
    await start(judgeBrain({ prefersFirst: true }));
    const said = await judged(run("a", { "1": "It is 41." }), run("b", { "1": "It is 42." }));
    expect(said).toMatchObject({ betterInA: 0, betterInB: 0, ties: 1, disagreed: 1, p: 1 });
    expect(said.pairs[0]).toMatchObject({ better: "tie", agreed: false, reasoning: expect.stringContaining("in one order") });
  });

  test("asks nothing where nothing is to be asked", async () => {
    const said = await judged(
      run("a", { "1": "same ", "2": "", "3": "x", "4": "" }),
      run("b", { "1": "same", "2": "y", "3": " ", "5": "z", "4": "" }),
    );
    expect(said.pairs.map(({ better }) => better)).toEqual(["tie", "b", "a", "tie"]);
    expect(model.requests()).toBe(0);
  });

  test("leaves cases alone that a score can tell, unless all are wanted; then what is expected counts", async () => {
    const [a, b] = [run("a", { "1": "It is 41.", "2": "It is 42." }), run("b", { "1": "It is 42.", "2": "forty-two" })];
    const cases = [aCase("1"), aCase("2", { expected: "forty-two" })];
    expect((await judged(a, b, { cases })).pairs.map(({ caseId }) => caseId)).toEqual(["1"]);
    expect((await judged(a, b, { cases, which: "all" })).pairs.map(({ better }) => better)).toEqual(["b", "b"]);
  });

  test("tells the model what the owner of the case looks for", async () => {
    await judged(run("a", { "1": "It is 41." }), run("b", { "1": "It is 42." }), {
      cases: [aCase("1", { judgePrompt: "mentions the sum" })],
    });
    expect(prompts.every((prompt) => /BEGIN WANTED \S+\nmentions\S*the\S*sum/.test(prompt))).toBe(true);
  });

  test("an answer that can't be used counts nowhere and is named; a model that can't be asked rejects", async () => {
    await model.close();
    await start(() => ({ type: "text", text: "no JSON" }));
    const [a, b] = [run("a", { "1": "It is 41." }), run("b", { "1": "It is 42." })];
    expect(await judged(a, b)).toMatchObject({
      pairs: [],
      ties: 0,
      unjudged: [{ caseId: "1", reason: expect.stringContaining("not JSON") }],
    });
    const down = createLlmJudge({ llm: createLlm({ model: "judge-1", baseUrl: "http://127.0.0.1:9/v1", timeoutMs: 2_000 }) });
    await expect(judged(a, b, { judge: down })).rejects.toMatchObject({ code: "unavailable" });
  });
});

test("a judge of the agent's own line is named, another is not", () => {
  expect(sharedFamily("gpt-4o-mini", ["openai/gpt-4.1"])).toContain("one family, gpt");
  expect(sharedFamily("gpt-4o-mini", ["claude-sonnet-4-5"])).toBeUndefined();
});
