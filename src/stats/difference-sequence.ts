import { LearnError } from "../base/error.ts";
import { assertCount } from "./sign-e-value.ts";
import type { Interval } from "./wilson.ts";

export interface Arm {
  readonly successes: number;
  readonly trials: number;
}

/**
 * A confidence sequence for the difference of two success rates, `treated` minus `control`: with probability 1 - alpha it covers the
 * true difference at every moment at once, so it may be looked at after every run. [-1, 1] when nothing is known.
 *
 * For one arm with success rate p, the Bayes factor of a uniform prior against p, 1 / ((n+1) C(n,s) p^s (1-p)^(n-s)), is a test
 * martingale that starts at 1 (Robbins 1970, "Statistical methods related to the law of the iterated logarithm"). The product
 * over both arms is one too, whichever arm each next run is drawn into, so { (p, q) : product < 1/alpha } is a confidence sequence for the pair
 * (Ville's inequality), and the range of p - q over it is one for the difference. The logarithm of the product is convex in (p, q); hence the range is an
 * interval, its ends are found by bisection on the profile. Refused: a sequence per arm at alpha/2 each; its box is wider.
 *
 * Assumes that runs within an arm succeed with one rate. The arm must be drawn at random, with a probability that does not change.
 */
export function differenceSequence(treated: Arm, control: Arm, alpha: number): Interval {
  for (const [name, arm] of [
    ["treated", treated],
    ["control", control],
  ] as const) {
    assertCount(arm.successes, `${name} successes`);
    assertCount(arm.trials, `${name} trials`);
    if (arm.successes > arm.trials) throw new LearnError("invalid", `${name}: ${arm.successes} successes in ${arm.trials} trials`);
  }
  if (!(alpha > 0 && alpha < 1)) throw new LearnError("invalid", `alpha is ${alpha}, it must be between 0 and 1`);
  const limit = -Math.log(alpha);
  const constant = logMixture(treated) + logMixture(control);
  const excluded = (difference: number): boolean => constant + leastCost(treated, control, difference) >= limit;
  const observed = rate(treated) - rate(control);
  return { lower: edge(observed, -1, excluded), upper: edge(observed, 1, excluded) };
}

/** The outermost difference between `inside` (never excluded) and `end` that is still covered. */
function edge(inside: number, end: number, excluded: (difference: number) => boolean): number {
  if (!excluded(end)) return end;
  let [covered, beyond] = [inside, end];
  for (let round = 0; round < 40; round += 1) {
    const middle = (covered + beyond) / 2;
    if (excluded(middle)) beyond = middle;
    else covered = middle;
  }
  // The excluded side of the last bracket: rounding may widen the interval, never narrow it.
  return beyond;
}

/** The least -log likelihood over all (p, p - difference). Convex in p, so a golden-section search finds it. */
function leastCost(treated: Arm, control: Arm, difference: number): number {
  let low = Math.max(0, difference);
  let high = Math.min(1, 1 + difference);
  const cost = (p: number): number => negativeLogLikelihood(treated, p) + negativeLogLikelihood(control, p - difference);
  const ratio = (Math.sqrt(5) - 1) / 2;
  let least = Math.min(cost(low), cost(high));
  for (let round = 0; round < 48; round += 1) {
    const left = high - ratio * (high - low);
    const right = low + ratio * (high - low);
    const [costLeft, costRight] = [cost(left), cost(right)];
    least = Math.min(least, costLeft, costRight);
    if (costLeft <= costRight) high = right;
    else low = left;
  }
  return least;
}

function negativeLogLikelihood(arm: Arm, probability: number): number {
  const p = Math.min(1, Math.max(0, probability));
  const failures = arm.trials - arm.successes;
  return -(arm.successes === 0 ? 0 : arm.successes * Math.log(p)) - (failures === 0 ? 0 : failures * Math.log1p(-p));
}

/** log of the likelihood averaged over a uniform prior, without the order: -log((n+1) C(n, s)). */
function logMixture(arm: Arm): number {
  let log = -Math.log(arm.trials + 1);
  const smaller = Math.min(arm.successes, arm.trials - arm.successes);
  for (let factor = 1; factor <= smaller; factor += 1) log -= Math.log((arm.trials - smaller + factor) / factor);
  return log;
}

/** Laplace's estimate would not do here: the inside point must have the highest likelihood, so that it is never excluded. */
function rate(arm: Arm): number {
  return arm.trials === 0 ? 0.5 : arm.successes / arm.trials;
}
