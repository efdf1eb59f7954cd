import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Span } from "../../../src/span/span.ts";
import { assemble, hasEndedRoot, readiness } from "../../../src/trace/assemble.ts";
import type { Trace } from "../../../src/trace/trace.ts";
import { anAgent, anLlm, answers, aSpan, asks, assistant, aTool, spanIdOf, user } from "../span-factory.ts";

const one = (spans: readonly Span[]): Trace => {
  const traces = assemble(spans, "flush");
  expect(traces).toHaveLength(1);
  return traces[0] as Trace;
};

describe("runs", () => {
  test("the topmost agent span is the root and a plain span above it is not", () => {
    const trace = one([
      aSpan({ spanId: "h", role: "other", startTimeUs: 0 }),
      anAgent("a", { parentSpanId: "h" }),
      anLlm("b", 1, { parentSpanId: "a" }),
    ]);
    expect(trace.rootSpanId).toBe(spanIdOf("a"));
    expect(trace.id).toBe(`${trace.traceId}-${spanIdOf("a")}`);
    expect(trace.orphan).toBe(false);
  });

  test("sibling agents under one request are separate runs", () => {
    const traces = assemble(
      [
        aSpan({ spanId: "h", role: "other", startTimeUs: 0 }),
        anAgent("a", { parentSpanId: "h" }),
        anAgent("b", { parentSpanId: "h", startTimeUs: 5 }),
        anLlm("c", 1, { parentSpanId: "a" }),
        anLlm("d", 2, { parentSpanId: "b" }),
      ],
      "flush",
    );
    expect(traces.map((trace) => [trace.rootSpanId, trace.spanCount])).toEqual([
      [spanIdOf("a"), 2],
      [spanIdOf("b"), 2],
    ]);
  });

  test("a nested agent is a step of its parent's run, and its own steps follow it", () => {
    const trace = one([
      anAgent("a"),
      anAgent("b", { parentSpanId: "a", startTimeUs: 1_000_000, endTimeUs: 3_000_000, agentName: "weather" }),
      anLlm("c", 1, { parentSpanId: "b" }),
    ]);
    expect(trace.steps.map((step) => [step.kind, step.name, step.seq])).toEqual([
      ["agent", "weather", 0],
      ["llm", "chat", 1],
    ]);
  });

  test("without an agent the local root of the LLM spans is the run", () => {
    const trace = one([aSpan({ spanId: "w", role: "wrapper", startTimeUs: 0 }), anLlm("b", 1, { parentSpanId: "w" })]);
    expect(trace.rootSpanId).toBe(spanIdOf("w"));
  });

  test("a single LLM span is a run", () => {
    expect(one([anLlm("b", 1)]).steps).toHaveLength(1);
  });

  test("a span whose parent never came is an orphan and still a run", () => {
    expect(one([anLlm("b", 1, { parentSpanId: "missing" })]).orphan).toBe(true);
  });

  test("an LLM span whose own parent was filtered joins the one agent run around it", () => {
    expect(one([anAgent("a"), anLlm("b", 1, { parentSpanId: "missing" })]).steps).toHaveLength(1);
  });

  test("a span with the same missing parent as the agent is its sibling", () => {
    expect(assemble([anAgent("a", { parentSpanId: "gone" }), anLlm("b", 1, { parentSpanId: "gone" })], "idle")).toHaveLength(2);
  });

  test("calls with the same missing parent are one run, whose answer and error are those of the last", () => {
    const error = { message: "overloaded" };
    const run = one([
      anLlm("b", 1, { parentSpanId: "missing", inputMessages: [user("ask")], outputMessages: [assistant("draft")], error }),
      anLlm("c", 2, { parentSpanId: "missing", outputMessages: [assistant("answer")] }),
    ]);
    expect([run.task, run.output, run.error, run.orphan, run.steps.length]).toEqual(["ask", "answer", undefined, true, 2]);
  });

  test("calls with different missing parents are runs of their own", () => {
    expect(assemble([anLlm("b", 1, { parentSpanId: "m1" }), anLlm("c", 2, { parentSpanId: "m2" })], "flush")).toHaveLength(2);
  });

  test("an orphan inside two agent runs joins neither", () => {
    expect(assemble([anAgent("a"), anAgent("b"), anLlm("c", 1, { parentSpanId: "gone" })], "idle")).toHaveLength(3);
  });

  test("LLM work beside an agent in the same tree is a run of its own", () => {
    const traces = assemble(
      [
        aSpan({ spanId: "h", role: "other", startTimeUs: 0 }),
        anAgent("a", { parentSpanId: "h", startTimeUs: 5 }),
        anLlm("g", 1, { parentSpanId: "h" }),
      ],
      "flush",
    );
    expect(traces.map((trace) => trace.rootSpanId)).toEqual([spanIdOf("a"), spanIdOf("g")]);
  });

  test("a trace without GenAI spans gives no runs", () => {
    expect(assemble([aSpan({ role: "other" })], "flush")).toEqual([]);
    expect(assemble([], "flush")).toEqual([]);
  });

  test("a parent cycle is cut instead of hanging", () => {
    const trace = one([anLlm("b", 1, { parentSpanId: "c" }), anLlm("c", 2, { parentSpanId: "b" })]);
    expect(trace.rootSpanId).toBe(spanIdOf("b"));
  });

  test("a chain deeper than the stack is assembled", () => {
    const chain = Array.from({ length: 3000 }, (_, index) =>
      aSpan({ spanId: index.toString(16), role: "llm", ...(index === 0 ? {} : { parentSpanId: (index - 1).toString(16) }) }),
    );
    expect(one(chain).spanCount).toBe(3000);
  });
});

