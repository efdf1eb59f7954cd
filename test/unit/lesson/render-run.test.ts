import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutText, textSize } from "../../../src/base/cut-text.ts";
import { estimateTokens, renderRun } from "../../../src/lesson/render-run.ts";
import type { Step } from "../../../src/trace/trace.ts";
import { aStep, aTrace } from "../trace-factory.ts";

const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 400 }),
  fc.integer({ min: 0, max: 3_000 }).map((length) => "word ".repeat(length)),
  fc.integer({ min: 0, max: 900 }).map((length) => "錯誤".repeat(length)),
);
const step: fc.Arbitrary<Step> = fc
  .record({
    kind: fc.constantFrom("llm", "tool", "retrieval"),
    name: fc.string({ minLength: 1, maxLength: 120 }),
    input: text,
    output: text,
    fails: fc.boolean(),
    message: text,
  })
  .map(({ fails, message, ...rest }) => aStep({ ...rest, ...(fails ? { error: { message } } : {}) } as Partial<Step>));
const run = fc.record({ task: text, output: text, steps: fc.array(step, { maxLength: 60 }) }).map((parts) => ({ trace: aTrace(parts) }));
const failingOf = ({ trace }: { readonly trace: { readonly steps: readonly Step[] } }): readonly number[] =>
  trace.steps.filter(({ error }) => error !== undefined).map(({ seq }) => seq);

describe("a run cut to a budget", () => {
  test("never takes more tokens than it may, and is the same every time", () => {
    fc.assert(
      fc.property(run, fc.integer({ min: 100, max: 4_000 }), (judged, maxTokens) => {
        const rendered = renderRun(judged, maxTokens);
        expect(estimateTokens(rendered.text)).toBeLessThanOrEqual(maxTokens);
        expect(renderRun(judged, maxTokens)).toEqual(rendered);
      }),
    );
  });

  test("holds every failing step as long as there is room for the least of each", () => {
    fc.assert(
      fc.property(run, fc.integer({ min: 100, max: 4_000 }), (judged, maxTokens) => {
        const failing = failingOf(judged);
        // 3/8 of the budget and some labels at most go to the head; three quarters of the rest to failing steps, 190 each.
        fc.pre(failing.length * 190 * (4 / 3) <= maxTokens * 3.5 * (5 / 8) - 120);
        expect(renderRun(judged, maxTokens).steps).toEqual(expect.arrayContaining([...failing]));
      }),
    );
  });

  // 40 failing calls with long errors: the first ones took all the room, and the last, which ended the run, was left out.
  test("cuts many long failures shorter instead of dropping some", () => {
    const steps = Array.from({ length: 40 }, (_, index) =>
      aStep({ kind: "tool", name: "run_sql", error: { message: `fault ${index}: ${"x".repeat(5_000)}` } }),
    );
    const { text: shown, steps: kept } = renderRun({ trace: aTrace({ steps }) }, 4_000);
    expect(kept).toHaveLength(40);
    expect(shown).toContain("error: fault 39:");
  });

  test("drops failures from the middle when there is no room for all, and says so", () => {
    const steps = Array.from({ length: 200 }, (_, index) =>
      aStep({ kind: "tool", name: "run_sql", error: { message: `fault ${index} ${"x".repeat(300)}` } }),
    );
    const { text: shown, steps: kept } = renderRun({ trace: aTrace({ steps }) }, 1_000);
    expect([kept[0], kept.at(-1), kept.includes(100)]).toEqual([0, 199, false]);
    expect(shown).toMatch(/\(\d+ steps left out\)/);
  });

  test("keeps nearer neighbours before farther ones of the same size", () => {
    const steps = Array.from({ length: 101 }, (_, index) =>
      aStep({ kind: "tool", name: "t", input: "x".repeat(300), ...(index === 50 ? { error: { message: "boom" } } : {}) }),
    );
    const kept = renderRun({ trace: aTrace({ steps }) }, 1_500).steps.filter((seq) => seq !== 0 && seq !== 100);
    expect(kept.length).toBeGreaterThan(5);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => (kept[0] ?? 0) + index));
    expect(Math.abs(50 - (kept[0] ?? 0) - ((kept.at(-1) ?? 0) - 50))).toBeLessThanOrEqual(1);
  });
});

test("a cut text keeps both ends, splits no character and stays within its size", () => {
  expect(cutText(`begin${"x".repeat(1_000)}end`, 40)).toMatch(/^beginx+ \.\.\. x+end$/);
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), fc.integer({ min: 0, max: 200 }), (long, size) => {
      const cut = cutText(long, size);
      expect(textSize(cut)).toBeLessThanOrEqual(size);
      expect(cut).not.toMatch(/\p{Cs}/u);
    }),
  );
});
