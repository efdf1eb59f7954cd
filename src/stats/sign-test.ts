import { assertCount } from "./sign-e-value.ts";

/**
 * Exact one-sided p-value of the sign test (McNemar's test on discordant pairs): P(X >= wins), X ~ Binomial(wins + losses, 1/2).
 * Source: Conover, "Practical Nonparametric Statistics", 3rd ed., section 3.4. Fixed n: looking again and again invalidates it; use signEValue for that.
 * 1 when there is no discordant pair.
 */
export function signTest(wins: number, losses: number): number {
  assertCount(wins, "wins");
  assertCount(losses, "losses");
  // The smaller tail is summed and the other one taken as its complement, so that small values keep their digits.
  return wins > losses ? upperTail(wins, losses) : wins === 0 ? 1 : 1 - upperTail(losses + 1, wins - 1);
}

/** P(X >= from), X ~ Binomial(from + below, 1/2), for from > below: terms fall, so the sum starts at the largest. */
function upperTail(from: number, below: number): number {
  let term = 1;
  let sum = 1;
  for (let step = 1; step <= below; step += 1) {
    term *= (below - step + 1) / (from + step);
    sum += term;
  }
  return sum * Math.exp(logChooseHalf(from, below));
}

/** log of C(a + b, b) / 2^(a + b), added up factor by factor. */
function logChooseHalf(a: number, b: number): number {
  let log = -(a + b) * Math.LN2;
  for (let factor = 1; factor <= b; factor += 1) log += Math.log((a + factor) / factor);
  return log;
}
