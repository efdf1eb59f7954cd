import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { AgentLearn, AgentLearnSpanProcessor, isLearnError } from "../../src/index.ts";

const folder = mkdtempSync(join(tmpdir(), "agentlearn-api-"));
let learn: AgentLearn;
let stores = 0;

beforeEach(() => {
  stores += 1;
  learn = new AgentLearn({
    store: `file:${join(folder, `${stores}.db`)}`,
    agentName: "shop",
    activation: "evidence",
    withholdProbability: 0,
  });
});
afterEach(() => learn.close());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An agent that knows the unit only when it is told. */
const weigh = (task: string, knowledge: string): string => (knowledge.includes("in grams") ? `${task.length} g` : `${task.length} lb`);
const cases = Array.from({ length: 30 }, (_, index) => ({
  taskInput: `weigh parcel ${"x".repeat(index + 1)}`,
  expectedOutput: `${14 + index} g`,
}));

/** A lesson as an analyzer of one's own would propose it. */
const analyzer = (content: string) => ({
  name: "mine",
  analyze: async (traces: readonly { readonly trace: { readonly id: string } }[]) => ({
    lessons: [
      {
        id: crypto.randomUUID(),
        type: "skill" as const,
        content,
        appliesWhen: "a parcel is weighed",
        tags: [],
        sourceTraceIds: traces.map(({ trace }) => trace.id),
        analyzer: "mine",
        confidence: 0.5,
        reasoning: "test",
        taint: ["model" as const],
        fingerprint: content,
        createdAtUs: 1,
      },
    ],
    refusals: [],
  }),
});

async function withAnalyzer(content: string): Promise<void> {
  await learn.close();
  learn = new AgentLearn({
    store: `file:${join(folder, `${stores}.db`)}`,
    agentName: "shop",
    activation: "evidence",
    withholdProbability: 0,
    analyzers: [analyzer(content)],
  });
}

