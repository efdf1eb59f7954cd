import { LearnError } from "../base/error.ts";

/**
 * Evidence, as an e-value, that the mean difference over the cases of an eval set is above `claimedMean`. One difference in [-1, 1] per case: the mean over
 * its pairs, with the item minus without. Runs of one case say more about that case and nothing about others: the unit is the case.
 *
 * With D_i the difference of case i, m the claimed mean and a bet l in (0, 1],
 *
 *     E(l) = product over cases of 1 + l (D_i - m) / (1 + m)
 *
 * every factor is at least 1 - l >= 0. Two nulls hold it at an expectation of 1 or less, whatever the bet, hence also its mean over bets (Robbins 1970):
 *
 * - the cases are drawn from tasks whose mean difference is m at most: each factor then has an expectation of 1 at most, given those before it;
 * - the cases are what they are, some helped and some hurt, and their true differences d_i have a mean of m at most: runs of different cases are
 *   independent, so the expectation is the product of 1 + l (d_i - m) / (1 + m) <= exp(l sum (d_i - m) / (1 + m)) <= 1.
 *
 * "No case is affected" is inside both. Pooling the pairs of all rounds instead would treat replicates as new cases: it holds the second null, and breaks
 * the first, where an item that helps 20 % of the cases and hurts as many passed in 19 of 100 simulated tests at 3 % (figure gate.worlds).
 *
 * For scores 0 and 1 run once only discordant pairs count, and this is a sign test by betting; for graded scores it is the capital of Waudby-Smith & Ramdas,
 * "Estimating means of bounded random variables by betting" (JRSS-B 86, 2024).
 */
export function caseEValue(differences: readonly number[], claimedMean = 0): number {
  if (!(claimedMean > -1 && claimedMean < 1))
    throw new LearnError("invalid", `the claimed mean is ${claimedMean}, it must be between -1 and 1`);
  let value = 0;
  for (let index = 0; index < BETS.length; index += 1) {
    const stake = (BETS[index] as number) / (1 + claimedMean);
    let log = 0;
    let product = 1;
    for (let at = 0; at < differences.length; at += 1) {
      product *= 1 + stake * ((differences[at] as number) - claimedMean);
      // A logarithm every sixteenth factor: from 0.1 up they stay far from the smallest number, and a bet of 1 may rightly lose everything.
      if (at % 16 === 15) {
        log += Math.log(product);
        product = 1;
      }
    }
    value += (WEIGHTS[index] as number) * Math.exp(log + Math.log(product));
  }
  return Number.isNaN(value) ? 0 : Math.min(value, Number.MAX_VALUE);
}

/**
 * A bet of 1 doubles with every case that is won and is lost with the first case that is lost in every run; the best bet against some losses is
 * (wins - losses) / (wins + losses). The weight at 1 lets 7 wins without a loss pass a threshold of 33, where bets spread evenly need 8.
 */
const BETS: readonly number[] = [0.1, 0.25, 0.5, 0.75, 0.9, 1];
const WEIGHTS: readonly number[] = [0.1, 0.15, 0.2, 0.2, 0.15, 0.2];

/**
 * The share of the evidence after each round of runs: w_k ~ 1/sqrt(k), adding up to 1 over `maxRounds`.
 *
 * The evidence of a test is the sum of w_k E_k over the rounds that were run, E_k from the mean differences of rounds 1 to k. Each E_k has an expectation of 1
 * at most over the runs as they would come, so the sum over all rounds has one too. A test that stops earlier has summed less: every term is positive. So it
 * may stop after any round for any reason, and passing at 1/alpha is an error with probability alpha at most (Markov's inequality on the whole sum).
 * E_k is no martingale over rounds (a mean of two rounds is not fair game given the first), which is why it is a sum and not a product.
 */
export function roundWeights(maxRounds: number): readonly number[] {
  if (!Number.isSafeInteger(maxRounds) || maxRounds < 1 || maxRounds > 1_000)
    throw new LearnError("invalid", `maxRounds is ${maxRounds}, it must be a whole number from 1 to 1000`);
  const shares = Array.from({ length: maxRounds }, (_, index) => 1 / Math.sqrt(index + 1));
  const total = shares.reduce((sum, share) => sum + share, 0);
  return shares.map((share) => share / total);
}

/** Evidence of rounds 1 to k, with the mean differences of the cases after each; see `roundWeights`. */
export function roundsEValue(differencesByRound: readonly (readonly number[])[], maxRounds: number, claimedMean = 0): number {
  if (differencesByRound.length === 0) return 0;
  const weights = roundWeights(maxRounds);
  const sum = differencesByRound.reduce(
    (total, differences, index) => total + (weights[index] ?? 0) * caseEValue(differences, claimedMean),
    0,
  );
  return Math.min(sum, Number.MAX_VALUE);
}

/**
 * The lower end of the confidence sequence for the mean difference: every mean below it is contradicted with an e-value of `threshold`. Above 0 exactly when
 * the evidence reaches the threshold. -1 while nothing is known.
 */
export function lowerEnd(differencesByRound: readonly (readonly number[])[], maxRounds: number, threshold: number): number {
  let [excluded, covered] = [-1 + 1e-9, 1 - 1e-9];
  if (roundsEValue(differencesByRound, maxRounds, excluded) < threshold) return -1;
  for (let step = 0; step < 40; step += 1) {
    const middle = (excluded + covered) / 2;
    if (roundsEValue(differencesByRound, maxRounds, middle) >= threshold) excluded = middle;
    else covered = middle;
  }
  return excluded;
}

/** The fewest cases, each with this difference and no other, whose e-value reaches the threshold; Infinity when none do. 7 for 33 at a difference of 1. */
export function casesNeeded(threshold: number, difference = 1): number {
  if (!(threshold > 0 && threshold <= Number.MAX_VALUE))
    throw new LearnError("invalid", `threshold is ${threshold}, it must be a positive number`);
  if (!(difference > 0)) return threshold <= 1 ? 0 : Number.POSITIVE_INFINITY;
  const value = (cases: number): number =>
    BETS.reduce((sum, bet, index) => sum + (WEIGHTS[index] as number) * (1 + bet * difference) ** cases, 0);
  let cases = 0;
  while (value(cases) < threshold) cases += 1;
  return cases;
}