describe("duplicates and order", () => {
  test("a repeated span counts once, the later end wins and what only the other copy says is kept", () => {
    const trace = one([
      anAgent("a", { endTimeUs: 50, output: "early", agentName: "helper" }),
      anAgent("a", { endTimeUs: 90, output: "late" }),
      anLlm("b", 1, { parentSpanId: "a" }),
    ]);
    expect([trace.spanCount, trace.output, trace.agentName]).toEqual([2, "late", "helper"]);
  });

  test("any order and any repetition of the spans gives the same runs", () => {
    const roles = ["agent", "llm", "tool", "retrieval", "wrapper", "other"] as const;
    const arbitrarySpan = fc
      .record({
        id: fc.integer({ min: 0, max: 9 }),
        parent: fc.option(fc.integer({ min: 0, max: 11 }), { nil: undefined }),
        role: fc.constantFrom(...roles),
        start: fc.integer({ min: 0, max: 4 }),
        length: fc.integer({ min: 0, max: 3 }),
        responseId: fc.option(fc.constantFrom("r1", "r2"), { nil: undefined }),
        call: fc.option(fc.constantFrom("c1", "c2"), { nil: undefined }),
        given: fc.option(fc.constantFrom("k1", "k2"), { nil: undefined }),
      })
      .map(({ id, parent, role, start, length, responseId, call, given }) =>
        aSpan({
          spanId: id.toString(16),
          ...(parent === undefined ? {} : { parentSpanId: parent.toString(16) }),
          role,
          startTimeUs: start,
          endTimeUs: start + length,
          ...(responseId === undefined ? {} : { responseId, usage: { inputTokens: id } }),
          ...(role === "tool" ? { tool: { name: "t", ...(call === undefined ? {} : { callId: call }) } } : {}),
          ...(role === "llm" && call !== undefined
            ? { inputMessages: [answers("error: x", call)], outputMessages: [asks("t", {}, call)] }
            : {}),
          ...(given === undefined ? {} : { exposure: { given: [given], withheld: ["k1"], withholdProbability: 0.1 } }),
        }),
      );
    const spansAndOrder = fc.array(arbitrarySpan, { maxLength: 14 }).chain((spans) =>
      fc.tuple(
        fc.constant(spans),
        fc.shuffledSubarray(
          [...spans, ...spans].map((_, index) => index),
          { minLength: 2 * spans.length },
        ),
      ),
    );
    fc.assert(
      fc.property(spansAndOrder, ([spans, order]) => {
        const shuffled = order.map((index) => spans[index % spans.length] as Span);
        expect(assemble(shuffled, "flush")).toEqual(assemble(spans, "flush"));
      }),
      { numRuns: 300 },
    );
  });
});

