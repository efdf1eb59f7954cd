import { context, type Span, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { whoAsks } from "../../../src/agent/asking.ts";
import { createKnowledgeClient, type KnowledgeClientOptions } from "../../../src/agent/knowledge-client.ts";
import { createExposureLedger, withRun } from "../../../src/agent/run-context.ts";
import { createFunctionTracer } from "../../../src/agent/trace-function.ts";
import { type Scope, scopeOf } from "../../../src/knowledge/knowledge-item.ts";
import type { RawSpan } from "../../../src/span/raw-span.ts";

/** A client that notes who asked. */
function anAsker(settings: Omit<KnowledgeClientOptions, "source"> = {}) {
  const asked: Scope[] = [];
  const client = createKnowledgeClient({
    ...settings,
    source: async (question) => {
      asked.push(scopeOf(question));
      return { text: "", given: [], withheld: [], withholdProbability: 0 };
    },
  });
  return { client, asked };
}

/** The tracer of learn.trace, with a client that notes who asked. */
function anAgent(settings: Scope = {}) {
  const { client, asked } = anAsker(settings);
  const spans: RawSpan[] = [];
  const sink = {
    submit: (batch: { readonly spans: readonly RawSpan[] }) => void spans.push(...batch.spans),
    flush: async () => {},
    close: async () => {},
    counts: () => ({ submitted: 0, dropped: 0, failed: 0 }),
  };
  const { service, model } = settings;
  const tracer = createFunctionTracer({ sink, getKnowledge: (task, asking) => client.getKnowledge(task, asking), service, model });
  return { tracer, client, asked, spans };
}

const aRun = (scope: Scope) => ({ ...scope, traceId: "ab".repeat(16), exposures: createExposureLedger() });

describe("who asks", () => {
  test("is, field by field, the last one that says anything", () => {
    expect(whoAsks({ agentName: "a", service: "s", model: "m" }, { service: "t" }, { model: "n", tenant: "north" })).toEqual({
      ...{ agentName: "a", service: "t", model: "n", tenant: "north" },
    });
  });

  test.each([[""], [7], [null]])("is nobody once somebody says %j", (value) => {
    expect(whoAsks({ tenant: "north", model: "m" }, { tenant: value as string })).toEqual({ model: "m" });
  });
});

describe("getKnowledge asks", () => {
  test("as the call says, before the run, before the settings", async () => {
    const { client, asked } = anAsker({ agentName: "set", service: "set", model: "set", tenant: "set" });
    await withRun(aRun({ agentName: "run", service: "run", model: "run" }), async () => {
      await client.getKnowledge("task", { agentName: "call", service: "call" });
    });
    expect(asked).toEqual([{ agentName: "call", service: "call", model: "run", tenant: "set" }]);
  });

  test("for nobody where a call takes the tenant back", async () => {
    const { client, asked } = anAsker({ tenant: "north" });
    await client.getKnowledge("task", { tenant: "" });
    await client.getKnowledge("task");
    expect(asked).toEqual([{}, { tenant: "north" }]);
  });
});

describe("inside of withKnowledge", () => {
  test("everything asks as was said of it, and what comes after it does not", async () => {
    const { client, asked } = anAsker({ tenant: "north" });
    await client.withKnowledge("task", () => client.getKnowledge("again"), { tenant: "south", model: "small" });
    await client.getKnowledge("after");
    expect(asked).toEqual([{ tenant: "south", model: "small" }, { tenant: "south", model: "small" }, { tenant: "north" }]);
  });

  test("a run goes on as the same run in another name", async () => {
    const { tracer, client, asked, spans } = anAgent({ tenant: "north" });
    const inner = tracer.wrapInjected(async (_given: { knowledge: string }) => await client.getKnowledge("more"), { name: "inner" });
    await tracer.wrap(() => client.withKnowledge("task", () => inner(), { tenant: "south" }), { name: "outer" })();
    const [first, second] = spans;
    expect(asked).toEqual(["outer", "inner", "inner"].map((agentName) => ({ agentName, tenant: "south" })));
    expect([first?.traceId, first?.parentSpanId]).toEqual([second?.traceId, second?.spanId]);
  });
});

describe("learn.trace", () => {
  test("asks for the tenant of each call, told apart also when they run at once", async () => {
    const { tracer, client, asked } = anAgent({ service: "shop", tenant: "north" });
    let tellDone: () => void = () => undefined;
    const otherIsDone = new Promise<void>((resolve) => {
      tellDone = resolve;
    });
    const agent = tracer.wrapInjected(
      async (_task: string, user: { readonly tenant: string }, _given: { knowledge: string }) => {
        if (user.tenant === "a") await otherIsDone;
        await client.getKnowledge("more");
        tellDone();
      },
      { name: "clerk", model: "small", tenantExtractor: (_task, user) => user.tenant },
    );
    await Promise.all([agent("one", { tenant: "a" }), agent("two", { tenant: "b" })]);
    const asking = (tenant: string) => ({ agentName: "clerk", service: "shop", model: "small", tenant });
    expect(asked).toEqual([asking("a"), asking("b"), asking("b"), asking("a")]);
  });

  // The tenant of the settings would be somebody else's.
  test("works for nobody where the tenant of a call can't be told", async () => {
    const { tracer, asked } = anAgent({ tenant: "north" });
    const agent = tracer.wrapInjected(async (_task: string, _given: { knowledge: string }) => "done", {
      name: "clerk",
      tenantExtractor: () => {
        throw new Error("no session");
      },
    });
    expect([await agent("task"), asked]).toEqual(["done", [{ agentName: "clerk" }]]);
  });

  test("works for its own tenant also where the SDK of the host throws and nothing can be recorded", async () => {
    const { tracer, client, asked, spans } = anAgent({ tenant: "north" });
    const broken = {
      startSpan: (): never => {
        throw new Error("no span");
      },
    };
    trace.setGlobalTracerProvider({ getTracer: () => broken } as unknown as BasicTracerProvider);
    try {
      await tracer.wrap(async (_task: string) => await client.getKnowledge("task"), { name: "clerk", tenant: "south" })("task");
    } finally {
      trace.disable();
    }
    expect([asked, spans]).toEqual([[{ agentName: "clerk", tenant: "south" }], []]);
  });

  test("hands its tenant and service on to agents inside, and neither its name nor its model", async () => {
    const { tracer, asked } = anAgent({ model: "set" });
    const inner = tracer.wrapInjected(async (task: string, _given: { knowledge: string }) => task, { name: "inner" });
    await tracer.wrap(() => inner("task"), { name: "outer", service: "shop", model: "large", tenant: "north" })();
    expect(asked).toEqual([{ agentName: "inner", service: "shop", model: "set", tenant: "north" }]);
  });

  test("says service, model and tenant on its span, the first two by the names of OpenTelemetry", async () => {
    const { tracer, spans } = anAgent({ service: "shop", model: "large" });
    tracer.wrap(() => 1, { name: "a", tenant: "north" })();
    tracer.wrap(() => 1, { name: "b", service: "desk", model: "small" })();
    expect(
      spans.map(({ resource, attributes }) => [
        resource["service.name"],
        attributes["gen_ai.request.model"],
        attributes["agentlearn.tenant"],
      ]),
    ).toEqual([
      ["shop", "large", "north"],
      ["desk", "small", undefined],
    ]);
  });
});

describe("the service where nobody said it", () => {
  beforeAll(() => void context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
  afterAll(() => context.disable());

  const under = (span: Span, settings: Omit<KnowledgeClientOptions, "source">) => {
    const { client, asked } = anAsker(settings);
    return context.with(trace.setSpan(context.active(), span), async () => {
      await client.getKnowledge("task");
      return asked[0]?.service;
    });
  };
  const spanOf = (name: string) =>
    new BasicTracerProvider({ resource: resourceFromAttributes({ "service.name": name }) }).getTracer("t").startSpan("run");

  test("is that of the active span, before OTEL_SERVICE_NAME and behind the settings", async () => {
    expect(await under(spanOf("shop"), { fallbackService: "env" })).toBe("shop");
    expect(await under(spanOf("shop"), { service: "set" })).toBe("set");
    expect(await under(spanOf("unknown_service:node"), { fallbackService: "env" })).toBe("env");
  });

  test("is not read while detectors run, nor where reading it throws", async () => {
    const pending = resourceFromAttributes({ "service.name": "shop", later: new Promise<string>(() => {}) });
    const early = new BasicTracerProvider({ resource: pending }).getTracer("t").startSpan("run");
    const hostile = Object.defineProperty(spanOf("shop"), "resource", {
      get: () => {
        throw new Error("mine");
      },
    });
    expect([await under(early, {}), await under(hostile, { fallbackService: "env" })]).toEqual([undefined, "env"]);
  });
});
