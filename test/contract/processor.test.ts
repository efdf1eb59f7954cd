import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import * as api from "@opentelemetry/api";
import * as sdkLogs from "@opentelemetry/sdk-logs";
import * as sdkTrace from "@opentelemetry/sdk-trace-base";
import { afterEach, describe, expect, test, vi } from "vitest";
import { normalise } from "../../src/span/normalise.ts";
import type { SpanSink } from "../../src/span/ports.ts";
import {
  createLogRecordProcessor,
  createSpanProcessor,
  type LogRecordProcessorLike,
  type SpanProcessorLike,
} from "../../src/span/processor.ts";
import type { RawBatch, RawLog, RawSpan } from "../../src/span/raw-span.ts";
import type { Reporter } from "../../src/telemetry/report.ts";

/** What the suite needs of an SDK line. */
interface Line {
  readonly api: Pick<typeof api, "context" | "trace" | "ROOT_CONTEXT">;
  tracerProvider(options: { spanProcessors: SpanProcessorLike[]; sampler?: unknown }): {
    getTracer(name: string, version?: string): api.Tracer;
    forceFlush(): Promise<void>;
    shutdown(): Promise<void>;
  };
  loggerProvider(options: { processors: LogRecordProcessorLike[] }): {
    getLogger(name: string): { emit(record: object): void };
    shutdown(): Promise<void>;
  };
  /** Structured attribute values: dropped by SDK 2, kept by SDK 3. */
  readonly keepsObjects: boolean;
}

const sdk2: Line = {
  api,
  tracerProvider: (options) => new sdkTrace.BasicTracerProvider(options as sdkTrace.TracerConfig),
  loggerProvider: (options) => new sdkLogs.LoggerProvider(options as unknown as ConstructorParameters<typeof sdkLogs.LoggerProvider>[0]),
  keepsObjects: false,
};

const PEER = new URL("../peers/otel-3/", import.meta.url);

function sdk3(): Line | string {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 22 || (major === 22 && minor < 15)) return `SDK 3 needs Node 22.15, this is ${process.versions.node}`;
  if (!existsSync(fileURLToPath(new URL("node_modules/@opentelemetry/sdk-trace/package.json", PEER))))
    return "SDK 3 is not installed under test/peers/otel-3: npm run peers";
  const load = createRequire(new URL("package.json", PEER));
  const [trace, logs, ownApi] = [load("@opentelemetry/sdk-trace"), load("@opentelemetry/sdk-logs"), load("@opentelemetry/api")];
  type Provider<Method extends "tracerProvider" | "loggerProvider"> = new (options: object) => ReturnType<Line[Method]>;
  return {
    api: ownApi,
    tracerProvider: (options) => new (trace.TracerProvider as Provider<"tracerProvider">)(options),
    loggerProvider: (options) => new (logs.LoggerProvider as Provider<"loggerProvider">)(options),
    keepsObjects: true,
  };
}

interface MemorySink extends SpanSink {
  readonly batches: RawBatch[];
  readonly flushed: number[];
  readonly closed: number[];
  spans(): readonly RawSpan[];
  logs(): readonly RawLog[];
}

function createMemorySink(overrides: Partial<SpanSink> = {}): MemorySink {
  const [batches, flushed, closed]: [RawBatch[], number[], number[]] = [[], [], []];
  return {
    batches,
    flushed,
    closed,
    spans: () => batches.flatMap((batch) => batch.spans),
    logs: () => batches.flatMap((batch) => batch.logs),
    submit: (batch) => void batches.push(batch),
    flush: async (timeoutMs) => void flushed.push(timeoutMs),
    close: async (timeoutMs) => void closed.push(timeoutMs),
    counts: () => ({ submitted: batches.length, dropped: 0, failed: 0 }),
    ...overrides,
  };
}

function createCountingReporter(): Reporter & { readonly seen: string[] } {
  const seen: string[] = [];
  return { seen, failure: (what) => void seen.push(what), count: () => seen.length };
}

const CHAT = { "gen_ai.operation.name": "chat", "gen_ai.request.model": "m" };

afterEach(() => vi.useRealTimers());

