import { LearnError } from "../base/error.ts";
import { signEValue } from "./sign-e-value.ts";

/**
 * The smallest number of wins without a loss whose e-value reaches `threshold`: below this many failing cases a test cannot pass.
 * Without losses signEValue is (2^(w+1) - 1) / (w + 1), which rises with every win. 7 for a threshold of 20, 8 for 33, 10 for 132.
 */
export function minimumWins(threshold: number): number {
  if (!(threshold > 0 && threshold <= Number.MAX_VALUE))
    throw new LearnError("invalid", `threshold is ${threshold}, it must be a positive number`);
  let wins = 0;
  while (signEValue(wins, 0) < threshold) wins += 1;
  return wins;
}
