import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rawLogFromSdk, rawSpanFromSdk } from "../../../src/span/from-sdk.ts";
import { decodeJson } from "../../../src/span/otlp/decode-json.ts";
import { createLogRecordProcessor, createSpanProcessor } from "../../../src/span/processor.ts";
import type { RawBatch, RawLog, RawSpan } from "../../../src/span/raw-span.ts";
import type { HrTimeLike, LogRecordLike, SpanContextLike, SpanLike } from "../../../src/span/sdk-shapes.ts";
import { assemble } from "../../../src/trace/assemble.ts";
import type { Trace } from "../../../src/trace/trace.ts";
import { hookOf, recordingOf, replayed } from "./native-payloads.ts";
import { batchOf, NATIVE_PAYLOADS, normalised, OTLP_PAYLOADS } from "./payloads.ts";

const SECOND_US = 1_000_000;
const NANOS_PER_US = 1000;

/** How the lines of the SDK differ where it matters here. */
const LINES = ["SDK 1", "SDK 2", "SDK 3"] as const;
type Line = (typeof LINES)[number];

const hrTime = (timeUs: number): HrTimeLike => [Math.floor(timeUs / SECOND_US), (timeUs % SECOND_US) * NANOS_PER_US];
const contextOf = (traceId: string, spanId: string): SpanContextLike => ({ traceId, spanId, traceFlags: 1 });

function sdkSpan(raw: RawSpan, line: Line): SpanLike {
  const parent = raw.parentSpanId === undefined ? undefined : contextOf(raw.traceId, raw.parentSpanId);
  return {
    name: raw.name,
    kind: raw.kind - 1,
    spanContext: () => contextOf(raw.traceId, raw.spanId),
    ...(line === "SDK 1"
      ? { parentSpanId: raw.parentSpanId, instrumentationLibrary: raw.scope }
      : { parentSpanContext: parent && { ...parent, isRemote: raw.remoteParent }, instrumentationScope: raw.scope }),
    startTime: hrTime(raw.startTimeUs),
    endTime: hrTime(raw.endTimeUs),
    status: { code: raw.status.code, message: raw.status.message },
    attributes: raw.attributes,
    events: raw.events.map(({ name, timeUs, attributes }) => ({ name, time: hrTime(timeUs), attributes })),
    links: raw.links.map(({ traceId, spanId, attributes }) => ({ context: contextOf(traceId, spanId), attributes })),
    resource: { attributes: raw.resource },
  };
}

/** An event's name is a field in SDK 3 and was an attribute before. */
function sdkLog(raw: RawLog, line: Line): LogRecordLike {
  const { "event.name": named, ...attributes } = raw.attributes;
  const eventName = raw.eventName ?? named;
  return {
    hrTime: hrTime(raw.timeUs),
    spanContext: contextOf(raw.traceId, raw.spanId),
    ...(line === "SDK 3" && typeof eventName === "string"
      ? { eventName, attributes }
      : { attributes: { ...attributes, "event.name": eventName } }),
    body: raw.body,
    resource: { attributes: raw.resource },
    instrumentationScope: raw.scope,
  };
}

function inProcess(batch: RawBatch, line: Line): RawBatch {
  return {
    spans: batch.spans.map((span) => rawSpanFromSdk(sdkSpan(span, line))),
    logs: batch.logs.flatMap((log) => rawLogFromSdk(sdkLog(log, line)) ?? []),
  };
}

describe.each(LINES)("what %s hands to a processor", (line) => {
  test.each(OTLP_PAYLOADS)("is the same span and the same trace as %s over OTLP", (name) => {
    const batch = batchOf(name);
    const received = normalised(batch);
    const copied = normalised(inProcess(batch, line));
    // SDK 1 does not tell whether a parent is remote.
    expect(copied).toEqual(line === "SDK 1" ? received.map(({ remoteParent: _remote, ...span }) => span) : received);
    expect(assemble(copied, "flush")).toEqual(assemble(received, "flush"));
  });
});

test("the order in which spans and logs arrive makes no difference", () => {
  fc.assert(
    fc.property(fc.constantFrom(...OTLP_PAYLOADS), fc.constantFrom(...LINES), fc.infiniteStream(fc.nat()), (name, line, order) => {
      const shuffled = <T>(values: readonly T[]): readonly T[] =>
        values
          .map((value) => [order.next().value as number, value] as const)
          .sort(([a], [b]) => a - b)
          .map(([, value]) => value);
      const batch = batchOf(name);
      const copied = inProcess({ spans: shuffled(batch.spans), logs: byTime(shuffled(batch.logs), batch.logs) }, line);
      expect(assemble(normalised(copied), "flush")).toEqual(assemble(normalised(batch), "flush"));
    }),
    { numRuns: 30 },
  );
});

