import type { OutcomeStatus } from "./outcome.ts";

/** A score from here on is a success. Between the two thresholds it is partial: neither a model to follow nor a fault to learn from. */
export const SUCCESS_SCORE = 0.7;

/** A score up to here is a failure. */
export const FAILURE_SCORE = 0.3;

/** The status of a score in [0, 1]. */
export function statusOfScore(score: number): OutcomeStatus {
  if (score >= SUCCESS_SCORE) return "success";
  return score <= FAILURE_SCORE ? "failure" : "partial";
}

/** True for a finite number in [0, 1]. */
export function isScore(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= 1;
}