describe("task and output", () => {
  test("the task is the newest user text of the root's messages", () => {
    const trace = one([
      anAgent("a", { inputMessages: [user("old"), assistant("ok"), user("new")], input: "plain" }),
      anLlm("b", 1, { parentSpanId: "a" }),
    ]);
    expect(trace.task).toBe("new");
  });

  test("without root messages the root's plain input is the task, else the first LLM call's user text", () => {
    const llm = anLlm("b", 1, { parentSpanId: "a", inputMessages: [user("from the call")] });
    expect(one([anAgent("a", { input: "plain" }), llm]).task).toBe("plain");
    expect(one([anAgent("a"), llm]).task).toBe("from the call");
  });

  test("the output is the root's answer text without its tool calls", () => {
    const trace = one([
      anAgent("a", {
        outputMessages: [
          {
            role: "assistant",
            parts: [
              { type: "text", content: "21C" },
              { type: "tool_call", name: "t", arguments: {} },
            ],
          },
        ],
      }),
      anLlm("b", 1, { parentSpanId: "a" }),
    ]);
    expect(trace.output).toBe("21C");
  });

  test("without a root answer the last LLM call's text is the output, and a call that asks for a tool is none", () => {
    const last = anLlm("c", 3, { parentSpanId: "a", outputMessages: [assistant("done")] });
    expect(one([anAgent("a"), anLlm("b", 1, { parentSpanId: "a", outputMessages: [assistant("thinking")] }), last]).output).toBe("done");
    expect(one([anAgent("a"), anLlm("b", 1, { parentSpanId: "a", outputMessages: [asks("t", {})] })]).output).toBe("");
  });
});

describe("usage, exposure and evaluations", () => {
  test("tokens are those of the leaf LLM calls, not the agent's sum of them", () => {
    const usage = { inputTokens: 21, outputTokens: 9 };
    const trace = one([
      anAgent("a", { usage: { inputTokens: 63, outputTokens: 27 } }),
      anLlm("b", 1, { parentSpanId: "a", usage }),
      anLlm("c", 2, { parentSpanId: "a", usage }),
      anLlm("d", 3, { parentSpanId: "a", usage }),
    ]);
    expect(trace.usage).toEqual({ inputTokens: 63, outputTokens: 27 });
  });

  test("an agent without LLM calls below it speaks for itself", () => {
    expect(one([anAgent("a", { usage: { inputTokens: 5 } })]).usage).toEqual({ inputTokens: 5 });
  });

  test("a nested agent's step does not repeat the tokens of the calls below it", () => {
    const usage = { inputTokens: 5 };
    const trace = one([anAgent("a"), anAgent("b", { parentSpanId: "a", usage }), anLlm("c", 1, { parentSpanId: "b", usage })]);
    expect(trace.steps.map((step) => [step.kind, step.usage])).toEqual([
      ["agent", undefined],
      ["llm", usage],
    ]);
  });

  test("tokens that nobody reported stay absent", () => {
    expect(one([anLlm("b", 1)])).not.toHaveProperty("usage");
  });

  test("a chat span around the client library's chat span is one step with the inner usage and the outer content", () => {
    const trace = one([
      anLlm("o", 1, { inputMessages: [user("hi")], usage: { inputTokens: 10 } }),
      anLlm("i", 1, { parentSpanId: "o", usage: { inputTokens: 7 } }),
    ]);
    expect(trace.steps.map((step) => [step.input, step.usage])).toEqual([["hi", { inputTokens: 7 }]]);
    expect(trace.usage).toEqual({ inputTokens: 7 });
  });

  test("equal response ids are one request", () => {
    const trace = one([
      anAgent("a"),
      anLlm("b", 1, { parentSpanId: "a", responseId: "r", usage: { inputTokens: 7 } }),
      anLlm("c", 1, { parentSpanId: "a", responseId: "r" }),
    ]);
    expect(trace.steps).toHaveLength(1);
  });

  test("an LLM call that a tool makes is a request of its own", () => {
    const trace = one([anLlm("o", 1), aTool("t", 1, { name: "ask" }, { parentSpanId: "o" }), anLlm("i", 1, { parentSpanId: "t" })]);
    expect(trace.steps.filter((step) => step.kind === "llm")).toHaveLength(2);
  });

  test("a call's wait for its first token and its cost stand on its step, and the costs of the calls are the run's", () => {
    const trace = one([
      anAgent("a", { costUsd: 9 }),
      anLlm("b", 1, { parentSpanId: "a", costUsd: 0.25, timeToFirstTokenMs: 40 }),
      anLlm("c", 2, { parentSpanId: "a", costUsd: 0.5 }),
    ]);
    expect(trace.steps.map((step) => [step.costUsd, step.timeToFirstTokenMs])).toEqual([
      [0.25, 40],
      [0.5, undefined],
    ]);
    expect(trace.costUsd).toBe(0.75);
  });

  test("an agent's own cost counts where no call says one", () => {
    expect(one([anAgent("a", { costUsd: 9 }), anLlm("b", 1, { parentSpanId: "a" })]).costUsd).toBe(9);
  });

  test("tokens written to the cache are summed", () => {
    const usage = { cacheWriteTokens: 4 };
    expect(one([anAgent("a"), anLlm("b", 1, { parentSpanId: "a", usage }), anLlm("c", 2, { parentSpanId: "a", usage })]).usage).toEqual({
      cacheWriteTokens: 8,
    });
  });

  test("a retrieval step says what was asked and found", () => {
    const retrieval = { query: "Paris?", documents: [{ content: "In France" }] };
    const trace = one([anAgent("a"), aSpan({ spanId: "r", parentSpanId: "a", role: "retrieval", retrieval })]);
    expect(trace.steps).toMatchObject([{ kind: "retrieval", retrieval }]);
  });

  test("a framework's embedding around the client's is one step that knows what either said", () => {
    const trace = one([
      anAgent("a"),
      aSpan({ spanId: "e", parentSpanId: "a", role: "embedding", input: "Paris" }),
      aSpan({ spanId: "w", parentSpanId: "e", role: "wrapper" }),
      aSpan({ spanId: "f", parentSpanId: "w", role: "embedding", usage: { inputTokens: 5 } }),
    ]);
    expect(trace.steps).toMatchObject([{ kind: "embedding", spanId: spanIdOf("f"), input: "Paris", usage: { inputTokens: 5 } }]);
    expect(trace.steps).toHaveLength(1);
  });

  test("exposure is united over the run and given wins over withheld", () => {
    const exposure = (given: string[], withheld: string[]) => ({ given, withheld, withholdProbability: 0.1 });
    const trace = one([
      anAgent("a", { exposure: exposure(["x"], ["z"]) }),
      anLlm("b", 1, { parentSpanId: "a", exposure: exposure(["y"], ["x"]) }),
    ]);
    expect(trace.exposure).toEqual({ given: ["x", "y"], withheld: ["z"], withholdProbability: 0.1 });
  });

  test("exposure stamped above the agent counts when the run itself carries none", () => {
    const exposure = { given: ["x"], withheld: [], withholdProbability: 0 };
    expect(one([aSpan({ spanId: "h", role: "other", startTimeUs: 0, exposure }), anAgent("a", { parentSpanId: "h" })]).exposure).toEqual(
      exposure,
    );
  });

  test("evaluations of every span of the run are collected once", () => {
    const evaluations = [{ name: "relevance", score: 0.5 }];
    expect(one([anAgent("a", { evaluations }), anLlm("b", 1, { parentSpanId: "a", evaluations })]).evaluations).toEqual(evaluations);
  });
});