function describeLine(name: string, line: Line): void {
  const { ROOT_CONTEXT, trace } = line.api;

  describe(name, () => {
    test("copies a GenAI span with parent, kind, events, links, resource and scope", async () => {
      const sink = createMemorySink();
      const provider = line.tracerProvider({ spanProcessors: [createSpanProcessor({ sink })] });
      const tracer = provider.getTracer("scope", "1.0");
      const parent = tracer.startSpan("invoke_agent", { attributes: { "gen_ai.operation.name": "invoke_agent" } }, ROOT_CONTEXT);
      const links = [{ context: parent.spanContext(), attributes: { why: "because" } }];
      const child = tracer.startSpan("chat", { kind: api.SpanKind.CLIENT, attributes: CHAT, links }, trace.setSpan(ROOT_CONTEXT, parent));
      child.addEvent("note", { a: 1 });
      child.setStatus({ code: api.SpanStatusCode.ERROR, message: "refused" });
      child.end();
      parent.end();
      await provider.forceFlush();
      const [first, second] = sink.spans();
      expect(first).toMatchObject({
        name: "chat",
        kind: 3,
        parentSpanId: parent.spanContext().spanId,
        attributes: CHAT,
        events: [{ name: "note", attributes: { a: 1 } }],
        links: [{ spanId: parent.spanContext().spanId, attributes: { why: "because" } }],
        status: { code: 2, message: "refused" },
        scope: { name: "scope", version: "1.0" },
      });
      expect(second?.parentSpanId).toBeUndefined();
      expect(second?.resource).toHaveProperty(["service.name"]);
      expect(first?.endTimeUs).toBeGreaterThanOrEqual(first?.startTimeUs ?? Number.POSITIVE_INFINITY);
      expect(Math.abs((first?.startTimeUs ?? 0) / 1000 - Date.now())).toBeLessThan(60_000);
    });

    test("knows a parent in another process", async () => {
      const sink = createMemorySink();
      const provider = line.tracerProvider({ spanProcessors: [createSpanProcessor({ sink })] });
      const remote = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 1, isRemote: true };
      provider.getTracer("t").startSpan("chat", { attributes: CHAT }, trace.setSpanContext(ROOT_CONTEXT, remote)).end();
      await provider.forceFlush();
      expect(sink.spans()[0]).toMatchObject({ traceId: remote.traceId, parentSpanId: remote.spanId, remoteParent: true });
    });

    test("leaves other spans alone, and takes those that carry our own attributes or GenAI events", async () => {
      const sink = createMemorySink();
      const provider = line.tracerProvider({ spanProcessors: [createSpanProcessor({ sink })] });
      const tracer = provider.getTracer("t");
      tracer.startSpan("GET /", { attributes: { "http.request.method": "GET", gen: 1, "llmx.y": 1 } }).end();
      tracer.startSpan("stamped", { attributes: { "agentlearn.knowledge.given": ["a"] } }).end();
      tracer.startSpan("openinference", { attributes: { "openinference.span.kind": "LLM" } }).end();
      const judged = tracer.startSpan("judged");
      judged.addEvent("gen_ai.evaluation.result", { "gen_ai.evaluation.name": "n" });
      judged.end();
      await provider.forceFlush();
      expect(sink.spans().map((span) => span.name)).toEqual(["stamped", "openinference", "judged"]);
    });

    test("does not copy spans that are recorded but not sampled", async () => {
      const sink = createMemorySink();
      const sampler = { shouldSample: () => ({ decision: 1 }), toString: () => "record only" };
      const provider = line.tracerProvider({ spanProcessors: [createSpanProcessor({ sink })], sampler });
      provider.getTracer("t").startSpan("chat", { attributes: CHAT }).end();
      await provider.forceFlush();
      expect(sink.spans()).toEqual([]);
    });

    test("takes nothing while it is told to ignore what happens, and does not ask for spans that it would leave alone", async () => {
      const sink = createMemorySink();
      let [asked, ignoring] = [0, true];
      const isIgnored = (): boolean => {
        asked += 1;
        return ignoring;
      };
      const tracers = line.tracerProvider({ spanProcessors: [createSpanProcessor({ sink, isIgnored })] });
      const loggers = line.loggerProvider({ processors: [createLogRecordProcessor({ sink, isIgnored })] });
      const happen = (): void => {
        const span = tracers.getTracer("t").startSpan("chat", { attributes: CHAT });
        loggers.getLogger("l").emit({ eventName: "gen_ai.choice", body: {}, context: trace.setSpan(ROOT_CONTEXT, span) });
        span.end();
        tracers.getTracer("t").startSpan("GET /").end();
      };
      happen();
      ignoring = false;
      happen();
      await Promise.all([tracers.forceFlush(), loggers.shutdown()]);
      expect([sink.spans().length, sink.logs().length, asked]).toEqual([1, 1, 4]);
    });

    test("joins a log record to its span, and skips other logs", async () => {
      const sink = createMemorySink();
      const tracers = line.tracerProvider({ spanProcessors: [createSpanProcessor({ sink })] });
      const loggers = line.loggerProvider({ processors: [createLogRecordProcessor({ sink })] });
      const span = tracers.getTracer("t").startSpan("chat", { attributes: CHAT });
      const context = trace.setSpan(ROOT_CONTEXT, span);
      const logger = loggers.getLogger("l");
      logger.emit({ eventName: "gen_ai.user.message", body: { content: "hi" }, attributes: { "gen_ai.system": "x" }, context });
      logger.emit({ body: { content: "there" }, attributes: { "event.name": "gen_ai.user.message" }, context });
      logger.emit({ body: "served", attributes: { "http.route": "/" }, context });
      logger.emit({ eventName: "gen_ai.user.message", body: { content: "nowhere" }, context: ROOT_CONTEXT });
      span.end();
      await Promise.all([tracers.shutdown(), loggers.shutdown()]);
      expect(sink.logs()).toHaveLength(2);
      const [raw] = sink.spans();
      expect(normalise(raw as RawSpan, sink.logs()).inputMessages).toEqual([
        { role: "user", parts: [{ type: "text", content: "hi" }] },
        { role: "user", parts: [{ type: "text", content: "there" }] },
      ]);
    });

    test("reads object attributes where the SDK keeps them", async () => {
      const sink = createMemorySink();
      const provider = line.tracerProvider({ spanProcessors: [createSpanProcessor({ sink })] });
      const messages = [{ role: "user", parts: [{ type: "text", content: "hi" }] }];
      const attributes = { ...CHAT, "gen_ai.input.messages": messages } as unknown as api.Attributes;
      provider.getTracer("t").startSpan("chat", { attributes }).end();
      await provider.forceFlush();
      expect(normalise(sink.spans()[0] as RawSpan, []).inputMessages).toEqual(line.keepsObjects ? messages : undefined);
    });

    test("hands over in batches of at most 64, and the rest within 20 ms", () => {
      vi.useFakeTimers();
      const sink = createMemorySink();
      const provider = line.tracerProvider({ spanProcessors: [createSpanProcessor({ sink })] });
      for (let index = 0; index < 130; index++) provider.getTracer("t").startSpan("chat", { attributes: CHAT }).end();
      expect(sink.batches.map((batch) => batch.spans.length)).toEqual([64, 64]);
      vi.advanceTimersByTime(20);
      expect(sink.batches.map((batch) => batch.spans.length)).toEqual([64, 64, 2]);
    });

    test("never lets a failing sink into the agent", async () => {
      const fail = (): never => {
        throw new Error("sink is broken");
      };
      const sink = createMemorySink({ submit: fail, flush: fail, close: fail });
      const reporter = createCountingReporter();
      const provider = line.tracerProvider({ spanProcessors: [createSpanProcessor({ sink, reporter })] });
      for (let index = 0; index < 64; index++) provider.getTracer("t").startSpan("chat", { attributes: CHAT }).end();
      await expect(provider.forceFlush()).resolves.toBeUndefined();
      await expect(provider.shutdown()).resolves.toBeUndefined();
      expect(reporter.seen).toEqual(["sink refused a batch", "flush failed", "shutdown failed"]);
    });

    test("takes nothing after shutdown", async () => {
      const sink = createMemorySink();
      const processor = createSpanProcessor({ sink });
      const provider = line.tracerProvider({ spanProcessors: [processor] });
      const span = provider.getTracer("t").startSpan("chat", { attributes: CHAT });
      await provider.shutdown();
      span.end();
      await processor.forceFlush();
      expect([sink.spans().length, sink.closed.length]).toEqual([0, 1]);
    });
  });
}

