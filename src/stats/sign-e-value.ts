import { LearnError } from "../base/error.ts";

/**
 * Evidence, as an e-value, that more discordant pairs are won than lost.
 *
 * H0: among discordant pairs P(win) <= 1/2. For every p in [1/2, 1] the product (2p)^wins (2(1-p))^losses is a test
 * supermartingale under H0, so its mean over p uniform on [1/2, 1] is one too (the method of mixtures: Robbins 1970;
 * Ramdas, Grünwald, Vovk, Shafer 2023, "Game-theoretic statistics and safe anytime-valid inference"):
 *
 *     e = 2 * integral from 1/2 to 1 of (2p)^wins (2(1-p))^losses dp
 *
 * By Ville's inequality P(e ever reaches 1/alpha) <= alpha under H0, however often one looks, as long as pairs
 * are looked at in an order that does not depend on their results.
 *
 * The integral is an incomplete beta function with a binomial tail behind it. With N = wins + losses + 1,
 *
 *     e = 1/(losses+1) * sum over k = 0..wins of C(N, k) / C(N, wins)
 *
 * which is summed downwards from k = wins by ratios: every term is positive, so nothing cancels and no logarithm is needed.
 * Beyond the range of a double the value is capped at Number.MAX_VALUE: smaller than the true one, hence still valid, and JSON-safe.
 */
export function signEValue(wins: number, losses: number): number {
  assertCount(wins, "wins");
  assertCount(losses, "losses");
  let term = 1;
  let sum = 1;
  for (let step = 0; step < wins; step += 1) {
    term *= (wins - step) / (losses + 2 + step);
    sum += term;
  }
  return Math.min(sum / (losses + 1), Number.MAX_VALUE);
}

/** @internal Refuses what cannot be a count. */
export function assertCount(value: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new LearnError("invalid", `${what} is ${value}, it must be a whole number from 0`);
}
