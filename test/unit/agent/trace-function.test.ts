import { describe, expect, test } from "vitest";
import { createExposureLedger, currentRun, withRun } from "../../../src/agent/run-context.ts";
import { createFunctionTracer } from "../../../src/agent/trace-function.ts";
import type { SpanSink } from "../../../src/span/ports.ts";
import type { RawSpan } from "../../../src/span/raw-span.ts";

function recordingSink(): SpanSink & { readonly spans: RawSpan[] } {
  const spans: RawSpan[] = [];
  return {
    spans,
    submit: (batch) => void spans.push(...batch.spans),
    flush: async () => {},
    close: async () => {},
    counts: () => ({ submitted: spans.length, dropped: 0, failed: 0 }),
  };
}

function aTracer(knowledge = "") {
  const sink = recordingSink();
  return { sink, tracer: createFunctionTracer({ sink, getKnowledge: async () => knowledge }) };
}

const textIn = (span: RawSpan | undefined, key: string): string => {
  const messages = JSON.parse(String(span?.attributes[key])) as { parts: { content: string }[] }[];
  return messages[0]?.parts[0]?.content ?? "";
};

describe("learn.trace without an OpenTelemetry SDK", () => {
  test("passes the result of a sync function through, synchronously", () => {
    const { sink, tracer } = aTracer();
    const add = tracer.wrap((a: number, b: number) => a + b, { name: "adder" });
    expect(add(1, 2)).toBe(3);
    expect(sink.spans.map(({ name }) => name)).toEqual(["invoke_agent adder"]);
  });

  test("returns the very promise the agent returned", async () => {
    const { tracer } = aTracer();
    const promise = Promise.resolve("answer");
    expect(tracer.wrap(() => promise)()).toBe(promise);
  });

  test("records task and answer as GenAI messages", async () => {
    const { sink, tracer } = aTracer();
    await tracer.wrap(async (task: string) => `about ${task}`, { name: "a" })("Monaco");
    expect([textIn(sink.spans[0], "gen_ai.input.messages"), textIn(sink.spans[0], "gen_ai.output.messages")]).toEqual([
      "Monaco",
      "about Monaco",
    ]);
  });

  test("uses the extractors with the agent's own arguments and result", async () => {
    const { sink, tracer } = aTracer();
    const agent = tracer.wrap(async (user: { q: string }, n: number) => ({ a: user.q.repeat(n) }), {
      inputExtractor: (user, n) => `${user.q} x${n}`,
      outputExtractor: (result) => result.a,
    });
    await agent({ q: "ab" }, 2);
    expect([textIn(sink.spans[0], "gen_ai.input.messages"), textIn(sink.spans[0], "gen_ai.output.messages")]).toEqual(["ab x2", "abab"]);
  });

  test("an extractor that throws leaves the field empty and the agent alone", async () => {
    const { sink, tracer } = aTracer();
    const agent = tracer.wrap(async () => "fine", {
      inputExtractor: () => {
        throw new Error("no");
      },
    });
    expect(await agent()).toBe("fine");
    expect(textIn(sink.spans[0], "gen_ai.input.messages")).toBe("");
  });

  test("an exception passes through unchanged and counts as the run's error", async () => {
    const { sink, tracer } = aTracer();
    const boom = new TypeError("boom");
    await expect(
      tracer.wrap(async () => {
        throw boom;
      })(),
    ).rejects.toBe(boom);
    await Promise.resolve();
    expect(sink.spans[0]).toMatchObject({ status: { code: 2, message: "boom" }, attributes: { "error.type": "TypeError" } });
  });

  test("a generator agent yields, receives and returns as before", async () => {
    const { sink, tracer } = aTracer();
    const agent = tracer.wrap(async function* (task: string): AsyncGenerator<string, number, string> {
      const sent = yield task;
      yield sent;
      return 7;
    });
    const run = agent("one");
    const seen = [await run.next(), await run.next("two"), await run.next()];
    expect(seen.map(({ value }) => value)).toEqual(["one", "two", 7]);
    expect(textIn(sink.spans[0], "gen_ai.output.messages")).toBe("onetwo");
  });

  test("a consumer that stops early ends the run and the generator", async () => {
    const { sink, tracer } = aTracer();
    let cleaned = false;
    const agent = tracer.wrap(async function* () {
      try {
        yield "a";
        yield "b";
      } finally {
        cleaned = true;
      }
    });
    for await (const piece of agent()) if (piece === "a") break;
    expect([cleaned, sink.spans.length]).toEqual([true, 1]);
  });

  test("a nested agent is a child of the outer one in the same trace", async () => {
    const { sink, tracer } = aTracer();
    const inner = tracer.wrap(async () => "in", { name: "inner" });
    await tracer.wrap(async () => inner(), { name: "outer" })();
    const [first, second] = sink.spans;
    expect(first?.parentSpanId).toBe(second?.spanId);
    expect(first?.traceId).toBe(second?.traceId);
  });

  test("a run that tests a candidate is not recorded", async () => {
    const { sink, tracer } = aTracer();
    const agent = tracer.wrap(async () => "x");
    await withRun({ traceId: "0".repeat(32), fixedText: "candidate", exposures: createExposureLedger() }, () => agent());
    expect(sink.spans).toEqual([]);
  });

  test("autoInject gives the agent the knowledge as its last argument", async () => {
    const { tracer } = aTracer("KNOW");
    const agent = tracer.wrapInjected(async (task: string, { knowledge }: { knowledge: string }) => `${task}:${knowledge}`);
    expect(await agent("t")).toBe("t:KNOW");
  });

  test("a sink that throws never reaches the agent", async () => {
    const tracer = createFunctionTracer({
      sink: {
        submit() {
          throw new Error("sink");
        },
        flush: async () => {},
        close: async () => {},
        counts: () => ({ submitted: 0, dropped: 0, failed: 0 }),
      },
      getKnowledge: async () => "",
    });
    expect(await tracer.wrap(async () => "ok")()).toBe("ok");
  });

  test("a thousand interleaved runs never see each other", async () => {
    const { sink, tracer } = aTracer();
    const agent = tracer.wrap(async (task: string) => {
      await new Promise((resolve) => setImmediate(resolve));
      currentRun()?.exposures.add({ given: [task], withheld: [], withholdProbability: 0.1 });
      await new Promise((resolve) => setImmediate(resolve));
      return task;
    });
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => agent(`task ${index}`)));
    const wrong = sink.spans.filter(
      (span) => JSON.stringify(span.attributes["agentlearn.knowledge.given"]) !== JSON.stringify([textIn(span, "gen_ai.input.messages")]),
    );
    expect([sink.spans.length, wrong.length]).toEqual([1_000, 0]);
  });
});