/** Logs of one span and one microsecond keep their order: nothing in them tells which was first, and the SDK hands them over in order. */
function byTime(logs: readonly RawLog[], original: readonly RawLog[]): readonly RawLog[] {
  const keyOf = (log: RawLog): string => `${log.spanId} ${log.timeUs}`;
  const groups = new Map<string, RawLog[]>();
  for (const log of original) groups.set(keyOf(log), [...(groups.get(keyOf(log)) ?? []), log]);
  return logs.map((log) => groups.get(keyOf(log))?.shift() ?? log);
}

/**
 * Through the processors the application's own spans are missing: they say nothing of the agent and are not copied. So a run's local root may be
 * another span, or stand without its parent, and what is counted or timed over all spans is less. Everything that the run did and said is the same.
 */
describe("through the processors", () => {
  const PLAIN = ["id", "rootSpanId", "orphan", "spanCount", "startTimeUs", "endTimeUs", "service"] as const;

  function agentOnly(trace: Trace): Partial<Trace> {
    return Object.fromEntries(Object.entries(trace).filter(([key]) => !(PLAIN as readonly string[]).includes(key)));
  }

  async function submitted(name: string): Promise<RawBatch> {
    const batches: RawBatch[] = [];
    const sink = {
      submit: (batch: RawBatch) => void batches.push(batch),
      flush: async () => {},
      close: async () => {},
      counts: () => ({ submitted: 0, dropped: 0, failed: 0 }),
    };
    const spans = createSpanProcessor({ sink });
    const logs = createLogRecordProcessor({ sink });
    const batch = batchOf(name);
    for (const log of batch.logs) logs.onEmit(sdkLog(log, "SDK 2"));
    for (const span of batch.spans) spans.onEnd(sdkSpan(span, "SDK 2"));
    await Promise.all([spans.forceFlush(), logs.forceFlush()]);
    return { spans: batches.flatMap((one) => one.spans), logs: batches.flatMap((one) => one.logs) };
  }

  test.each(OTLP_PAYLOADS)("%s gives the same runs", async (name) => {
    const copied = assemble(normalised(await submitted(name)), "flush");
    expect(copied.map(agentOnly)).toEqual(assemble(normalised(batchOf(name)), "flush").map(agentOnly));
  });

  test.each(OTLP_PAYLOADS)("%s gives every GenAI span", async (name) => {
    const genAi = (batch: RawBatch) => normalised(batch).filter((span) => span.genAi);
    expect(genAi(await submitted(name))).toEqual(genAi(batchOf(name)));
  });
});

describe("what a bridge makes of a recording of a hook", () => {
  test.each(NATIVE_PAYLOADS)("%s is the same trace when it travels over OTLP", async (name) => {
    const { spans } = await replayed(hookOf(name), recordingOf(name));
    const received = decodeJson(Buffer.from(JSON.stringify(otlpJson(spans))), "traces");
    expect([received.rejected, received.batch.spans.length]).toEqual([0, spans.length]);
    const traces = assemble(normalised({ spans, logs: [] }), "flush");
    expect(traces.length).toBeGreaterThan(0);
    expect(assemble(normalised({ spans: received.batch.spans, logs: [] }), "flush")).toEqual(traces);
  });

  // Both were recorded of one program. The channel knows who the run was for, and neither the tool's error nor the words of a stream.
  test("the AI SDK's channel and its own spans tell one run alike", async () => {
    const { spans } = await replayed("ai-channel", recordingOf("vercel-ai7-diagnostics-channel"));
    const weather = (batch: RawBatch): Trace | undefined =>
      assemble(normalised(batch), "flush").find(({ task }) => task === "Weather in Atlantis or Paris?");
    const told = (run: Trace | undefined): unknown => ({
      answer: [run?.output, run?.agentName, run?.model, run?.usage],
      steps: run?.steps.map((step) => [
        step.kind,
        step.name,
        step.arguments,
        step.callId,
        step.finishReasons,
        step.usage,
        step.error !== undefined,
      ]),
    });
    expect(told(weather({ spans, logs: [] }))).toEqual(told(weather(batchOf("vercel-ai7-modern"))));
  });
});

/** As an exporter writes spans; structured values as AnyValue. */
function otlpJson(spans: readonly RawSpan[]): unknown {
  const fields = (attributes: object): unknown => Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
  return {
    resourceSpans: spans.map((span) => ({
      resource: { attributes: fields(span.resource) },
      scopeSpans: [
        {
          scope: span.scope,
          spans: [
            {
              ...span,
              startTimeUnixNano: `${span.startTimeUs}000`,
              endTimeUnixNano: `${span.endTimeUs}000`,
              attributes: fields(span.attributes),
              events: [],
              links: [],
            },
          ],
        },
      ],
    })),
  };

  function anyValue(value: unknown): unknown {
    if (typeof value === "string") return { stringValue: value };
    if (typeof value === "boolean") return { boolValue: value };
    if (typeof value === "number") return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
    if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
    return value === null || value === undefined ? {} : { kvlistValue: { values: fields(value) } };
  }
}
