import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { minimumWins } from "../../../src/stats/minimum-wins.ts";
import { signEValue } from "../../../src/stats/sign-e-value.ts";
import { seededRandom } from "../../support/seeded-random.ts";

/** Simpson's rule on the definition, which shares nothing with the closed form under test. */
function byQuadrature(wins: number, losses: number): number {
  const steps = 20_000;
  const f = (p: number): number => (2 * p) ** wins * (2 * (1 - p)) ** losses;
  let sum = f(0.5) + f(1);
  for (let index = 1; index < steps; index += 1) sum += (index % 2 === 1 ? 4 : 2) * f(0.5 + index / (2 * steps));
  return (2 * sum) / (6 * steps);
}

/** Exact rational value of 2^(N) * w! l! / N! * P(Binomial(N, 1/2) <= w), N = w + l + 1. */
function byBigIntegers(wins: number, losses: number): number {
  const n = BigInt(wins + losses + 1);
  let row = 1n;
  let tail = 0n;
  let atWins = 1n;
  for (let k = 0n; k <= BigInt(wins); k += 1n) {
    tail += row;
    atWins = row;
    row = (row * (n - k)) / (k + 1n);
  }
  return Number((tail * 10n ** 30n) / (atWins * BigInt(losses + 1))) / 1e30;
}

describe("signEValue", () => {
  test.each([
    [0, 0, 1],
    [1, 0, 1.5],
    [0, 1, 0.5],
    [1, 1, 2 / 3],
    [2, 0, 7 / 3],
    [5, 0, 63 / 6],
  ])("is the integral worked out by hand for %i wins and %i losses", (wins, losses, expected) => {
    expect(signEValue(wins, losses)).toBeCloseTo(expected, 12);
  });

  test("agrees with numeric quadrature of its definition", () => {
    for (const [wins, losses] of [
      [3, 1],
      [10, 4],
      [4, 10],
      [40, 12],
      [12, 40],
      [100, 90],
    ] as const) {
      expect(signEValue(wins, losses) / byQuadrature(wins, losses)).toBeCloseTo(1, 7);
    }
  });

  test("agrees with exact integers also for thousands of pairs", () => {
    for (const [wins, losses] of [
      [200, 200],
      [600, 400],
      [400, 600],
      [5_000, 5_000],
      [5_200, 4_800],
      [0, 10_000],
    ] as const) {
      expect(signEValue(wins, losses) / byBigIntegers(wins, losses)).toBeCloseTo(1, 9);
    }
  });

  test("stays a finite positive number up to 10,000 pairs", () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.double({ min: 0, max: 1, noNaN: true }), (pairs, share) => {
        const wins = Math.round(pairs * share);
        const value = signEValue(wins, pairs - wins);
        expect(Number.isFinite(value) && value > 0).toBe(true);
      }),
      { numRuns: 100 },
    );
    expect(signEValue(10_000, 0)).toBe(Number.MAX_VALUE);
  });

  test("rises with a win and falls with a loss", () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), (wins, losses) => {
        const here = signEValue(wins, losses);
        expect(signEValue(wins + 1, losses)).toBeGreaterThan(here);
        expect(signEValue(wins, losses + 1)).toBeLessThan(here);
      }),
    );
  });

  test("has expectation 1 at a fair coin after any number of pairs", () => {
    for (const pairs of [1, 2, 7, 30]) {
      let expectation = 0;
      let weight = 0.5 ** pairs;
      for (let wins = 0; wins <= pairs; wins += 1) {
        expectation += weight * signEValue(wins, pairs - wins);
        weight *= (pairs - wins) / (wins + 1);
      }
      expect(expectation).toBeCloseTo(1, 10);
    }
  });

  test("reaches 20 for fewer than 5 % of fair streams although it is looked at after every pair", () => {
    const random = seededRandom(20_261_122);
    const streams = 4_000;
    let crossed = 0;
    for (let stream = 0; stream < streams; stream += 1) {
      let [wins, losses] = [0, 0];
      for (let pair = 0; pair < 150; pair += 1) {
        if (random() < 0.5) wins += 1;
        else losses += 1;
        if (signEValue(wins, losses) >= 20) {
          crossed += 1;
          break;
        }
      }
    }
    expect(crossed / streams).toBeLessThan(0.05);
    // A guard that never fires would pass too: some fair streams do cross.
    expect(crossed).toBeGreaterThan(0);
  });

  test("refuses what is not a count", () => {
    expect(() => signEValue(-1, 0)).toThrow("wins is -1");
    expect(() => signEValue(0, 1.5)).toThrow("losses is 1.5");
  });
});

describe("minimumWins", () => {
  test.each([
    [1, 0],
    [1.5, 1],
    [20, 7],
    [33, 8],
    [132, 10],
  ])("needs for a threshold of %d exactly %i wins", (threshold, wins) => {
    expect(minimumWins(threshold)).toBe(wins);
  });

  test("is the first count that reaches the threshold", () => {
    fc.assert(
      fc.property(fc.double({ min: 1.1, max: 1e12, noNaN: true }), (threshold) => {
        const wins = minimumWins(threshold);
        expect(signEValue(wins, 0)).toBeGreaterThanOrEqual(threshold);
        expect(signEValue(wins - 1, 0)).toBeLessThan(threshold);
      }),
    );
  });

  test("refuses a threshold that no count reaches", () => {
    expect(() => minimumWins(Number.POSITIVE_INFINITY)).toThrow("threshold");
  });
});
