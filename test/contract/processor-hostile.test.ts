import { serialize } from "node:v8";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SpanSink } from "../../src/span/ports.ts";
import { createLogRecordProcessor, createSpanProcessor } from "../../src/span/processor.ts";
import type { RawBatch } from "../../src/span/raw-span.ts";
import type { LogRecordLike, SpanLike } from "../../src/span/sdk-shapes.ts";
// biome-ignore lint/correctness/useImportExtensions: the rule takes the declarations beside the file for the file
import * as hostile from "../support/hostile.mjs";

const { made, soundLog, soundSpan } = hostile;

function sinkInto(batches: RawBatch[]): SpanSink {
  return {
    submit: (batch) => void batches.push(batch),
    flush: async () => {},
    close: async () => {},
    counts: () => ({ submitted: 0, dropped: 0, failed: 0 }),
  };
}

// By name, because fast-check prints what it generates and would touch the values.
const changes = (fields: readonly string[]): fc.Arbitrary<[string, string, number][]> =>
  fc.array(fc.tuple(fc.constantFrom(...fields), fc.constantFrom(...hostile.LIGHT_NAMES), fc.nat(hostile.PLANTING_COUNT - 1)), {
    minLength: 1,
    maxLength: 4,
  });
const wrapping = fc.constantFrom(...hostile.WRAPPING_NAMES);
const context = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 1 };

/** What a batch goes through on its way to the writer thread. */
const survives = (batch: RawBatch): void => void structuredClone(batch);

describe("hostile objects", () => {
  test("never throw out of onStart and onEnd, and what is handed on survives the way to another thread", () => {
    const batches: RawBatch[] = [];
    const processor = createSpanProcessor({ sink: sinkInto(batches) });
    fc.assert(
      fc.property(changes(hostile.SPAN_FIELDS), wrapping, (planted, how) => {
        const span = made(soundSpan(context), planted, how);
        processor.onStart(span, undefined);
        processor.onEnd(span as SpanLike);
      }),
      { numRuns: 4000 },
    );
    expect(batches.length).toBeGreaterThan(5);
    for (const batch of batches) expect(() => survives(batch)).not.toThrow();
  });

  test("never throw out of onEmit", () => {
    const batches: RawBatch[] = [];
    const processor = createLogRecordProcessor({ sink: sinkInto(batches) });
    fc.assert(
      fc.property(changes(hostile.LOG_FIELDS), wrapping, (planted, how) =>
        processor.onEmit(made(soundLog(context), planted, how) as LogRecordLike),
      ),
      { numRuns: 4000 },
    );
    expect(batches.length).toBeGreaterThan(5);
    for (const batch of batches) expect(() => survives(batch)).not.toThrow();
  });

  test.each(hostile.HEAVY_NAMES)("of kind %s never throw either, in any field", async (name) => {
    const batches: RawBatch[] = [];
    const spans = createSpanProcessor({ sink: sinkInto(batches) });
    const logs = createLogRecordProcessor({ sink: sinkInto(batches) });
    for (const field of hostile.SPAN_FIELDS) spans.onEnd(made(soundSpan(context), [[field, name, 1]]) as SpanLike);
    for (const field of hostile.LOG_FIELDS) logs.onEmit(made(soundLog(context), [[field, name, 1]]) as LogRecordLike);
    await Promise.all([spans.forceFlush(), logs.forceFlush()]);
    for (const batch of batches) expect(() => survives(batch)).not.toThrow();
  });

  test("that are no objects never throw", () => {
    const spans = createSpanProcessor({ sink: sinkInto([]) });
    const logs = createLogRecordProcessor({ sink: sinkInto([]) });
    for (const name of hostile.VALUE_NAMES) {
      expect(() => spans.onStart(hostile.value(name), hostile.value(name))).not.toThrow();
      expect(() => spans.onEnd(hostile.value(name) as SpanLike)).not.toThrow();
      expect(() => logs.onEmit(hostile.value(name) as LogRecordLike)).not.toThrow();
    }
  });

  test("never come as part of a batch that is too large for the queue", () => {
    const batches: RawBatch[] = [];
    const processor = createSpanProcessor({ sink: sinkInto(batches) });
    // 64 attributes of 10 MB, as spans with a photograph or a whole repository in each argument would be: their neighbours must not pay for them.
    for (let index = 0; index < 64; index++) {
      processor.onEnd(made(soundSpan(context), index % 8 === 0 ? [["attributes", "manyTenMegabytes", 1]] : []) as SpanLike);
    }
    expect(batches.length).toBeGreaterThan(1);
    for (const batch of batches) expect(serialize(batch).byteLength).toBeLessThan(12 * 1024 * 1024);
  });
});

test("a string of 50 MB is cut without being gone through", () => {
  const batches: RawBatch[] = [];
  const processor = createSpanProcessor({ sink: sinkInto(batches) });
  const attributes = { "gen_ai.input.messages": hostile.value("huge") };
  const span = { ...soundSpan(context), attributes };
  const started = performance.now();
  for (let index = 0; index < 64; index++) processor.onEnd(span as unknown as SpanLike);
  expect(performance.now() - started).toBeLessThan(1000);
  expect(String(batches[0]?.spans[0]?.attributes["gen_ai.input.messages"]).length).toBe(1_048_576);
});
