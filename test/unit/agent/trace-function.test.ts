import { describe, expect, test } from "vitest";
import { createKnowledgeClient, type InjectionSource } from "../../../src/agent/knowledge-client.ts";
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

  test("an agent that is a method keeps its this", async () => {
    const { tracer } = aTracer("K");
    class Shop {
      readonly name = "shop";
      ask = tracer.wrap(function (this: Shop, task: string) {
        return `${this.name} ${task}`;
      });
      told = tracer.wrapInjected(function (this: Shop, task: string, { knowledge }: { knowledge: string }) {
        return `${this.name} ${task} ${knowledge}`;
      });
    }
    const shop = new Shop();
    expect([shop.ask("t"), await shop.told("t")]).toEqual(["shop t", "shop t K"]);
  });

  // Query builders start in then() and start again with every further one: observed by a then() of ours, the agent ran twice.
  test("a thenable that starts its work in then() starts it once", async () => {
    const { sink, tracer } = aTracer();
    let started = 0;
    const builder = () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what such a builder is
      then: (resolve: (rows: string) => unknown) => {
        started += 1;
        return Promise.resolve(`rows ${started}`).then(resolve);
      },
    });
    const agent = tracer.wrap(builder as unknown as () => Promise<string>);
    const query = agent();
    const before = started;
    expect([before, await query, started, textIn(sink.spans[0], "gen_ai.output.messages")]).toEqual([0, "rows 1", 1, "rows 1"]);
  });

  test("a thenable that fails is a failed run, and the caller gets its error", async () => {
    const { sink, tracer } = aTracer();
    const boom = new RangeError("no rows");
    // biome-ignore lint/suspicious/noThenProperty: that is what such a builder is
    const builder = () => ({ then: (_resolve: unknown, reject: (caught: unknown) => unknown) => void reject(boom) });
    await expect((async () => await tracer.wrap(builder as unknown as () => Promise<string>)())()).rejects.toBe(boom);
    expect(sink.spans[0]?.status.code).toBe(2);
  });

  test("what is thrown into a generator agent reaches it, and it may go on", async () => {
    const { sink, tracer } = aTracer();
    const agent = tracer.wrap(async function* () {
      try {
        yield "a";
      } catch (caught) {
        yield `caught ${(caught as Error).message}`;
      }
    });
    const run = agent();
    const seen = [await run.next(), await run.throw(new Error("stop")), await run.next()];
    expect(seen.map(({ value, done }) => [value, done])).toEqual([
      ["a", false],
      ["caught stop", false],
      [undefined, true],
    ]);
    expect([sink.spans[0]?.status.code, textIn(sink.spans[0], "gen_ai.output.messages")]).toEqual([0, "acaught stop"]);
  });

  test("a stream with methods of its own keeps them", async () => {
    const { tracer } = aTracer();
    class Stream {
      #aborted = false;
      #left = 2;
      abort(): void {
        this.#aborted = true;
      }
      get aborted(): boolean {
        return this.#aborted;
      }
      async next(): Promise<IteratorResult<string>> {
        this.#left -= 1;
        return this.#left < 0 || this.#aborted ? { done: true, value: undefined } : { done: false, value: "x" };
      }
      async return(): Promise<IteratorResult<string>> {
        return { done: true, value: undefined };
      }
      [Symbol.asyncIterator](): this {
        return this;
      }
    }
    const stream = tracer.wrap(() => Object.freeze(new Stream()))();
    const seen: string[] = [];
    for await (const piece of stream) {
      seen.push(piece);
      stream.abort();
    }
    expect([seen, stream.aborted, stream instanceof Stream]).toEqual([["x"], true, true]);
  });

  test("the last words of a generator that is stopped early belong to its run", async () => {
    const { sink, tracer } = aTracer();
    const agent = tracer.wrap(async function* () {
      try {
        yield "a";
      } finally {
        currentRun()?.exposures.add({ given: ["late"], withheld: [], withholdProbability: 0.1 });
      }
    });
    for await (const _piece of agent()) break;
    expect(sink.spans[0]?.attributes["agentlearn.knowledge.given"]).toEqual(["late"]);
  });

  // The run ended with "{}" when the generator was handed over, before its first word.
  test("autoInject observes a generator agent to its end", async () => {
    const { sink, tracer } = aTracer("K");
    const agent = tracer.wrapInjected(async function* (task: string, { knowledge }: { knowledge: string }) {
      yield `${task} `;
      yield knowledge;
      throw new Error("late");
    });
    const seen: string[] = [];
    const consume = async () => {
      for await (const piece of await agent("t")) seen.push(piece);
    };
    await expect(consume()).rejects.toThrow("late");
    expect([seen, sink.spans.map(({ status }) => status.code)]).toEqual([["t ", "K"], [2]]);
  });

  test("an async extractor that rejects leaves the process alone", async () => {
    const { sink, tracer } = aTracer();
    const agent = tracer.wrap(async () => "fine", { outputExtractor: (() => Promise.reject(new Error("no"))) as unknown as () => string });
    expect(await agent()).toBe("fine");
    await new Promise((resolve) => setImmediate(resolve));
    expect(textIn(sink.spans[0], "gen_ai.output.messages")).toBe("");
  });

  // withKnowledge had no span to write on, and the run inside it knew nothing of what it had been given: the exposure was lost.
  test("what withKnowledge gave outside of any span is written on the runs inside, with the same draw", async () => {
    const sink = recordingSink();
    const seeds: string[] = [];
    const source: InjectionSource = async ({ seed }) => {
      seeds.push(seed);
      return { text: "K", given: [{ id: `item ${seeds.length}`, type: "skill", content: "" }], withheld: [], withholdProbability: 0.1 };
    };
    const client = createKnowledgeClient({ source });
    const agent = createFunctionTracer({ sink, getKnowledge: client.getKnowledge }).wrap(async () => client.getKnowledge("more"));
    await client.withKnowledge("task", () => agent());
    expect([sink.spans[0]?.attributes["agentlearn.knowledge.given"], new Set(seeds).size]).toEqual([["item 1", "item 2"], 1]);
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
