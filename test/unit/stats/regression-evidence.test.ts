import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isOpen, type PairOutcome, regressionEValue, regressionThreshold } from "../../../src/stats/regression-evidence.ts";

const OUTCOMES: readonly PairOutcome[] = ["loss", "tie", "win"];

/** The best expectation that any rule of when to stop can get out of `left` more pairs. */
function bestStopped(seen: readonly PairOutcome[], left: number, chances: readonly number[]): number {
  const here = regressionEValue(seen);
  if (left === 0) return here;
  const on = OUTCOMES.reduce(
    (sum, outcome, index) => sum + (chances[index] as number) * bestStopped([...seen, outcome], left - 1, chances),
    0,
  );
  return Math.max(here, on);
}

describe("the evidence of a regression", () => {
  test("has an expectation of 1 at most for a case that is not worse off, whenever one stops, by the tree of all courses", () => {
    const rate = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(rate, rate, (a, b) => {
        const [without, withItem] = [Math.min(a, b), Math.max(a, b)];
        const loss = without * (1 - withItem);
        const win = withItem * (1 - without);
        expect(bestStopped([], 7, [loss, 1 - loss - win, win])).toBeLessThanOrEqual(1 + 1e-9);
      }),
      { numRuns: 60 },
    );
  });

  // Where a case passes half of the time on both sides nothing is to spare: the bets are fair there.
  test.each([0.01, 0.3, 0.5, 0.7, 0.99])(
    "has an expectation of 1 at most for a case that passes with probability %d on both sides",
    (rate) => {
      const differs = rate * (1 - rate);
      const best = bestStopped([], 7, [differs, 1 - 2 * differs, differs]);
      expect(best).toBeLessThanOrEqual(1 + 1e-9);
      if (rate === 0.5) expect(best).toBeCloseTo(1, 9);
    },
  );

  test("confirms a case that is broken for good after six pairs among a hundred cases, and bears a tie", () => {
    const losses = (count: number): PairOutcome[] => Array.from({ length: count }, () => "loss");
    expect(regressionEValue(losses(5))).toBeLessThan(regressionThreshold(100));
    expect(regressionEValue(losses(6))).toBeGreaterThanOrEqual(regressionThreshold(100));
    expect(regressionEValue([...losses(4), "tie", ...losses(5)])).toBeGreaterThanOrEqual(regressionThreshold(100));
  });

  test("lets go of a case whose loss does not come back, and of one that few runs cannot confirm", () => {
    expect(isOpen(["loss"], 100, 11)).toBe(true);
    expect(isOpen(["loss", "tie"], 100, 10)).toBe(false);
    expect(isOpen(["loss", "loss", "tie"], 100, 9)).toBe(true);
    expect(isOpen(["loss"], 100, 2)).toBe(false);
  });
});
