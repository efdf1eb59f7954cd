import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eLondLevel } from "../../../src/stats/online-level.ts";
import { signTest } from "../../../src/stats/sign-test.ts";

/** Exact P(X >= wins) out of whole numbers. */
function exactTail(wins: number, losses: number): number {
  const n = wins + losses;
  let coefficient = 1n;
  let tail = 0n;
  for (let k = 0; k <= n; k += 1) {
    if (k >= wins) tail += coefficient;
    coefficient = (coefficient * BigInt(n - k)) / BigInt(k + 1);
  }
  return Number((tail * 10n ** 40n) / 2n ** BigInt(n)) / 1e40;
}

describe("signTest", () => {
  test("is the exact binomial tail", () => {
    fc.assert(
      fc.property(fc.nat(120), fc.nat(120), (wins, losses) => {
        const exact = exactTail(wins, losses);
        expect(Math.abs(signTest(wins, losses) - exact)).toBeLessThanOrEqual(1e-10 * exact + 1e-30);
      }),
    );
  });

  test("stays exact for thousands of pairs", () => {
    expect(signTest(2_600, 2_400) / exactTail(2_600, 2_400)).toBeCloseTo(1, 8);
  });

  test("is 1 when nothing differs", () => {
    expect(signTest(0, 0)).toBe(1);
  });

  test.each([
    [5, 0, 1 / 32],
    [9, 1, 11 / 1024],
    [0, 3, 1],
    [1, 1, 3 / 4],
  ])("is the textbook value for %i wins and %i losses", (wins, losses, expected) => {
    expect(signTest(wins, losses)).toBeCloseTo(expected, 12);
  });
});

describe("eLondLevel", () => {
  test("hands out the whole budget and no more over an endless stream", () => {
    let spent = 0;
    for (let position = 1; position <= 100_000; position += 1) spent += eLondLevel(0.05, position, 0);
    expect(spent).toBeLessThan(0.05);
    expect(spent).toBeGreaterThan(0.0499);
  });

  test("gives a test more when earlier ones passed", () => {
    expect(eLondLevel(0.05, 4, 2)).toBeCloseTo(3 * eLondLevel(0.05, 4, 0), 15);
  });

  test.each([
    [0, 1, 0],
    [1, 1, 0],
    [0.05, 0, 0],
    [0.05, 2, 2],
    [0.05, 2, -1],
  ])("refuses alpha %d at position %i after %i passes", (alpha, position, passed) => {
    expect(() => eLondLevel(alpha, position, passed)).toThrow();
  });
});