describeLine("SDK 2", sdk2);

const third = sdk3();
if (typeof third === "string") {
  console.log(`skipped: ${third}`);
  test.skip(`SDK 3 (${third})`, () => {});
} else describeLine("SDK 3", third);

describe("deadlines", () => {
  const never = (): Promise<void> => new Promise(() => {});

  test.each(["forceFlush", "shutdown"] as const)("%s gives up on a sink that never answers", async (hook) => {
    const reporter = createCountingReporter();
    const processor = createSpanProcessor({ sink: createMemorySink({ flush: never, close: never }), maxFlushMs: 20, reporter });
    await expect(processor[hook]()).resolves.toBeUndefined();
    expect(reporter.seen).toEqual([`${hook === "shutdown" ? "shutdown" : "flush"} took longer than 20 ms`]);
  });

  test("are told to the sink", async () => {
    const sink = createMemorySink();
    await createSpanProcessor({ sink, maxFlushMs: 123 }).forceFlush();
    expect(sink.flushed).toEqual([123]);
  });
});

describe("a sink that two processors share", () => {
  test("is closed by the last of them, once", async () => {
    const sink = createMemorySink();
    const spans = createSpanProcessor({ sink });
    const logs = createLogRecordProcessor({ sink });
    await Promise.all([spans.shutdown(), spans.shutdown()]);
    expect([sink.flushed.length, sink.closed.length]).toEqual([1, 0]);
    await logs.shutdown();
    expect(sink.closed.length).toBe(1);
  });
});
