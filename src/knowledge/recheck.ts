import { messageOf } from "../base/error.ts";
import { decide, figuresOf, type GateState, isConfirmedRegression, shouldStop } from "./decide.ts";
import type { Validation } from "./knowledge-item.ts";

export interface Recheck {
  readonly ok: boolean;
  /** What does not follow from the pairs, in words; empty when all does. */
  readonly problems: readonly string[];
}

/** Sums of scores depend on their order in the last digits. */
const TOLERANCE = 1e-9;

/** Computes every figure and the decision of a certificate again from its pairs. Needs neither the agent nor the store; never throws. */
export function recheck(validation: Validation): Recheck {
  try {
    const problems = validation.kind === "statistical" ? statisticalProblems(validation) : humanProblems(validation);
    return { ok: problems.length === 0, problems };
  } catch (caught) {
    return { ok: false, problems: [`the certificate cannot be computed: ${messageOf(caught)}`] };
  }
}

/**
 * The same test at a later place of the stream, decided anew from its pairs. `passedBefore` stays, so that the share of the budget only shrinks and a test
 * that was given up for want of wins would have been given up there too.
 */
export function atPosition(validation: Validation, position: number): Validation {
  const before: GateState = { ...validation, gainCeiling: validation.gainCeiling ?? 1 };
  const after: GateState = { ...before, position };
  const { confirmed: _confirmed, mustPassLost: _lost, bestEValue: _best, ...figures } = figuresOf(after);
  const { decision, reason } = decide(after);
  const remark = validation.reason.slice(decide(before).reason.length);
  return { ...validation, ...figures, position, decision, reason: `${reason}${remark}` };
}

function humanProblems({ kind, decision, actor, reason, pairs }: Validation): string[] {
  const problems: string[] = [];
  if (actor.trim() === "") problems.push("nobody is named as the person who vouches for it");
  if (reason.trim() === "") problems.push("it gives no reason");
  if (pairs.length > 0) problems.push("a person's certificate carries test results");
  if (kind === "canary" && decision !== "inconclusive") problems.push("a canary note says that something was shown");
  return problems;
}

function statisticalProblems(validation: Validation): string[] {
  const problems: string[] = [];
  const { pairs, cases, baselinePassed, passScore } = validation;
  const state: GateState = { ...validation, gainCeiling: validation.gainCeiling ?? 1 };
  const expect = (what: string, stated: number, computed: number): void => {
    if (!(Math.abs(stated - computed) <= TOLERANCE * Math.max(1, Math.abs(computed)))) {
      problems.push(`${what} is stated as ${stated}, the pairs give ${computed}`);
    }
  };
  const figures = figuresOf(state);
  for (const key of ["candidatePassed", "wins", "losses", "gain", "eValue", "alphaAllotted", "threshold"] as const) {
    expect(key, validation[key], figures[key]);
  }
  if (new Set(pairs.map((pair) => pair.caseId)).size < pairs.length) problems.push("a case is counted twice");
  if (pairs.length > cases) problems.push(`${pairs.length} pairs for ${cases} cases`);
  const passedInPairs = pairs.filter((pair) => pair.baselineScore >= passScore).length;
  const unseen = Math.max(0, cases - pairs.length);
  if (!(baselinePassed >= passedInPairs && baselinePassed <= passedInPairs + unseen)) {
    problems.push(`baselinePassed is stated as ${baselinePassed}, the pairs allow ${passedInPairs} to ${passedInPairs + unseen}`);
  }
  for (const pair of pairs) {
    const scores = [pair.baselineScore, pair.candidateScore, ...(pair.replicateScores ?? []).flat()];
    if (!scores.every((score) => score >= 0 && score <= 1)) problems.push(`case ${pair.caseId} has a score outside 0 to 1`);
    if (pair.replicates !== (pair.replicateScores ?? []).length)
      problems.push(`case ${pair.caseId} states ${pair.replicates} replicates and shows others`);
    if (pair.confirmedRegression !== isConfirmedRegression(pair, passScore)) {
      problems.push(
        `case ${pair.caseId} is ${pair.confirmedRegression ? "" : "not "}called a confirmed regression, its scores say otherwise`,
      );
    }
  }
  if (pairs.length > 0 && pairs.length < cases && !shouldStop(figures))
    problems.push(`it stopped after ${pairs.length} of ${cases} cases without a reason to`);
  if (pairs.length === cases && cases > 0) {
    expect("gainCeiling", state.gainCeiling, pairs.reduce((sum, pair) => sum + 1 - pair.baselineScore, 0) / cases);
  }
  const { decision, reason } = decide(state);
  if (decision !== validation.decision)
    problems.push(`the decision is stated as ${validation.decision}, the figures give ${decision}: ${reason}`);
  return problems;
}
