import { LearnError } from "../base/error.ts";
import { logChoose } from "./rate-sequence.ts";
import { assertCount } from "./sign-e-value.ts";

/** How often one stated probability came out, of how many draws. */
export interface RatioStratum {
  /** Stated probability of being given, in [0, 1]. */
  readonly probabilityGiven: number;
  readonly given: number;
  readonly withheld: number;
}

/**
 * Logarithm of the e-value that arms were not drawn with the probabilities that were stated: the sample-ratio check.
 *
 * Within a stratum the uniform mixture over all other probabilities, against the stated one: B(given+1, withheld+1) / (q^given (1-q)^withheld).
 * This is the test of Lindon & Malek, "Anytime-valid inference for multinomial count data" (NeurIPS 2022), for two arms. A product of
 * strata is a test martingale again, so it may be looked at after every draw. Infinity when something happened that was stated to be impossible.
 */
export function logRatioEvidence(strata: Iterable<RatioStratum>): number {
  let log = 0;
  for (const { probabilityGiven: q, given, withheld } of strata) {
    if (!(q >= 0 && q <= 1)) throw new LearnError("invalid", `the probability of being given is ${q}, it must be from 0 to 1`);
    assertCount(given, "given");
    assertCount(withheld, "withheld");
    if ((q === 1 && withheld > 0) || (q === 0 && given > 0)) return Number.POSITIVE_INFINITY;
    if (q === 0 || q === 1) continue;
    const draws = given + withheld;
    log += -Math.log(draws + 1) - logChoose(draws, given) - given * Math.log(q) - withheld * Math.log1p(-q);
  }
  return log;
}
