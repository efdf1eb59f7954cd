import { LearnError } from "../base/error.ts";

/**
 * The share of the error budget `alpha` that the test at `position` (from 1) in a stream may spend, when `passedBefore` earlier tests passed:
 * alpha * gamma(position) * (passedBefore + 1) with gamma(t) = 6 / (pi² t²), which sums to 1.
 *
 * This is e-LOND (Xu & Ramdas, "Online multiple testing with e-values", AISTATS 2024). Passing a test when its e-value
 * reaches 1 / level keeps the false discovery rate of the whole stream at or below `alpha` under arbitrary dependence between the
 * tests, which is what candidates that share one eval set and one baseline need.
 */
export function eLondLevel(alpha: number, position: number, passedBefore: number): number {
  if (!(alpha > 0 && alpha < 1)) throw new LearnError("invalid", `alpha is ${alpha}, it must be between 0 and 1`);
  if (!Number.isSafeInteger(position) || position < 1)
    throw new LearnError("invalid", `position is ${position}, it must be a whole number from 1`);
  if (!Number.isSafeInteger(passedBefore) || passedBefore < 0 || passedBefore >= position) {
    throw new LearnError("invalid", `passedBefore is ${passedBefore}, it must be a whole number from 0 to ${position - 1}`);
  }
  return (alpha * 6 * (passedBefore + 1)) / (Math.PI * Math.PI * position * position);
}
