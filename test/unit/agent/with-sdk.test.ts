import { context, type Span, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { AlwaysOffSampler, AlwaysOnSampler, BasicTracerProvider, ParentBasedSampler, type Sampler } from "@opentelemetry/sdk-trace-base";
import { afterEach, expect, test } from "vitest";
import { createKnowledgeClient } from "../../../src/agent/knowledge-client.ts";
import { createFunctionTracer } from "../../../src/agent/trace-function.ts";

afterEach(() => {
  trace.disable();
  context.disable();
});

const sink = { submit: () => {}, flush: async () => {}, close: async () => {}, counts: () => ({ submitted: 0, dropped: 0, failed: 0 }) };

function register(root: Sampler): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ sampler: new ParentBasedSampler({ root }) }));
}

// The span that was not sampled did not stand above the spans inside: each was a root, was sampled by itself, and became a run of its own.
test.each([
  ["a run that was not sampled", new AlwaysOffSampler(), false],
  ["a sampled run", new AlwaysOnSampler(), true],
])("the spans inside %s follow its sampling", async (_what, sampler, recorded) => {
  register(sampler);
  const inner: { span?: Span; parent?: string | undefined } = {};
  const agent = createFunctionTracer({ sink, getKnowledge: async () => "" }).wrap(async () => {
    inner.parent = trace.getSpan(context.active())?.spanContext().traceId;
    inner.span = trace.getTracer("client").startSpan("chat");
    return "answer";
  });
  expect(await agent()).toBe("answer");
  expect([inner.span?.isRecording(), inner.span?.spanContext().traceId]).toEqual([recorded, inner.parent]);
});

test("a span of the host that throws takes the note of nothing, and the text is given all the same", async () => {
  register(new AlwaysOnSampler());
  const span = trace.getTracer("host").startSpan("request");
  span.setAttributes = () => {
    throw new Error("sealed");
  };
  const client = createKnowledgeClient({
    source: async () => ({ text: "K", given: [{ id: "a", type: "skill", content: "" }], withheld: [], withholdProbability: 0 }),
  });
  expect(await context.with(trace.setSpan(context.active(), span), () => client.getKnowledge("task"))).toBe("K");
});
