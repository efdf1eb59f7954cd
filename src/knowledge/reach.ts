import { caseEValue, roundsEValue, roundWeights } from "../stats/case-evidence.ts";
import { eLondLevel } from "../stats/online-level.ts";
import { completeRounds, differencesByRound, type GateState, mean, runsOf, type Scores } from "./gate-state.ts";
import type { ValidationPair } from "./knowledge-item.ts";
import { confirmedIn, mustPassLostIn } from "./regression.ts";

/** From this many confirmed regressions on, the rest of the cases is not worth its tokens. */
export const HARM_STOP = 3;

/**
 * True when no further run is worth its tokens: the item did enough harm, or, going by what was seen, neither evidence nor gain could be reached by the last
 * round. Stopping may only ever refuse, so how well it guesses costs power and never lets luck in.
 */
export function shouldStop(state: GateState): boolean {
  const confirmed = confirmedIn(state).length;
  if (confirmed >= HARM_STOP) return true;
  if (state.pairs.length < state.cases) return !isWithinReach(state);
  return confirmed > 0 || completeRounds(state.pairs) >= state.maxRounds || mustPassLostIn(state).length > 0 || !isWithinReach(state);
}

/** How far above what was seen the truth may lie before a test is given up: 1.5 standard errors give up 1 of 15 items that would pass and save half of the runs. */
const OPTIMISM = 1.5;

/** What the evidence would be if the noise of the runs went out by the last round, the gain were better by chance, and every case not run yet were mended. */
function isWithinReach(state: GateState): boolean {
  const { pairs, cases, maxRounds, minimumGain } = state;
  const threshold = 1 / eLondLevel(state.alpha, state.position, state.passedBefore);
  const rounds = completeRounds(pairs);
  const differences = differencesByRound(pairs, rounds);
  const expected = [...projected(pairs, differences.at(-1) ?? [], rounds, maxRounds), ...ceilings(state)];
  if (cases === 0 || mean(expected) < minimumGain) return false;
  // With cases still to come nothing is summed yet: the present round counts for what it may become.
  const settled = pairs.length < cases ? 0 : rounds;
  const left = roundWeights(maxRounds)
    .slice(settled)
    .reduce((sum, weight) => sum + weight, 0);
  return (settled === 0 ? 0 : roundsEValue(differences, maxRounds)) + left * caseEValue(expected) >= threshold;
}

function projected(pairs: readonly ValidationPair[], differences: readonly number[], rounds: number, maxRounds: number): readonly number[] {
  const count = differences.length;
  if (count === 0) return [];
  const centre = mean(differences);
  const total = mean(differences.map((difference) => (difference - centre) ** 2));
  const noise = mean(pairs.map((pair) => noiseOf(runsOf(pair).slice(0, rounds))));
  const between = Math.max(0, total - noise / rounds);
  const expectedGain = centre + OPTIMISM * Math.sqrt((noise * (1 / rounds - 1 / maxRounds)) / count);
  const spread = between + noise / rounds;
  const shrink = spread === 0 ? 0 : Math.min(1, Math.sqrt((between + noise / maxRounds) / spread));
  return differences.map((difference) => Math.max(-1, Math.min(1, expectedGain + (difference - centre) * shrink)));
}

/** The variance of one pair of a case; after a single pair all that was seen may be noise. */
function noiseOf(runs: readonly Scores[]): number {
  const differences = runs.map(([baseline, candidate]) => candidate - baseline);
  if (differences.length < 2) return (differences[0] ?? 0) ** 2;
  const centre = mean(differences);
  return differences.reduce((sum, difference) => sum + (difference - centre) ** 2, 0) / (differences.length - 1);
}

/** The most that each case without a pair could gain: 1 where it fails and scores are 0 or 1, else what is left, spread evenly, which flatters. */
export function ceilings({ cases, baselinePassed, gainCeiling, pairs, passScore }: GateState): readonly number[] {
  const unseen = cases - pairs.length;
  if (unseen <= 0) return [];
  const failing = Math.max(0, cases - baselinePassed - pairs.filter((pair) => pair.baselineScore < passScore).length);
  const left = Math.max(0, gainCeiling * cases - pairs.reduce((sum, pair) => sum + 1 - pair.baselineScore, 0));
  if (Math.abs(left - failing) < 1e-9) return Array.from({ length: unseen }, (_, index) => (index < failing ? 1 : 0));
  return Array.from({ length: unseen }, () => left / unseen);
}
