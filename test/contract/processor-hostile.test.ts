import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SpanSink } from "../../src/span/ports.ts";
import { createLogRecordProcessor, createSpanProcessor } from "../../src/span/processor.ts";
import type { RawBatch } from "../../src/span/raw-span.ts";
import type { LogRecordLike, SpanLike } from "../../src/span/sdk-shapes.ts";

function sinkInto(batches: RawBatch[]): SpanSink {
  return {
    submit: (batch) => void batches.push(batch),
    flush: async () => {},
    close: async () => {},
    counts: () => ({ submitted: 0, dropped: 0, failed: 0 }),
  };
}

const explode = (): never => {
  throw new Error("hostile");
};
const HUGE = "x".repeat(50 * 1024 * 1024);
const HUGE_KEY = { [HUGE.slice(0, 2_000_000)]: 1 };
const BUFFER = new Uint8Array(50 * 1024 * 1024);
const CYCLE: { self?: unknown } = {};
CYCLE.self = [CYCLE];
const { proxy: REVOKED, revoke } = Proxy.revocable({}, {});
revoke();

// By name, because fast-check prints what it generates and would touch the values.
const HOSTILE: { readonly [name: string]: () => unknown } = {
  throwingGetter: () => ({
    get x(): never {
      return explode();
    },
  }),
  throwingProxy: () => new Proxy({}, { get: explode, ownKeys: explode, has: explode, getPrototypeOf: explode }),
  throwingFunction: () => explode,
  revoked: () => REVOKED,
  cycle: () => CYCLE,
  huge: () => HUGE,
  hugeKey: () => HUGE_KEY,
  boxed: () => Object(HUGE),
  buffer: () => BUFFER,
  endless: () => new Array(2 ** 32 - 1),
  bigint: () => 2n ** 4096n,
  symbol: () => Symbol("s"),
  date: () => new Date(Number.NaN),
  map: () => new Map([[1, 2]]),
  nothing: () => undefined,
  null: () => null,
  number: () => Number.NaN,
  text: () => "[object",
  badString: () => ({ toString: explode, valueOf: explode }),
  badIterator: () => ({ [Symbol.iterator]: explode, length: 3 }),
  fine: () => ({ "gen_ai.operation.name": "chat" }),
};
const name = fc.constantFrom(...Object.keys(HOSTILE));
const hostile = (key: string): unknown => HOSTILE[key]?.();

const SPAN_FIELDS = [
  "name",
  "kind",
  "parentSpanContext",
  "parentSpanId",
  "startTime",
  "endTime",
  "status",
  "attributes",
  "events",
  "links",
  "resource",
  "instrumentationScope",
  "spanContext",
] as const;
const LOG_FIELDS = ["hrTime", "spanContext", "eventName", "body", "attributes", "resource", "instrumentationScope"] as const;

const context = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 1 };
const sound = {
  name: "chat",
  kind: 0,
  spanContext: () => context,
  startTime: [1, 0],
  endTime: [2, 0],
  status: { code: 0 },
  attributes: { "gen_ai.operation.name": "chat" },
  events: [],
  links: [],
  resource: { attributes: {} },
};

/** A field is hostile itself, throws when read, or holds a hostile value one level down. */
function withField(target: object, field: string, key: string, how: number): void {
  if (how === 0) Object.defineProperty(target, field, { get: explode, configurable: true, enumerable: true });
  else if (how === 1) Object.defineProperty(target, field, { value: hostile(key), configurable: true, enumerable: true });
  else if (how === 2)
    Object.defineProperty(target, field, { value: { "gen_ai.x": hostile(key), attributes: hostile(key) }, configurable: true });
  else
    Object.defineProperty(target, field, { value: [hostile(key), { name: hostile(key), attributes: hostile(key) }], configurable: true });
}

const changes = (fields: readonly string[]): fc.Arbitrary<[string, string, number][]> =>
  fc.array(fc.tuple(fc.constantFrom(...fields), name, fc.nat(3)), { minLength: 1, maxLength: 4 });

describe("hostile objects", () => {
  test("never throw out of onStart and onEnd, and what is handed on survives the way to another thread", () => {
    const batches: RawBatch[] = [];
    const processor = createSpanProcessor({ sink: sinkInto(batches) });
    fc.assert(
      fc.property(changes(SPAN_FIELDS), (planted) => {
        const span = { ...sound };
        for (const [field, key, how] of planted) withField(span, field, key, how);
        processor.onStart(span, undefined);
        processor.onEnd(span as unknown as SpanLike);
      }),
      { numRuns: 4000 },
    );
    expect(batches.length).toBeGreaterThan(5);
    for (const batch of batches.slice(0, 5)) expect(() => structuredClone({ ...batch, spans: batch.spans.slice(0, 8) })).not.toThrow();
  });

  test("never throw out of onEmit", () => {
    const batches: RawBatch[] = [];
    const processor = createLogRecordProcessor({ sink: sinkInto(batches) });
    fc.assert(
      fc.property(changes(LOG_FIELDS), (planted) => {
        const record = { ...sound, hrTime: [1, 0], spanContext: context, body: "hi" };
        for (const [field, key, how] of planted) withField(record, field, key, how);
        processor.onEmit(record as unknown as LogRecordLike);
      }),
      { numRuns: 4000 },
    );
    expect(batches.length).toBeGreaterThan(5);
  });

  test("that are no objects never throw", () => {
    const spans = createSpanProcessor({ sink: sinkInto([]) });
    const logs = createLogRecordProcessor({ sink: sinkInto([]) });
    for (const key of Object.keys(HOSTILE)) {
      expect(() => spans.onStart(hostile(key), hostile(key))).not.toThrow();
      expect(() => spans.onEnd(hostile(key) as SpanLike)).not.toThrow();
      expect(() => logs.onEmit(hostile(key) as LogRecordLike)).not.toThrow();
    }
  });
});

test("a string of 50 MB is cut without being gone through", () => {
  const batches: RawBatch[] = [];
  const processor = createSpanProcessor({ sink: sinkInto(batches) });
  const span = { ...sound, attributes: { "gen_ai.input.messages": HUGE } };
  const started = performance.now();
  for (let index = 0; index < 64; index++) processor.onEnd(span as unknown as SpanLike);
  expect(performance.now() - started).toBeLessThan(1000);
  expect(String(batches[0]?.spans[0]?.attributes["gen_ai.input.messages"]).length).toBe(1_048_576);
});
