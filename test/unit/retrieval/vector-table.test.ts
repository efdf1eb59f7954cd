import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DOT_MODULE } from "../../../src/retrieval/dot-module.ts";
import { createDotScanner, type DotScanner } from "../../../src/retrieval/dot-scanner.ts";
import { createVectorTable } from "../../../src/retrieval/vector-table.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const everything = (): boolean => true;

function unit(values: readonly number[]): Float32Array {
  const length = Math.hypot(...values);
  return Float32Array.from(values, (value) => (length === 0 ? 0 : value / length));
}

function aVector(random: () => number, dimensions: number): Float32Array {
  return unit(Array.from({ length: dimensions }, () => random() + random() + random() - 1.5));
}

const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);

test("the committed module is what its source makes", () => {
  const assembled = execFileSync(process.execPath, ["scripts/dot-module.mjs", "--print"], { encoding: "utf8" });
  expect(assembled.trim()).toBe(DOT_MODULE);
});

test("this machine scans with SIMD", () => {
  expect(createDotScanner().kind).toBe("simd");
});

test("SIMD reckons what plain JavaScript does", () => {
  const lanes = fc.integer({ min: 1, max: 6 });
  const input = lanes.chain((count) =>
    fc.record({
      query: fc.array(fc.integer({ min: -2_047, max: 2_047 }), { minLength: 16 * count, maxLength: 16 * count }),
      rows: fc.array(fc.array(fc.integer({ min: -128, max: 127 }), { minLength: 16 * count, maxLength: 16 * count }), { maxLength: 9 }),
      scales: fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 9, maxLength: 9 }),
    }),
  );
  const run = (scanner: DotScanner, { query, rows, scales }: { query: number[]; rows: number[][]; scales: number[] }): number[] => {
    const width = query.length;
    // As many as are scanned at a time; the others must not be in the way of what comes behind.
    const places = Math.ceil(rows.length / 4) * 4;
    const [vectors, scalesAt] = [2 * width, 2 * width + places * width];
    scanner.grow(100_000);
    new Int16Array(scanner.buffer(), 0, width).set(query);
    new Int8Array(scanner.buffer(), vectors, rows.length * width).set(rows.flat());
    new Float32Array(scanner.buffer(), scalesAt, rows.length).set(scales.slice(0, rows.length));
    scanner.scan(0, vectors, scalesAt, 90_000, rows.length, width);
    return [...new Float32Array(scanner.buffer(), 90_000, rows.length)];
  };
  fc.assert(
    fc.property(input, (given) => {
      expect(run(createDotScanner(), given)).toEqual(run(createDotScanner("plain"), given));
    }),
  );
});

test("SIMD weighs as plain JavaScript does, and finds what is above", () => {
  const float = fc.float({ min: -1, max: 1, noNaN: true });
  const input = fc.integer({ min: 1, max: 6 }).chain((count) =>
    fc.record({
      query: fc.array(float, { minLength: 8 * count, maxLength: 8 * count }),
      numbers: fc.array(fc.integer({ min: -32_768, max: 32_767 }), { minLength: 8 * count, maxLength: 8 * count }),
      from: fc.integer({ min: 0, max: 50 }),
      least: fc.oneof(float, fc.constant(Number.NEGATIVE_INFINITY)),
    }),
  );
  fc.assert(
    fc.property(input, ({ query, numbers, from, least }) => {
      const [simd, plain] = [createDotScanner(), createDotScanner("plain")].map((scanner) => {
        new Float32Array(scanner.buffer(), 64, query.length).set(query);
        new Int16Array(scanner.buffer(), 1_024, numbers.length).set(numbers);
        return [scanner.weigh(64, 1_024, query.length), scanner.above(64, from, query.length, Math.fround(least))];
      }) as [number[], number[]];
      // 32-bit sums of products as large as 32,768.
      expect(simd[0]).toBeCloseTo(plain[0] ?? Number.NaN, -1);
      expect(simd[1]).toBe(Math.max(from, plain[1] ?? -1));
    }),
  );
});

describe.each(["simd", "plain"] as const)("the table, %s", (kind) => {
  const scanner = (): DotScanner => createDotScanner(kind === "plain" ? "plain" : undefined);

  test.each([3, 16, 100])("finds what an exact search finds, %d numbers a vector", (dimensions) => {
    const random = seededRandom(dimensions);
    const table = createVectorTable(dimensions, scanner());
    const vectors = Array.from({ length: 5_000 }, () => aVector(random, dimensions));
    for (const [slot, vector] of vectors.entries()) table.set(slot, vector);
    let shared = 0;
    for (let round = 0; round < 20; round += 1) {
      const query = aVector(random, dimensions);
      const exact = vectors.map((vector, slot) => ({ slot, score: dot(query, vector) })).filter(({ slot }) => slot % 2 === 0);
      exact.sort((a, b) => b.score - a.score);
      const found = table.best(query, 10, (slot) => slot % 2 === 0);
      shared += found.filter(({ slot }) => exact.slice(0, 10).some((other) => other.slot === slot)).length;
      expect(found[0]?.score).toBeCloseTo(exact[0]?.score ?? 0, 3);
    }
    expect(shared).toBeGreaterThanOrEqual(198);
  });

  test("forgets, replaces, and never finds a vector of zeros", () => {
    const table = createVectorTable(2, scanner());
    table.set(0, unit([1, 0]));
    table.set(1, unit([0, 1]));
    table.set(9_000, unit([1, 1]));
    table.set(2, new Float32Array(2));
    const slots = () => table.best(unit([1, 0.1]), 5, everything).map(({ slot }) => slot);
    expect([slots(), table.size()]).toEqual([[0, 9_000, 1], 3]);
    table.clear(0);
    table.set(1, unit([1, 0]));
    expect([slots(), table.size(), table.cosine(unit([1, 0]), 0), table.cosine(unit([1, 0]), 2)]).toEqual([
      [1, 9_000],
      2,
      undefined,
      undefined,
    ]);
    expect(table.best(new Float32Array(2), 5, everything)).toEqual([]);
  });
});
