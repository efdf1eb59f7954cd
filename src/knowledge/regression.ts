import { isOpen, type PairOutcome, regressionEValue, regressionThreshold } from "../stats/regression-evidence.ts";
import { type GateState, isLoss, outcomeOf, runsOf } from "./gate-state.ts";
import type { ValidationPair } from "./knowledge-item.ts";

/** The outcomes of the first pair of a case and of the pairs that were run to confirm a loss, in order. */
export function confirmationOf(pair: ValidationPair, passScore: number): readonly PairOutcome[] {
  return [[pair.baselineScore, pair.candidateScore] as const, ...(pair.replicateScores ?? [])].map(([baseline, candidate]) =>
    outcomeOf(baseline, candidate, passScore),
  );
}

/** Whether a lost case has to be run again on both sides before anything is said about it. */
export function needsConfirming(pair: ValidationPair, { passScore, cases, confirmReplicates }: GateState): boolean {
  const outcomes = confirmationOf(pair, passScore);
  const left = confirmReplicates - (outcomes.length - 1);
  if (outcomes[0] !== "loss" || left < 1) return false;
  // Few replicates cannot reach the threshold whatever they show; then the rule is that every one of them is lost too.
  const reachable = isOpen(["loss"], cases, confirmReplicates);
  return reachable ? isOpen(outcomes, cases, left) : outcomes.every((outcome) => outcome === "loss");
}

/** A loss with evidence enough that it is none of chance, among as many cases; or, with few replicates, one that all of them repeat. */
export function isConfirmedRegression(pair: ValidationPair, { passScore, cases, confirmReplicates }: GateState): boolean {
  const outcomes = confirmationOf(pair, passScore);
  if (outcomes[0] !== "loss") return false;
  if (regressionEValue(outcomes) >= regressionThreshold(cases)) return true;
  return (
    outcomes.length > confirmReplicates && !isOpen(["loss"], cases, confirmReplicates) && outcomes.every((outcome) => outcome === "loss")
  );
}

/** Cases with a confirmed regression. */
export function confirmedIn(state: GateState): readonly string[] {
  return state.pairs.filter((pair) => isConfirmedRegression(pair, state)).map((pair) => pair.caseId);
}

/** Must-pass cases that were lost in any scheduled pair, also in a round that was not finished. */
export function mustPassLostIn({ pairs, passScore }: GateState): readonly string[] {
  return pairs.filter((pair) => pair.mustPass && runsOf(pair).some((scores) => isLoss(scores, passScore))).map(({ caseId }) => caseId);
}