describe("AgentLearn", () => {
  test("records a run of a plain function and judges it", async () => {
    const agent = learn.trace((task: string) => weigh(task, ""));
    expect(agent("weigh it")).toBe("8 lb");
    await learn.learn();
    expect(await learn.traces.list()).toMatchObject([{ task: "weigh it", output: "8 lb", agentName: "shop", status: "success" }]);
  });

  test("a crash of the agent passes through and is a failure", async () => {
    const agent = learn.trace(async (_task: string): Promise<string> => {
      throw new RangeError("no scale");
    });
    await expect(agent("weigh it")).rejects.toThrow("no scale");
    await learn.learn();
    expect(await learn.traces.list({ status: "failure" })).toHaveLength(1);
  });

  test("a user's check decides over what is merely visible", async () => {
    await learn.close();
    learn = new AgentLearn({
      store: `file:${join(folder, `${stores}.db`)}`,
      checks: [{ name: "unit", check: (trace) => trace.output.endsWith("g") }],
    });
    learn.trace((task: string) => weigh(task, ""))("weigh it");
    await learn.learn();
    expect(await learn.traces.list()).toMatchObject([{ status: "failure", score: 0 }]);
  });

  test("a lesson that helps is tested, becomes active, and reaches the next prompt", async () => {
    await withAnalyzer("Give weights in grams.");
    const agent = learn.trace((task: string, { knowledge }: { knowledge: string }) => weigh(task, knowledge), { autoInject: true });
    expect(await agent("weigh parcel now")).toBe("16 lb");
    await learn.eval.add(cases);
    learn.setAgentRunner(weigh);
    const report = await learn.learn();
    expect(report.decisions.map(({ validation }) => [validation?.decision, validation?.wins, validation?.losses])).toEqual([
      ["pass", 30, 0],
    ]);
    expect(await agent("weigh parcel now")).toBe("16 g");
    const [item] = await learn.knowledge.list();
    await learn.learn();
    const [run] = await learn.traces.list({ limit: 1 });
    expect((await learn.traces.show(run?.id ?? "")).exposure).toEqual({ given: [item?.id], withheld: [], withholdProbability: 0 });
    expect((await learn.knowledge.show(item?.id ?? "")).item.counts).toMatchObject({ given: 1, givenSuccess: 1 });
  });

  test("getKnowledge inside the runner gives the text under test, so a runner that ignores its argument is tested too", async () => {
    await withAnalyzer("Give weights in grams.");
    learn.trace((task: string) => weigh(task, ""))("weigh parcel now");
    await learn.eval.add(cases);
    learn.setAgentRunner(async (task) => weigh(task, await learn.getKnowledge(task)));
    const report = await learn.learn();
    expect(report.decisions.map(({ validation }) => validation?.decision)).toEqual(["pass"]);
  });

  // A scorer is a function and stays in its process. Elsewhere its case was compared with "", which an agent passes by saying nothing.
  test("a lesson that silences the agent does not win cases whose scorer is not here", async () => {
    await withAnalyzer("Say nothing.");
    learn.trace((task: string) => weigh(task, ""))("weigh parcel now");
    await learn.eval.add(cases.map(({ taskInput }) => ({ taskInput })));
    learn.setAgentRunner((task, knowledge) => (knowledge.includes("Say nothing") ? "" : weigh(task, knowledge)));
    const report = await learn.learn();
    expect(report.decisions.map(({ item, validation, next }) => [item.status, validation, next.includes("their scorers")])).toEqual([
      ["candidate", undefined, true],
    ]);
  });

  test("no lesson is tested while a must-pass case can't be judged here", async () => {
    await withAnalyzer("Give weights in grams.");
    learn.trace((task: string) => weigh(task, ""))("weigh parcel now");
    await learn.eval.add([...cases, { taskInput: "never sell the scale", mustPass: true }]);
    learn.setAgentRunner(weigh);
    const blind = await learn.learn();
    await learn.eval.add({ taskInput: "never sell the scale", mustPass: true, scorer: () => 1 });
    const seeing = await learn.learn();
    expect([blind, seeing].map(({ decisions }) => decisions[0]?.validation?.decision)).toEqual([undefined, "pass"]);
  });

  // Without a context manager nothing says on the SDK's side that a run is a test: test runs were stored as production and mined for lessons.
  test("spans that a runner under test makes are not recorded, also where the SDK has no context manager", async () => {
    const store = `file:${join(folder, `${stores}.db`)}`;
    await withAnalyzer("Give weights in grams.");
    const provider = new BasicTracerProvider({ spanProcessors: [new AgentLearnSpanProcessor({ store })] });
    const chat = (task: string) =>
      provider
        .getTracer("t")
        .startSpan(`chat ${task}`, { attributes: { "gen_ai.operation.name": "chat" } })
        .end();
    learn.trace((task: string) => weigh(task, ""))("weigh parcel now");
    await learn.eval.add(cases);
    learn.setAgentRunner((task, knowledge) => {
      chat(task);
      return weigh(task, knowledge);
    });
    await learn.learn();
    chat("in production");
    await provider.forceFlush();
    await learn.learn();
    expect((await learn.traces.list({ limit: 100 })).length).toBe(2);
    await provider.shutdown();
  });

  test("a lesson that only looks better is not used", async () => {
    await withAnalyzer("Answer politely.");
    learn.trace((task: string) => weigh(task, ""))("weigh parcel now");
    await learn.eval.add(cases);
    // One lucky case more: the score goes up, the evidence does not.
    learn.setAgentRunner((task, knowledge) => (knowledge !== "" && task.endsWith(" x") ? "14 g" : weigh(task, "")));
    const report = await learn.learn();
    expect(report.decisions[0]?.validation?.decision).toBe("refuse");
    expect(await learn.getKnowledge("weigh parcel now")).toBe("");
  });

  test("testing a candidate leaves no runs behind", async () => {
    await withAnalyzer("Give weights in grams.");
    const agent = learn.trace((task: string) => weigh(task, ""));
    agent("weigh parcel now");
    await learn.eval.add(cases);
    learn.setAgentRunner((task) => agent(task));
    await learn.learn();
    await learn.learn();
    expect(await learn.traces.list({ limit: 100 })).toHaveLength(1);
  });

  test("evaluates an agent before and after and compares the two", async () => {
    await learn.eval.add(cases);
    const before = await learn.evaluate((task) => weigh(task, ""), { name: "before" });
    await learn.evaluate((task) => weigh(task, "in grams"), { name: "after" });
    const comparison = await learn.compareEvalRuns("before", "after");
    expect([before.accuracy, comparison.accuracyDelta, comparison.regressions]).toEqual([0, 1, []]);
  });

  test("a case's own scorer comes before the call's, and that before the expected answer", async () => {
    await learn.eval.add([
      { taskInput: "a", scorer: () => 1 },
      { taskInput: "b", expectedOutput: "no" },
    ]);
    const scored = await learn.evaluate(() => "x", { name: "s", scorer: () => 0.8 });
    const plain = await learn.evaluate(() => "x", { name: "p" });
    expect([scored.avgScore, plain.avgScore]).toEqual([0.9, 0.5]);
  });

  test("feedback outside 0 to 1 is refused with a hint", async () => {
    const caught = await learn.feedback({ traceId: "ab".repeat(16), score: 7 }).catch((error: unknown) => error);
    expect(isLearnError(caught) && [caught.code, caught.hint !== undefined]).toEqual(["invalid", true]);
  });

  test("with an endpoint only, what needs the store says so", async () => {
    const far = new AgentLearn({ endpoint: "http://127.0.0.1:9" });
    await expect(far.learn()).rejects.toMatchObject({ code: "invalid" });
    expect(await far.getKnowledge("x")).toBe("");
    await far.close();
  });

  test("a wrong option fails at once and names every problem", () => {
    expect(() => new AgentLearn({ alpha: 2, maxItems: 0 })).toThrow(/alpha[\s\S]*maxItems|maxItems[\s\S]*alpha/);
  });
});

