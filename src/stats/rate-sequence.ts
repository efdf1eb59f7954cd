import { LearnError } from "../base/error.ts";
import { assertCount } from "./sign-e-value.ts";

export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

/**
 * A confidence sequence for a success rate: with probability 1 - alpha it covers the true rate after every run at once. [0, 1] without runs.
 *
 * For a rate p the Bayes factor of a uniform prior, 1 / ((n+1) C(n,s) p^s (1-p)^(n-s)), is a test martingale from 1 (Robbins 1970, "Statistical methods
 * related to the law of the iterated logarithm"), so { p : factor < 1/alpha } is one. The factor is convex in log, hence an interval by bisection.
 * Assumes one rate for all runs.
 */
export function rateSequence(successes: number, trials: number, alpha: number): Interval {
  assertCount(successes, "successes");
  assertCount(trials, "trials");
  if (successes > trials) throw new LearnError("invalid", `${successes} successes in ${trials} trials`);
  if (!(alpha > 0 && alpha < 1)) throw new LearnError("invalid", `alpha is ${alpha}, it must be between 0 and 1`);
  if (trials === 0) return { lower: 0, upper: 1 };
  const limit = -Math.log(alpha);
  const constant = -Math.log(trials + 1) - logChoose(trials, successes);
  const excluded = (p: number): boolean => constant - term(successes, p) - term(trials - successes, 1 - p) >= limit;
  const rate = successes / trials;
  return { lower: edge(rate, 0, excluded), upper: edge(rate, 1, excluded) };
}

/** log of C(n, k), by the shorter product. */
export function logChoose(n: number, k: number): number {
  let log = 0;
  const smaller = Math.min(k, n - k);
  for (let factor = 1; factor <= smaller; factor += 1) log += Math.log((n - smaller + factor) / factor);
  return log;
}

function edge(inside: number, end: number, excluded: (p: number) => boolean): number {
  if (!excluded(end)) return end;
  let [covered, beyond] = [inside, end];
  for (let round = 0; round < 50; round += 1) {
    const middle = (covered + beyond) / 2;
    if (excluded(middle)) beyond = middle;
    else covered = middle;
  }
  return beyond;
}

function term(count: number, p: number): number {
  return count === 0 ? 0 : count * Math.log(p);
}
