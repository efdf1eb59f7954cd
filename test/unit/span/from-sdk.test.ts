import { describe, expect, test } from "vitest";
import { createCopier } from "../../../src/span/copy-value.ts";
import { rawLogFromSdk, rawSpanFromSdk } from "../../../src/span/from-sdk.ts";
import type { LogRecordLike, SpanLike } from "../../../src/span/sdk-shapes.ts";
import { SPAN_ID, TRACE_ID } from "./raw-factory.ts";

const PARENT = "00f067aa0ba902b7";
const context = { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 1 };

function aSpan(overrides: Partial<SpanLike> = {}): SpanLike {
  return {
    name: "chat",
    kind: 2,
    spanContext: () => context,
    startTime: [1_795_376_697, 530_954_339],
    endTime: [1_795_376_698, 999],
    status: { code: 0 },
    attributes: {},
    events: [],
    links: [],
    resource: { attributes: { "service.name": "shop" } },
    instrumentationScope: { name: "scope", version: "1" },
    ...overrides,
  };
}

const copied = (value: unknown, options = {}): unknown =>
  rawSpanFromSdk(aSpan({ attributes: { v: value } }), createCopier(options)).attributes["v"];

describe("a span", () => {
  test("is copied with OTLP kind and microseconds", () => {
    const raw = rawSpanFromSdk(aSpan());
    expect(raw).toEqual({
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      name: "chat",
      kind: 3,
      startTimeUs: 1_795_376_697_530_954,
      endTimeUs: 1_795_376_698_000_000,
      attributes: {},
      events: [],
      links: [],
      status: { code: 0 },
      resource: { "service.name": "shop" },
      scope: { name: "scope", version: "1" },
    });
  });

  test.each([
    ["SDK 2 and 3", { parentSpanContext: { ...context, spanId: PARENT } }],
    ["SDK 1", { parentSpanId: PARENT }],
  ])("has its parent in the shape of %s", (_line, parent) => {
    expect(rawSpanFromSdk(aSpan(parent)).parentSpanId).toBe(PARENT);
  });

  test("knows a remote parent", () => {
    expect(rawSpanFromSdk(aSpan({ parentSpanContext: { ...context, isRemote: true } })).remoteParent).toBe(true);
    expect(rawSpanFromSdk(aSpan({ parentSpanContext: context })).remoteParent).toBeUndefined();
  });

  test("has its scope in the shape of SDK 1", () => {
    const span = aSpan({ instrumentationScope: undefined, instrumentationLibrary: { name: "old" } });
    expect(rawSpanFromSdk(span).scope).toEqual({ name: "old" });
  });

  test("does not change when the live one does", () => {
    const attributes = { list: [1, { deep: 2 }] };
    const raw = rawSpanFromSdk(aSpan({ attributes }));
    attributes.list.push(3);
    (attributes.list[1] as { deep: number }).deep = 9;
    expect(raw.attributes).toEqual({ list: [1, { deep: 2 }] });
  });

  test("shares one copy of its resource", () => {
    const resource = { attributes: { a: 1 } };
    expect(rawSpanFromSdk(aSpan({ resource })).resource).toBe(rawSpanFromSdk(aSpan({ resource })).resource);
  });

  test("reads a resource again while detectors still run", () => {
    const resource = { attributes: { a: 1 } as object, asyncAttributesPending: true };
    rawSpanFromSdk(aSpan({ resource }));
    Object.assign(resource, { attributes: { a: 1, b: 2 }, asyncAttributesPending: false });
    expect(rawSpanFromSdk(aSpan({ resource })).resource).toEqual({ a: 1, b: 2 });
  });
});

describe("a value", () => {
  const cycle: unknown[] = [1];
  cycle.push(cycle);

  test.each([
    ["a function", () => 1, undefined],
    ["a symbol", Symbol("s"), undefined],
    ["undefined", undefined, undefined],
    ["a small BigInt", 7n, 7],
    ["a 64-bit BigInt", 2n ** 60n, "1152921504606846976"],
    ["a larger BigInt", 2n ** 10_000n, undefined],
    ["a date", new Date(0), "1970-01-01T00:00:00.000Z"],
    ["an invalid date", new Date(Number.NaN), "Invalid Date"],
    ["NaN", Number.NaN, "NaN"],
    ["bytes", new Uint8Array([0, 1]), "AAE="],
    ["floats", new Float64Array([0.5, 1]), [0.5, 1]],
    ["an error", new TypeError("m"), "TypeError: m"],
    ["null", null, null],
    ["an object", { a: { b: [true] } }, { a: { b: [true] } }],
    ["a cycle", cycle, [1, null]],
  ])("that is %s becomes data or is left out", (_what, value, expected) => {
    expect(copied(value)).toEqual(expected);
  });

  test("whose getter throws costs only its own field", () => {
    const value = {
      good: 1,
      get bad(): number {
        throw new Error("no");
      },
    };
    expect(copied(value)).toEqual({ good: 1 });
  });

  test("longer than the limit is cut, never in the middle of a character", () => {
    expect(copied("abcdef", { maxTextLength: 3 })).toBe("abc");
    expect(copied("ab😀", { maxTextLength: 3 })).toBe("ab");
    expect((copied("x".repeat(1_048_577)) as string).length).toBe(1_048_576);
  });

  test("without an end is cut at the budget", () => {
    expect((copied(new Array(2 ** 32 - 1), { maxValues: 100 }) as unknown[]).length).toBeLessThanOrEqual(100);
  });

  test("that branches without end is cut at the budget", () => {
    const branching = (): object =>
      new Proxy(
        {},
        { ownKeys: () => ["a", "b", "c"], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }), get: branching },
      );
    const started = performance.now();
    copied(branching());
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test("named __proto__ stays data", () => {
    expect(Object.keys(copied(JSON.parse('{"__proto__":1}')) as object)).toEqual(["__proto__"]);
  });
});

describe("a log record", () => {
  const aRecord = (overrides: Partial<LogRecordLike> = {}): LogRecordLike => ({
    hrTime: [1, 2000],
    spanContext: context,
    body: { content: "hi" },
    attributes: { "gen_ai.system": "openai" },
    resource: { attributes: {} },
    ...overrides,
  });

  test("is copied with a structured body", () => {
    expect(rawLogFromSdk(aRecord({ eventName: "gen_ai.choice" }))).toEqual({
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      timeUs: 1_000_002,
      eventName: "gen_ai.choice",
      body: { content: "hi" },
      attributes: { "gen_ai.system": "openai" },
      resource: {},
      scope: { name: "" },
    });
  });

  test("may carry its name in an attribute", () => {
    expect(rawLogFromSdk(aRecord({ attributes: { "event.name": "gen_ai.choice" } }))?.eventName).toBe("gen_ai.choice");
  });

  test("outside of a span is nothing", () => {
    expect(rawLogFromSdk(aRecord({ spanContext: undefined }))).toBeUndefined();
  });
});
