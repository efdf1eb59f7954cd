import { type ErrorCode, isLearnError } from "../base/error.ts";

/** Exit codes of every command: 0 ok, 1 failure, 2 cancelled, 3 bad argument, 4 not allowed as things stand, 5 not reachable, 6 ran but not verified, 10 eval gate failed. */
export const EXIT = {
  ok: 0,
  failure: 1,
  cancelled: 2,
  badArgument: 3,
  notAllowed: 4,
  notReachable: 5,
  notVerified: 6,
  gateFailed: 10,
} as const;

const OF_CODE: Readonly<Record<ErrorCode, number>> = {
  invalid: EXIT.badArgument,
  "not-found": EXIT.badArgument,
  "too-large": EXIT.badArgument,
  conflict: EXIT.notAllowed,
  unavailable: EXIT.notReachable,
  timeout: EXIT.notReachable,
  cancelled: EXIT.cancelled,
  internal: EXIT.failure,
};

export function exitCodeOf(caught: unknown): number {
  return isLearnError(caught) ? OF_CODE[caught.code] : EXIT.failure;
}
