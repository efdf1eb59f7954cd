import { context, defaultTextMapGetter, defaultTextMapSetter, propagation, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CBaggagePropagator } from "@opentelemetry/core";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createKnowledgeClient, type InjectionSource } from "../../../src/agent/knowledge-client.ts";
import { createPropagator } from "../../../src/agent/propagator.ts";
import { createExposureLedger, withRun } from "../../../src/agent/run-context.ts";
import type { Scope } from "../../../src/knowledge/knowledge-item.ts";
import { withoutTracing } from "../../../src/telemetry/suppress.ts";

const source: InjectionSource = async () => ({
  text: "BLOCK",
  given: [{ id: "item-a", type: "skill", content: "do" }],
  withheld: [{ id: "item-b" }],
  withholdProbability: 0.1,
});
const reporter = { failure: () => expect.unreachable(), count: () => 0 };
const ours = createPropagator({ enabled: true }, reporter);
const sentBy = (propagator: Pick<typeof ours, "inject">, scope = context.active()): string | undefined => {
  const carrier: Record<string, string> = {};
  propagator.inject(scope, carrier, defaultTextMapSetter);
  return carrier["baggage"];
};
const DRAWN = "agentlearn.seed=conversation-1,agentlearn.arm=knowledge,agentlearn.items=item-a";
const said = { conversationId: "conversation-1" };

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider());
});
afterAll(() => {
  context.disable();
  trace.disable();
});

describe("what goes out", () => {
  test("inside of withKnowledge is the draw, also by the standard propagator", async () => {
    const sent = await createKnowledgeClient({ source }).withKnowledge(
      "task",
      () => [sentBy(ours), sentBy(new W3CBaggagePropagator())],
      said,
    );
    expect(sent).toEqual([DRAWN, DRAWN]);
  });

  test("under the span on which knowledge was asked for is the draw too", async () => {
    const client = createKnowledgeClient({ source });
    const sent = await trace.getTracer("t").startActiveSpan("agent", async (span) => {
      await client.getKnowledge("task", said);
      const call = trace.getTracer("t").startSpan("GET");
      const header = sentBy(ours, trace.setSpan(context.active(), call));
      for (const open of [call, span]) open.end();
      return header;
    });
    expect(sent).toBe(DRAWN);
  });

  test("outside of any run is what others put there, with its properties", () => {
    const scope = ours.extract(ROOT_CONTEXT, { baggage: "tenant=a%20b;public, agentlearn.seed=x" }, defaultTextMapGetter);
    expect([sentBy(ours, scope), sentBy(ours, ROOT_CONTEXT)]).toEqual(["agentlearn.seed=x,tenant=a%20b;public", undefined]);
  });

  test("is nothing of ours when switched off, on the way out and on the way in", async () => {
    const off = createPropagator({ enabled: false }, reporter);
    const incoming = off.extract(ROOT_CONTEXT, { baggage: "tenant=a,agentlearn.seed=x,agentlearn.arm=control" }, defaultTextMapGetter);
    expect(
      propagation
        .getBaggage(incoming)
        ?.getAllEntries()
        .map(([key]) => key),
    ).toEqual(["tenant"]);
    expect(await createKnowledgeClient({ source }).withKnowledge("task", () => sentBy(off), said)).toBeUndefined();
    const quiet = createKnowledgeClient({ source, baggage: { enabled: false } });
    expect(await quiet.withKnowledge("task", () => sentBy(ours), said)).toBeUndefined();
  });

  test("is nothing while tracing is suppressed, so that our own requests carry nothing", async () => {
    expect(await createKnowledgeClient({ source }).withKnowledge("task", () => withoutTracing(() => sentBy(ours)), said)).toBeUndefined();
  });

  test("is nothing of ours while a candidate is tested", () => {
    const scope = ours.extract(ROOT_CONTEXT, { baggage: "tenant=a,agentlearn.seed=x" }, defaultTextMapGetter);
    const trial = { traceId: "ab".repeat(16), fixedText: "CANDIDATE", exposures: createExposureLedger() };
    expect(withRun(trial, () => sentBy(ours, scope))).toBe("tenant=a");
  });

  test("names what agents above were given behind what this one was", async () => {
    const scope = ours.extract(
      ROOT_CONTEXT,
      { baggage: "agentlearn.seed=s,agentlearn.arm=knowledge,agentlearn.items=above~item-a~*2" },
      defaultTextMapGetter,
    );
    const sent = await context.with(scope, () => createKnowledgeClient({ source }).withKnowledge("task", () => sentBy(ours)));
    expect(sent).toBe("agentlearn.seed=s,agentlearn.arm=knowledge,agentlearn.items=item-a~above~*2");
  });
});

describe("what comes in", () => {
  const asked = async (header: string, secret?: string, settings: Scope = {}) => {
    const requests: Parameters<InjectionSource>[0][] = [];
    const client = createKnowledgeClient({
      source: (request) => {
        requests.push(request);
        return source(request);
      },
      baggage: { enabled: true, ...(secret === undefined ? {} : { secret }) },
      agentName: "child",
      ...settings,
    });
    await context.with(ours.extract(ROOT_CONTEXT, { baggage: header }, defaultTextMapGetter), () => client.getKnowledge("task", said));
    return requests[0];
  };

  test("decides the draw before conversation and trace do, and nothing else of the question", async () => {
    const header =
      "agentlearn.seed=above,agentlearn.arm=knowledge,agentlearn.items=x,agentlearn.tenant=acme,tenant=acme,agentlearn.agent=boss";
    const question = { task: "task", agentName: "child", seed: "above", conversationId: "above" };
    expect(await asked(header)).toEqual(question);
    const settings = { service: "shop", model: "small", tenant: "north" };
    expect(await asked(`${header},agentlearn.service=desk,agentlearn.model=large`, undefined, settings)).toEqual({
      ...question,
      ...settings,
    });
  });

  test("unsigned is ignored where a secret is set", async () => {
    expect((await asked("agentlearn.seed=above,agentlearn.arm=knowledge", "a secret of this test"))?.seed).toBe("conversation-1");
  });
});