describe("readiness", () => {
  const base = { hasRoot: true, spanCount: 3, lastArrivalUs: 0, nowUs: 5_000_000, quietMs: 5000, idleMs: 30_000, maxSpans: 100 };

  test("waits for the quiet period after an ended root", () => {
    expect(readiness({ ...base, nowUs: 4_999_999 })).toBeUndefined();
    expect(readiness(base)).toBe("root-ended");
  });

  test("without a root it waits for the idle period", () => {
    expect(readiness({ ...base, hasRoot: false })).toBeUndefined();
    expect(readiness({ ...base, hasRoot: false, nowUs: 30_000_000 })).toBe("idle");
  });

  test("takes a trace with more spans than allowed at once", () => {
    expect(readiness({ ...base, nowUs: 0, spanCount: 100 })).toBeUndefined();
    expect(readiness({ ...base, nowUs: 0, spanCount: 101 })).toBe("limit");
  });

  test("a root is a parentless span or an agent whose parent is remote or missing", () => {
    expect(hasEndedRoot([anLlm("b", 1, { parentSpanId: "gone" })])).toBe(false);
    expect(hasEndedRoot([anLlm("b", 1)])).toBe(true);
    expect(hasEndedRoot([anAgent("a", { parentSpanId: "gone" })])).toBe(true);
    expect(hasEndedRoot([aSpan({ spanId: "x", parentSpanId: "gone", role: "other" }), anAgent("a", { parentSpanId: "x" })])).toBe(false);
    expect(
      hasEndedRoot([aSpan({ spanId: "x", parentSpanId: "gone", role: "other" }), anAgent("a", { parentSpanId: "x", remoteParent: true })]),
    ).toBe(true);
  });
});

