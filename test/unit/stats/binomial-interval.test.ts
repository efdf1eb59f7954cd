import { describe, expect, test } from "vitest";
import { binomialInterval } from "../../../src/stats/binomial-interval.ts";

describe("binomialInterval", () => {
  // Closed forms: 0 of n ends at 1 - (alpha/2)^(1/n), and so does n of n begin.
  test.each([5, 20, 100])("is the closed form where nothing or everything succeeded in %i trials", (trials) => {
    expect(binomialInterval(0, trials, 0.05)).toEqual({ lower: 0, upper: expect.closeTo(1 - 0.025 ** (1 / trials), 9) });
    expect(binomialInterval(trials, trials, 0.05)).toEqual({ lower: expect.closeTo(0.025 ** (1 / trials), 9), upper: 1 });
  });

  test("has the ends of printed tables", () => {
    const { lower, upper } = binomialInterval(3, 20, 0.05);
    expect(lower).toBeCloseTo(0.0321, 4);
    expect(upper).toBeCloseTo(0.3789, 4);
  });

  test("refuses what cannot be", () => {
    expect(() => binomialInterval(3, 2, 0.05)).toThrow("3 successes in 2 trials");
  });
});
