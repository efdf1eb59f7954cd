import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { AlwaysOffSampler, BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createFunctionTracer } from "../../../src/agent/trace-function.ts";
import type { RawSpan } from "../../../src/span/raw-span.ts";

const exporter = new InMemorySpanExporter();
let spans: RawSpan[];

beforeEach(() => {
  spans = [];
  exporter.reset();
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterEach(() => {
  context.disable();
  trace.disable();
});

function register(options: { readonly sampled: boolean }): void {
  const sampler = options.sampled ? {} : { sampler: new AlwaysOffSampler() };
  trace.setGlobalTracerProvider(new BasicTracerProvider({ ...sampler, spanProcessors: [new SimpleSpanProcessor(exporter)] }));
}

const tracer = createFunctionTracer({
  sink: {
    submit: (batch) => void spans.push(...batch.spans),
    flush: async () => {},
    close: async () => {},
    counts: () => ({ submitted: 0, dropped: 0, failed: 0 }),
  },
  getKnowledge: async () => "",
});

describe("learn.trace under a registered SDK", () => {
  test("is one span of that SDK, and the same span of ours", async () => {
    register({ sampled: true });
    await tracer.wrap(async (task: string) => `re ${task}`, { name: "a" })("hi");
    const [exported] = exporter.getFinishedSpans();
    expect([exported?.name, exported?.spanContext().spanId, exported?.spanContext().traceId]).toEqual([
      "invoke_agent a",
      spans[0]?.spanId,
      spans[0]?.traceId,
    ]);
    expect(exported?.attributes["gen_ai.output.messages"]).toBe(spans[0]?.attributes["gen_ai.output.messages"]);
  });

  test("what the agent starts inside nests under it, and it under what is around it", async () => {
    register({ sampled: true });
    const agent = tracer.wrap(async () => trace.getTracer("x").startSpan("chat m").end(), { name: "a" });
    await trace.getTracer("x").startActiveSpan("POST /", async (request) => {
      await agent();
      request.end();
    });
    const byName = new Map(exporter.getFinishedSpans().map((span) => [span.name, span]));
    const own = byName.get("invoke_agent a");
    expect(byName.get("chat m")?.parentSpanContext?.spanId).toBe(own?.spanContext().spanId);
    expect([own?.parentSpanContext?.spanId, spans[0]?.parentSpanId]).toEqual(Array(2).fill(byName.get("POST /")?.spanContext().spanId));
  });

  test("a failure is the status of that span and the exception still the caller's", async () => {
    register({ sampled: true });
    await expect(tracer.wrap(async () => Promise.reject(new Error("no")), { name: "a" })()).rejects.toThrow("no");
    await new Promise((resolve) => setImmediate(resolve));
    expect(exporter.getFinishedSpans()[0]?.status).toEqual({ code: 2, message: "no" });
  });

  test("a sampler that says no is obeyed: the agent runs and nothing is recorded", async () => {
    register({ sampled: false });
    expect(await tracer.wrap(async () => "x")()).toBe("x");
    expect([exporter.getFinishedSpans().length, spans.length]).toEqual([0, 0]);
  });
});