describe("the tenant of a run", () => {
  const tenantsIn = (spans: readonly Span[]) => assemble(spans, "flush").map(({ tenant, mixedTenants }) => mixedTenants ?? tenant);

  test("is what its own spans say, whatever stands above", () => {
    const above = aSpan({ spanId: "h", role: "other", startTimeUs: 0, tenant: "house" });
    expect(tenantsIn([above, anAgent("a", { parentSpanId: "h" }), anLlm("b", 1, { parentSpanId: "a", tenant: "acme" })])).toEqual(["acme"]);
  });

  test("is what the nearest span above says, where its own say nothing", () => {
    const spans = [
      aSpan({ spanId: "g", role: "other", startTimeUs: 0, tenant: "gate" }),
      aSpan({ spanId: "h", role: "other", startTimeUs: 1, parentSpanId: "g", tenant: "acme" }),
      anAgent("a", { parentSpanId: "h" }),
    ];
    expect(tenantsIn([...spans, anLlm("b", 1, { parentSpanId: "a" })])).toEqual(["acme"]);
  });

  test("is what another span of its W3C trace says, where the one above was never received", () => {
    const first = anAgent("a", { parentSpanId: "lost", tenant: "acme" });
    expect(tenantsIn([first, anAgent("b", { parentSpanId: "gone", startTimeUs: 5 })])).toEqual(["acme", "acme"]);
  });

  test("is none where several are named: by its own spans, or by the trace around one that says nothing", () => {
    expect(tenantsIn([anAgent("a", { tenant: "acme" }), anLlm("b", 1, { parentSpanId: "a", tenant: "beta" })])).toEqual([true]);
    const [acme, beta] = [anAgent("a", { parentSpanId: "x", tenant: "acme" }), anAgent("b", { parentSpanId: "y", tenant: "beta" })];
    expect(tenantsIn([acme, beta, anAgent("c", { parentSpanId: "z", startTimeUs: 9 })])).toEqual(["acme", "beta", true]);
  });

  test("is nobody's of another W3C trace", () => {
    expect(tenantsIn([anAgent("a", { tenant: "acme" }), anAgent("b", { traceId: "f".repeat(32), startTimeUs: 5 })])).toEqual([
      "acme",
      undefined,
    ]);
  });
});

// A trace holds up to 10,000 spans, and whoever may send spans chooses how they hang together: these took between 2 and 35 seconds each, in the thread
// that takes in everybody's. Now well below one; the bound leaves room for a busy machine.
describe("10,000 spans are put together in no more than a few seconds", () => {
  const idOf = (n: number): string => n.toString(16);
  const COUNT = 10_000;
  const many = (count: number, of: (n: number) => Partial<Span>): readonly Span[] =>
    Array.from({ length: count }, (_, n) => aSpan({ role: "llm", spanId: idOf(n + 1), startTimeUs: n, endTimeUs: 1e9 - n, ...of(n) }));

  test.each<[string, readonly Span[], number]>([
    [
      "agents one below the other",
      many(COUNT, (n) => ({ role: "agent", tenant: "acme", ...(n === 0 ? {} : { parentSpanId: idOf(n) }) })),
      1,
    ],
    [
      "agents one below the other, the deepest first",
      many(COUNT, (n) => ({ role: "agent", parentSpanId: idOf(n + 2), startTimeUs: 1e6 - n })),
      1,
    ],
    ["calls below one that was never received", many(COUNT, () => ({ parentSpanId: "feed" })), 1],
    [
      "agents, and calls below others that were never received",
      [
        ...many(COUNT / 2, (n) => ({ role: "agent", spanId: idOf(n + COUNT) })),
        ...many(COUNT / 2, (n) => ({ parentSpanId: idOf(n + 4 * COUNT) })),
      ],
      // One call lies inside the time of one agent alone, and joins it.
      COUNT - 1,
    ],
    [
      "agents and calls side by side",
      [
        aSpan({ role: "other", spanId: "feed", startTimeUs: 0, tenant: "acme" }),
        ...many(COUNT - 1, (n) => ({ parentSpanId: "feed", role: n % 2 === 0 ? "agent" : "llm" })),
      ],
      COUNT - 1,
    ],
  ])("%s", (_shape, spans, runs) => {
    const began = performance.now();
    expect(assemble(spans, "flush")).toHaveLength(runs);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
