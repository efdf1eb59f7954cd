import { minimumWins } from "../stats/minimum-wins.ts";
import { eLondLevel } from "../stats/online-level.ts";
import { signEValue } from "../stats/sign-e-value.ts";
import { figure, inconclusive, list, points, refuse, type Verdict } from "./gate-words.ts";
import type { Validation, ValidationPair } from "./knowledge-item.ts";

/** From this many confirmed regressions on, the rest of the cases is not worth its tokens. */
const HARM_STOP = 3;

type GateSettings = Pick<Validation, "alpha" | "position" | "passedBefore" | "passScore" | "minimumGain">;

/**
 * The rule of certificates that name none: one run a side, the sign test by betting over cases, and a loss that all replicates repeat is a regression. Only
 * `recheck` uses it, so that a certificate of then still follows from its pairs.
 */
export interface FirstRuleState extends GateSettings, Pick<Validation, "cases" | "baselinePassed"> {
  /** The gain if every case scored 1. */
  readonly gainCeiling: number;
  readonly pairs: readonly ValidationPair[];
}

type Figures = Pick<Validation, "candidatePassed" | "wins" | "losses" | "gain" | "eValue" | "threshold" | "alphaAllotted"> & {
  readonly confirmed: readonly string[];
  readonly mustPassLost: readonly string[];
  /** The e-value if every failing case that was not run yet were won and nothing more lost. */
  readonly bestEValue: number;
};

/** Everything that a certificate says in numbers, from its pairs. */
export function figuresOf(state: FirstRuleState): Figures {
  const passes = (score: number): boolean => score >= state.passScore;
  const won = state.pairs.filter((pair) => !passes(pair.baselineScore) && passes(pair.candidateScore));
  const lost = state.pairs.filter((pair) => passes(pair.baselineScore) && !passes(pair.candidateScore));
  const failedInPairs = state.pairs.filter((pair) => !passes(pair.baselineScore)).length;
  const failingToCome = Math.max(0, state.cases - state.baselinePassed - failedInPairs);
  const total = state.pairs.reduce((sum, pair) => sum + (pair.candidateScore - pair.baselineScore), 0);
  const alphaAllotted = eLondLevel(state.alpha, state.position, state.passedBefore);
  return {
    candidatePassed: state.pairs.filter((pair) => passes(pair.candidateScore)).length,
    wins: won.length,
    losses: lost.length,
    gain: state.pairs.length === 0 ? 0 : total / state.pairs.length,
    eValue: signEValue(won.length, lost.length),
    bestEValue: signEValue(won.length + failingToCome, lost.length),
    threshold: 1 / alphaAllotted,
    alphaAllotted,
    confirmed: state.pairs.filter((pair) => isConfirmedRegression(pair, state.passScore)).map((pair) => pair.caseId),
    mustPassLost: lost.filter((pair) => pair.mustPass).map((pair) => pair.caseId),
  };
}

/** A loss that repeated itself in every replicate: passed without the item and failed with it. */
export function isConfirmedRegression(pair: ValidationPair, passScore: number): boolean {
  const lost = (baseline: number, candidate: number): boolean => baseline >= passScore && candidate < passScore;
  return (
    lost(pair.baselineScore, pair.candidateScore) &&
    (pair.replicateScores ?? []).every(([baseline, candidate]) => lost(baseline, candidate))
  );
}

/** True when no further run can change the decision for the better, or the item did enough harm. */
export function shouldStop(figures: Figures): boolean {
  return figures.confirmed.length >= HARM_STOP || figures.bestEValue < figures.threshold;
}

/**
 * The one place that decides. Passing asks for all three: evidence, a gain that is worth the tokens, and no harm.
 *
 * It never passes before every case was run. Cases that fail today run first, and only those can be won: the e-value on the way
 * is flattered by that order and means nothing until the losses had their chance. Stopping early to refuse needs no such care.
 */
export function decide(state: FirstRuleState): Verdict {
  const figures = figuresOf(state);
  const { wins, losses, gain, eValue, threshold, confirmed, mustPassLost } = figures;
  const failing = state.cases - state.baselinePassed;
  const needed = figure(threshold);
  if (state.cases === 0) return inconclusive("there are no held-out cases to test it on");
  if (state.pairs.length === 0) {
    if (figures.bestEValue < threshold) {
      return inconclusive(
        `needs at least ${minimumWins(threshold)} held-out cases that fail today; ${failing} ${failing === 1 ? "does" : "do"}`,
      );
    }
    if (state.gainCeiling < state.minimumGain) {
      return inconclusive(`could raise the mean score by at most ${points(state.gainCeiling)}, ${points(state.minimumGain)} are needed`);
    }
    return inconclusive("no case was run with it");
  }
  const counts = `${wins} ${wins === 1 ? "win" : "wins"} and ${losses} ${losses === 1 ? "loss" : "losses"} in ${state.pairs.length} of ${state.cases} held-out cases, mean score ${points(gain)}`;
  if (mustPassLost.length > 0) return refuse(`lost must-pass ${list(mustPassLost)}: ${counts}`);
  if (confirmed.length > 0) {
    return refuse(`${confirmed.length} confirmed ${confirmed.length === 1 ? "regression" : "regressions"} (${list(confirmed)}): ${counts}`);
  }
  if (eValue < threshold || state.pairs.length < state.cases) {
    const early = state.pairs.length < state.cases ? `, and at most ${figure(figures.bestEValue)} could be reached` : "";
    return refuse(`too little evidence: ${counts}, e-value ${figure(eValue)} where ${needed} is needed${early}`);
  }
  if (gain < state.minimumGain)
    return refuse(`too little gain: ${counts} where ${points(state.minimumGain)} is needed, e-value ${figure(eValue)}`);
  return { decision: "pass", reason: `${counts}, e-value ${figure(eValue)} where ${needed} is needed, no confirmed regression` };
}
