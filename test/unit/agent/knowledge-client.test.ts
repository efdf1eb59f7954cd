import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createKnowledgeClient, type InjectionSource } from "../../../src/agent/knowledge-client.ts";
import { createExposureLedger, withRun } from "../../../src/agent/run-context.ts";

const answer = { text: "BLOCK", given: [{ id: "a", type: "skill", content: "do" }], withheld: [{ id: "b" }], withholdProbability: 0.1 };
const source: InjectionSource = async () => answer;
const aRun = (fixedText?: string) => ({
  traceId: "ab".repeat(16),
  exposures: createExposureLedger(),
  ...(fixedText === undefined ? {} : { fixedText }),
});

describe("getKnowledge", () => {
  test("gives the text and writes the assignment into the run", async () => {
    const run = aRun();
    const text = await withRun(run, () => createKnowledgeClient({ source }).getKnowledge("task"));
    expect([text, run.exposures.total()]).toEqual(["BLOCK", { given: ["a"], withheld: ["b"], withholdProbability: 0.1 }]);
  });

  test("seeds the draw with the trace id of the run, so that one run stays in one arm", async () => {
    const seeds: string[] = [];
    const client = createKnowledgeClient({
      source: async ({ seed }) => {
        seeds.push(seed);
        return answer;
      },
    });
    await withRun(aRun(), async () => {
      await client.getKnowledge("one");
      await client.getKnowledge("two");
    });
    expect(seeds).toEqual(["ab".repeat(16), "ab".repeat(16)]);
  });

  test("answers a runner under test with the text under test and asks nobody", async () => {
    let asked = 0;
    const client = createKnowledgeClient({
      source: async () => {
        asked += 1;
        return answer;
      },
    });
    expect([await withRun(aRun("CANDIDATE"), () => client.getKnowledge("task")), asked]).toEqual(["CANDIDATE", 0]);
  });

  test("gives nothing when the source fails", async () => {
    const client = createKnowledgeClient({ source: () => Promise.reject(new Error("down")) });
    expect(await client.getKnowledge("task")).toBe("");
  });

  test("gives nothing when the source is late", async () => {
    const client = createKnowledgeClient({ source: () => new Promise(() => {}), timeoutMs: 20 });
    expect(await client.getKnowledge("task")).toBe("");
  });

  test("withKnowledge hands over items and text and returns the callback's result", async () => {
    const seen = await createKnowledgeClient({ source }).withKnowledge("task", ({ text, items }) => `${text} ${items.map(({ id }) => id)}`);
    expect(seen).toBe("BLOCK a");
  });

  test("a failure inside the withKnowledge callback is the caller's, not swallowed", async () => {
    const work = createKnowledgeClient({ source }).withKnowledge("task", () => {
      throw new Error("mine");
    });
    await expect(work).rejects.toThrow("mine");
  });
});

describe("getKnowledge under a real SDK span", () => {
  const exporter = new InMemorySpanExporter();
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  });
  afterAll(() => {
    context.disable();
    trace.disable();
  });

  test("writes what was given and withheld on the span, united over several calls, and seeds the draw with its trace", async () => {
    const seeds: string[] = [];
    const answers = [answer, { ...answer, given: [{ id: "c", type: "skill", content: "too" }], withheld: [] }];
    const client = createKnowledgeClient({
      source: async ({ seed }) => {
        seeds.push(seed);
        return answers[seeds.length - 1] ?? answer;
      },
    });
    const traceId = await trace.getTracer("t").startActiveSpan("run", async (span) => {
      await client.getKnowledge("one");
      await client.getKnowledge("two");
      span.end();
      return span.spanContext().traceId;
    });
    const [span] = exporter.getFinishedSpans();
    expect(seeds).toEqual([traceId, traceId]);
    expect(span?.attributes).toEqual({
      "agentlearn.knowledge.given": ["a", "c"],
      "agentlearn.knowledge.withheld": ["b"],
      "agentlearn.knowledge.withhold_probability": 0.1,
    });
  });

  test("with nothing eligible leaves the span alone", async () => {
    exporter.reset();
    const client = createKnowledgeClient({ source: async () => ({ text: "", given: [], withheld: [], withholdProbability: 0.1 }) });
    await trace.getTracer("t").startActiveSpan("run", async (span) => {
      await client.getKnowledge("one");
      span.end();
    });
    expect(exporter.getFinishedSpans()[0]?.attributes).toEqual({});
  });
});
