import { LearnError } from "../base/error.ts";
import { assertCount } from "./sign-e-value.ts";

export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

/**
 * Wilson's score interval for a proportion (Wilson 1927, JASA 22:209). `z` is the normal quantile, 1.96 for 95 %.
 * Fixed n, for reports only. [0, 1] when there were no trials.
 */
export function wilson(successes: number, trials: number, z = 1.959963984540054): Interval {
  assertCount(successes, "successes");
  assertCount(trials, "trials");
  if (successes > trials) throw new LearnError("invalid", `${successes} successes in ${trials} trials`);
  if (trials === 0) return { lower: 0, upper: 1 };
  const rate = successes / trials;
  const scale = 1 + (z * z) / trials;
  const centre = (rate + (z * z) / (2 * trials)) / scale;
  const half = (z / scale) * Math.sqrt((rate * (1 - rate)) / trials + (z * z) / (4 * trials * trials));
  // The ends are exact at 0 and all successes; rounding would leave 1e-17 there.
  return { lower: successes === 0 ? 0 : centre - half, upper: successes === trials ? 1 : centre + half };
}
