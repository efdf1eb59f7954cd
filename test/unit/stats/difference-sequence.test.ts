import { describe, expect, test } from "vitest";
import { type Arm, differenceSequence } from "../../../src/stats/difference-sequence.ts";
import { seededRandom } from "../../support/seeded-random.ts";

/** The range of p - q over a fine grid of the region, with likelihoods averaged by brute force. */
function byGrid(treated: Arm, control: Arm, alpha: number): { lower: number; upper: number } {
  const steps = 400;
  const likelihood = (arm: Arm, p: number): number => p ** arm.successes * (1 - p) ** (arm.trials - arm.successes);
  const average = (arm: Arm): number => {
    const fine = 20_000;
    let sum = 0;
    for (let index = 0; index < fine; index += 1) sum += likelihood(arm, (index + 0.5) / fine);
    return sum / fine;
  };
  const [top, bottom] = [average(treated), average(control)];
  let [lower, upper] = [1, -1];
  for (let i = 0; i <= steps; i += 1) {
    for (let j = 0; j <= steps; j += 1) {
      const [p, q] = [i / steps, j / steps];
      if (((top / likelihood(treated, p)) * bottom) / likelihood(control, q) >= 1 / alpha) continue;
      lower = Math.min(lower, p - q);
      upper = Math.max(upper, p - q);
    }
  }
  return { lower, upper };
}

describe("differenceSequence", () => {
  test("is the range of the region that a brute-force grid finds", () => {
    for (const [treated, control] of [
      [
        { successes: 18, trials: 20 },
        { successes: 6, trials: 20 },
      ],
      [
        { successes: 30, trials: 60 },
        { successes: 3, trials: 5 },
      ],
      [
        { successes: 0, trials: 12 },
        { successes: 10, trials: 10 },
      ],
    ] as const) {
      const found = differenceSequence(treated, control, 0.05);
      const grid = byGrid(treated, control, 0.05);
      expect(Math.abs(found.lower - grid.lower)).toBeLessThan(0.006);
      expect(Math.abs(found.upper - grid.upper)).toBeLessThan(0.006);
    }
  });

  test("knows nothing before the first run", () => {
    expect(differenceSequence({ successes: 0, trials: 0 }, { successes: 0, trials: 0 }, 0.05)).toEqual({ lower: -1, upper: 1 });
  });

  test("turns around when the arms change places", () => {
    const [a, b] = [
      { successes: 40, trials: 50 },
      { successes: 9, trials: 30 },
    ];
    const there = differenceSequence(a, b, 0.05);
    const back = differenceSequence(b, a, 0.05);
    expect(there.lower).toBeCloseTo(-back.upper, 6);
    expect(there.upper).toBeCloseTo(-back.lower, 6);
  });

  test("finds a real difference with thousands of runs and stays finite", () => {
    const { lower, upper } = differenceSequence({ successes: 81_000, trials: 90_000 }, { successes: 8_000, trials: 10_000 }, 0.05);
    expect(lower).toBeGreaterThan(0.07);
    expect(upper).toBeLessThan(0.13);
  });

  test("excludes 0 for fewer than 5 % of streams without effect although it is looked at after every twentieth run", () => {
    const random = seededRandom(7);
    const streams = 300;
    let wrong = 0;
    for (let stream = 0; stream < streams; stream += 1) {
      const arms = { given: { successes: 0, trials: 0 }, withheld: { successes: 0, trials: 0 } };
      for (let run = 1; run <= 200; run += 1) {
        const arm = random() < 0.3 ? arms.withheld : arms.given;
        arm.trials += 1;
        if (random() < 0.6) arm.successes += 1;
        if (run % 20 !== 0) continue;
        const { lower, upper } = differenceSequence(arms.given, arms.withheld, 0.05);
        if (lower > 0 || upper < 0) {
          wrong += 1;
          break;
        }
      }
    }
    expect(wrong / streams).toBeLessThan(0.05);
  });

  test("refuses more successes than trials", () => {
    expect(() => differenceSequence({ successes: 2, trials: 1 }, { successes: 0, trials: 0 }, 0.05)).toThrow(
      "treated: 2 successes in 1 trials",
    );
  });
});
