import { LearnError } from "../base/error.ts";

/**
 * What a stream of scores in [-1, 1] says about the sum of their means, at every moment at once.
 *
 * For a bet b in (-1, 1) and scores Z_i with conditional means M_i given the past, E[1 + b Z_i | past] = 1 + b M_i <= exp(b M_i). So
 *
 *     K_n(b) = product over i of (1 + b Z_i) * exp(-b * sum of M_i)
 *
 * is a test supermartingale from 1, whatever the means are and however they change; and so is its average over bets. By Ville's inequality the
 * average of K_n(b) over b > 0 ever reaches 2/alpha with probability alpha/2 at most, which bounds the sum of the means from below; bets
 * b < 0 bound it from above. At a sum of 0 it is the capital process of Waudby-Smith & Ramdas, "Estimating means of bounded
 * random variables by betting" (JRSS-B 86, 2024), mixed over bets as Robbins (1970) does. The exponential in the place of their 1 + b M_i
 * costs M_i²b²/2, which is nothing beside the noise, and buys two things: the means may differ from run to run (running means, as in
 * Waudby-Smith, Wu, Ramdas, Karampatziakis & Mineiro, "Anytime-valid off-policy inference for contextual bandits", 2024), and one number a bet is
 * all that has to be kept of the past.
 */
export interface BoundedSum {
  /** Takes one score in [-1, 1]. Its mean may depend on the past; its being here must not depend on it. */
  add(score: number): void;
  readonly count: number;
  /** Of the scores. */
  readonly sum: number;
  readonly sumOfSquares: number;
  /** Covers the sum of the conditional means with probability 1 - alpha at all times at once. */
  bounds(alpha: number): { readonly lower: number; readonly upper: number };
  /** Logarithms of the e-values against "no mean is above 0" and "no mean is below 0". */
  logEvidence(): { readonly above: number; readonly below: number };
  /** How many times the present stream has to come again, just like this, until either e-value reaches `1 / level`; Infinity when it never does. */
  repeatsUntil(level: number): number;
}

/**
 * The best bet on a mean is mean / variance: 0.01 fits a difference of half a point, 0.96 one of twenty points and more. The weights say what is
 * likely: an item worth its place in a prompt moves some five to twenty points.
 */
const BETS: readonly number[] = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 0.96];
const WEIGHTS: readonly number[] = [0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.2, 0.1];

export function createBoundedSum(): BoundedSum {
  const above = new Float64Array(BETS.length);
  const below = new Float64Array(BETS.length);
  // Capital since it was last turned into logarithms: a product is cheaper than a logarithm a bet, and 32 factors from 0.04 up stay far from 0.
  const [newAbove, newBelow] = [new Float64Array(BETS.length).fill(1), new Float64Array(BETS.length).fill(1)];
  let [count, sum, sumOfSquares, pending] = [0, 0, 0, 0];
  const settle = (): void => {
    if (pending === 0) return;
    for (let index = 0; index < BETS.length; index += 1) {
      above[index] = (above[index] as number) + Math.log(newAbove[index] as number);
      below[index] = (below[index] as number) + Math.log(newBelow[index] as number);
    }
    newAbove.fill(1);
    newBelow.fill(1);
    pending = 0;
  };
  return {
    add(score) {
      if (!(Math.abs(score) <= 1)) throw new LearnError("invalid", `a score is ${score}, it must be from -1 to 1`);
      count += 1;
      sum += score;
      sumOfSquares += score * score;
      for (let index = 0; index < BETS.length; index += 1) {
        const stake = (BETS[index] as number) * score;
        newAbove[index] = (newAbove[index] as number) * (1 + stake);
        newBelow[index] = (newBelow[index] as number) * (1 - stake);
      }
      pending += 1;
      if (pending === 32) settle();
    },
    get count() {
      return count;
    },
    get sum() {
      return sum;
    },
    get sumOfSquares() {
      return sumOfSquares;
    },
    bounds(alpha) {
      assertLevel(alpha, "alpha");
      settle();
      return { lower: leastSum(above, alpha / 2, count), upper: -leastSum(below, alpha / 2, count) };
    },
    logEvidence() {
      settle();
      return { above: logMixture(above, 0, 1), below: logMixture(below, 0, 1) };
    },
    repeatsUntil(level) {
      assertLevel(level, "level");
      settle();
      return Math.min(repeats(above, level), repeats(below, level));
    },
  };
}

/** The sum at which the mixture is worth 1/level: it falls as the sum grows. Every sum of `count` means lies within ±count. */
function leastSum(logs: Float64Array, level: number, count: number): number {
  const limit = -Math.log(level);
  let [excluded, covered] = [-count, count];
  if (logMixture(logs, excluded, 1) < limit) return excluded;
  for (let round = 0; round < 60; round += 1) {
    const middle = (excluded + covered) / 2;
    if (logMixture(logs, middle, 1) >= limit) excluded = middle;
    else covered = middle;
  }
  // The excluded side: rounding may widen the interval, never narrow it.
  return excluded;
}

function repeats(logs: Float64Array, level: number): number {
  const limit = -Math.log(level);
  if (!logs.some((log) => log > 0)) return Number.POSITIVE_INFINITY;
  let [few, many] = [0, 1];
  while (logMixture(logs, 0, many) < limit) [few, many] = [many, many * 2];
  for (let round = 0; round < 40; round += 1) {
    const middle = (few + many) / 2;
    if (logMixture(logs, 0, middle) < limit) few = middle;
    else many = middle;
  }
  return many;
}

/** log of the weighted mean of exp(times * log_j - bet_j * sum), without overflow. */
function logMixture(logs: Float64Array, sum: number, times: number): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < BETS.length; index += 1) highest = Math.max(highest, exponent(logs, index, sum, times));
  let total = 0;
  for (let index = 0; index < BETS.length; index += 1)
    total += (WEIGHTS[index] as number) * Math.exp(exponent(logs, index, sum, times) - highest);
  return highest + Math.log(total);
}

function exponent(logs: Float64Array, index: number, sum: number, times: number): number {
  return times * (logs[index] as number) - (BETS[index] as number) * sum;
}

function assertLevel(value: number, what: string): void {
  if (!(value > 0 && value < 1)) throw new LearnError("invalid", `${what} is ${value}, it must be between 0 and 1`);
}
