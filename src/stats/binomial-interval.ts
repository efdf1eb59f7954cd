import { LearnError } from "../base/error.ts";
import { type Interval, logChoose } from "./rate-sequence.ts";
import { assertCount } from "./sign-e-value.ts";

/**
 * The exact interval for a success rate after a fixed number of trials (Clopper & Pearson, Biometrika 26, 1934): the rates at which so many successes or
 * more, and so many or fewer, have a probability of alpha/2 each. For counts that were looked at once; see `rateSequence` for those that are watched.
 */
export function binomialInterval(successes: number, trials: number, alpha: number): Interval {
  assertCount(successes, "successes");
  assertCount(trials, "trials");
  if (successes > trials) throw new LearnError("invalid", `${successes} successes in ${trials} trials`);
  if (!(alpha > 0 && alpha < 1)) throw new LearnError("invalid", `alpha is ${alpha}, it must be between 0 and 1`);
  const lower = successes === 0 ? 0 : solve((rate) => atLeast(successes, trials, rate) >= alpha / 2);
  const upper = successes === trials ? 1 : solve((rate) => 1 - atLeast(successes + 1, trials, rate) < alpha / 2);
  return { lower, upper };
}

/** P(X >= from), X ~ Binomial(trials, rate). */
function atLeast(from: number, trials: number, rate: number): number {
  let sum = 0;
  for (let count = from; count <= trials; count += 1) {
    sum += Math.exp(logChoose(trials, count) + count * Math.log(rate) + (trials - count) * Math.log1p(-rate));
  }
  return Math.min(1, sum);
}

/** The rate in (0, 1) from which on the condition holds. */
function solve(holds: (rate: number) => boolean): number {
  let [below, above] = [0, 1];
  for (let step = 0; step < 60; step += 1) {
    const middle = (below + above) / 2;
    if (holds(middle)) above = middle;
    else below = middle;
  }
  return (below + above) / 2;
}
