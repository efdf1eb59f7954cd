import type { PairOutcome } from "../stats/regression-evidence.ts";
import type { Validation, ValidationPair } from "./knowledge-item.ts";

export interface GateSettings extends Pick<Validation, "alpha" | "position" | "passedBefore" | "passScore" | "minimumGain"> {
  readonly maxRounds: number;
  readonly confirmReplicates: number;
}

/** What is known about a test at some moment. */
export interface GateState extends GateSettings, Pick<Validation, "cases" | "baselinePassed"> {
  /** The gain if every case scored 1. */
  readonly gainCeiling: number;
  readonly pairs: readonly ValidationPair[];
}

/** [baseline, candidate] of one pair of runs. */
export type Scores = readonly [number, number];

/** [baseline, candidate] of every scheduled pair of a case; pairs that only confirm a loss are no evidence of the gain: they were run because of a result. */
export function runsOf(pair: ValidationPair): readonly Scores[] {
  return [[pair.baselineScore, pair.candidateScore], ...(pair.laterScores ?? [])];
}

export function completeRounds(pairs: readonly ValidationPair[]): number {
  if (pairs.length === 0) return 0;
  return 1 + pairs.reduce((least, pair) => Math.min(least, pair.laterScores?.length ?? 0), Number.MAX_SAFE_INTEGER);
}

/** For each round k the mean difference of every case over its pairs 1 to k. */
export function differencesByRound(pairs: readonly ValidationPair[], rounds: number): readonly (readonly number[])[] {
  const sums = pairs.map(() => 0);
  return Array.from({ length: rounds }, (_, round) =>
    pairs.map((pair, index) => {
      const [baseline, candidate] = round === 0 ? [pair.baselineScore, pair.candidateScore] : (pair.laterScores?.[round - 1] ?? [0, 0]);
      sums[index] = (sums[index] as number) + candidate - baseline;
      return (sums[index] as number) / (round + 1);
    }),
  );
}

export function isLoss([baseline, candidate]: Scores, passScore: number): boolean {
  return outcomeOf(baseline, candidate, passScore) === "loss";
}

export function outcomeOf(baseline: number, candidate: number, passScore: number): PairOutcome {
  const [before, after] = [baseline >= passScore, candidate >= passScore];
  return before === after ? "tie" : after ? "win" : "loss";
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
