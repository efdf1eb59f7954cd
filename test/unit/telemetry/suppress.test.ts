import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withoutTracing } from "../../../src/telemetry/suppress.ts";

beforeAll(() => context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
afterAll(() => context.disable());

test("makes no spans inside, also after an await, and makes them outside again", async () => {
  const exporter = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer("test");
  const result = await withoutTracing(async () => {
    tracer.startSpan("inside").end();
    await Promise.resolve();
    tracer.startSpan("inside, later").end();
    return 7;
  });
  tracer.startSpan("outside").end();
  expect(result).toBe(7);
  expect(exporter.getFinishedSpans().map((span) => span.name)).toEqual(["outside"]);
  expect(trace.getActiveSpan()).toBeUndefined();
});
