import { caseEValue, casesNeeded, lowerEnd, roundsEValue } from "../stats/case-evidence.ts";
import { eLondLevel } from "../stats/online-level.ts";
import { completeRounds, differencesByRound, type GateState, mean, outcomeOf } from "./gate-state.ts";
import { figure, inconclusive, list, points, refuse, type Verdict } from "./gate-words.ts";
import type { Validation } from "./knowledge-item.ts";
import { ceilings } from "./reach.ts";
import { confirmedIn, mustPassLostIn } from "./regression.ts";

/** How the gate decides. It stands on every certificate: one that carries none was decided by decide-first-rule.ts. */
export const GATE_RULE = 2;

export type Figures = Pick<
  Validation,
  "candidatePassed" | "wins" | "losses" | "gain" | "eValue" | "threshold" | "alphaAllotted" | "rounds" | "gainLower"
> & { readonly rounds: number; readonly confirmed: readonly string[]; readonly mustPassLost: readonly string[] };

/** Everything that a certificate says in numbers, from its pairs. */
export function figuresOf(state: GateState): Figures {
  const { pairs, maxRounds } = state;
  const evidence = evidenceOf(state);
  const { differences, threshold } = evidence;
  const first = pairs.map((pair) => outcomeOf(pair.baselineScore, pair.candidateScore, state.passScore));
  return {
    candidatePassed: pairs.filter((pair) => pair.candidateScore >= state.passScore).length,
    wins: first.filter((outcome) => outcome === "win").length,
    losses: first.filter((outcome) => outcome === "loss").length,
    gain: evidence.gain,
    gainLower: lowerEnd(differences, maxRounds, threshold),
    eValue: evidence.eValue,
    threshold,
    alphaAllotted: 1 / threshold,
    rounds: differences.length,
    confirmed: confirmedIn(state),
    mustPassLost: mustPassLostIn(state),
  };
}

/** What `decide` says "pass" to, at a fraction of its price: a test asks after every round. */
export function passes(state: GateState): boolean {
  if (state.cases === 0 || state.pairs.length < state.cases) return false;
  const { eValue, threshold, gain } = evidenceOf(state);
  return eValue >= threshold && gain >= state.minimumGain && confirmedIn(state).length === 0 && mustPassLostIn(state).length === 0;
}

function evidenceOf({ pairs, maxRounds, alpha, position, passedBefore }: GateState) {
  const differences = differencesByRound(pairs, completeRounds(pairs));
  return {
    differences,
    threshold: 1 / eLondLevel(alpha, position, passedBefore),
    gain: mean(differences.at(-1) ?? []),
    eValue: roundsEValue(differences, maxRounds),
  };
}

/**
 * The one place that decides. Passing asks for all three: evidence, a gain that is worth the tokens, and no harm. It never passes in the middle of a round:
 * cases that fail today run first, and what is seen on the way is flattered by that order.
 */
export function decide(state: GateState): Verdict {
  const failing = state.cases - state.baselinePassed;
  if (state.cases === 0) return inconclusive("there are no held-out cases to test it on");
  if (state.pairs.length === 0) return inconclusive(whyNotBegun(state, failing));
  const { wins, losses, gain, gainLower, eValue, threshold, rounds, confirmed, mustPassLost } = figuresOf(state);
  const lower = gainLower !== undefined && gainLower > -1 ? `, at least ${points(gainLower)}` : "";
  const over = rounds > 1 ? ` over ${rounds} rounds of runs` : "";
  const counts = `${wins} ${wins === 1 ? "win" : "wins"} and ${losses} ${losses === 1 ? "loss" : "losses"} in ${state.pairs.length} of ${state.cases} held-out cases, mean score ${points(gain)}${over}${lower}`;
  const needed = figure(threshold);
  if (mustPassLost.length > 0) return refuse(`lost must-pass ${list(mustPassLost)}: ${counts}`);
  if (confirmed.length > 0) {
    return refuse(`${confirmed.length} confirmed ${confirmed.length === 1 ? "regression" : "regressions"} (${list(confirmed)}): ${counts}`);
  }
  if (eValue < threshold || state.pairs.length < state.cases)
    return refuse(`too little evidence: ${counts}, e-value ${figure(eValue)} where ${needed} is needed`);
  if (gain < state.minimumGain)
    return refuse(`too little gain: ${counts} where ${points(state.minimumGain)} is needed, e-value ${figure(eValue)}`);
  return { decision: "pass", reason: `${counts}, e-value ${figure(eValue)} where ${needed} is needed, no confirmed regression` };
}

function whyNotBegun(state: GateState, failing: number): string {
  const threshold = 1 / eLondLevel(state.alpha, state.position, state.passedBefore);
  const best = ceilings(state);
  if (caseEValue(best) < threshold) {
    const each = Math.max(...best);
    const needed = casesNeeded(threshold, each);
    if (each === 1 || each <= 0)
      return `needs at least ${casesNeeded(threshold)} held-out cases that fail today; ${failing} ${failing === 1 ? "does" : "do"}`;
    return `needs at least ${needed} held-out cases with ${points(each)} to gain; there are ${state.cases}`;
  }
  if (state.gainCeiling < state.minimumGain)
    return `could raise the mean score by at most ${points(state.gainCeiling)}, ${points(state.minimumGain)} are needed`;
  return "no case was run with it";
}