describe("what people do with items", () => {
  test("import, approve by filter, snapshot and restore work in code as on the command line", async () => {
    const text = JSON.stringify({
      schema: "agentlearn.knowledge/v1",
      items: [{ type: "skill", content: "Weigh in grams.", appliesWhen: "a parcel is weighed", tags: ["units"] }],
    });
    expect((await learn.knowledge.import(text)).outcomes).toMatchObject([{ outcome: "new" }]);
    const request = { action: "approve", filter: { tags: ["units"] }, reason: "read it" } as const;
    const [approved] = (await learn.knowledge.changeMany(request)).done;
    expect(approved?.item.status).toBe("active");
    const id = approved?.item.id ?? "";
    await learn.snapshots.create({ tag: "v1" });
    await learn.knowledge.deprecate(id, { reason: "trial" });
    expect((await learn.snapshots.diff("v1")).changed).toMatchObject([{ id, changes: { status: ["active", "deprecated"] } }]);
    expect((await learn.snapshots.restore("v1")).held).toEqual([]);
    expect((await learn.knowledge.export()).items).toMatchObject([{ id, status: "active", certificates: [{ kind: "human" }] }]);
    expect(await learn.getKnowledge("weigh this parcel")).toContain("Weigh in grams.");
  });

  test("a document that is read back into its own store changes nothing", async () => {
    const words = { type: "skill", content: "Weigh in grams.", appliesWhen: "a parcel is weighed" } as const;
    await learn.knowledge.import(JSON.stringify({ schema: "agentlearn.knowledge/v1", items: [words] }));
    const document = await learn.knowledge.export();
    expect((await learn.knowledge.import(document)).outcomes).toMatchObject([{ outcome: "unchanged" }]);
    expect(await learn.knowledge.export()).toEqual(document);
  });
});
