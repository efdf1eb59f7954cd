import { LearnError, messageOf } from "../base/error.ts";
import { decide, figuresOf, GATE_RULE } from "./decide.ts";
import * as firstRule from "./decide-first-rule.ts";
import type { GateState } from "./gate-state.ts";
import type { Validation, ValidationPair } from "./knowledge-item.ts";
import { shouldStop } from "./reach.ts";
import { onlineProblems } from "./recheck-online.ts";
import { isConfirmedRegression, needsConfirming } from "./regression.ts";

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
    const { kind } = validation;
    const problems =
      kind === "statistical" ? statisticalProblems(validation) : kind === "online" ? onlineProblems(validation) : humanProblems(validation);
    return { ok: problems.length === 0, problems };
  } catch (caught) {
    return { ok: false, problems: [`the certificate cannot be computed: ${messageOf(caught)}`] };
  }
}

/**
 * The same test at a later place of the stream, decided anew from its pairs. `passedBefore` stays, so that the share of the budget only shrinks and a test
 * that was given up for want of evidence would have been given up there too.
 */
export function atPosition(validation: Validation, position: number): Validation {
  const before = ruleOf(validation);
  const after = ruleOf({ ...validation, position });
  const { decision, reason } = after.verdict;
  const remark = validation.reason.slice(before.verdict.reason.length);
  return { ...validation, ...after.figures, position, decision, reason: `${reason}${remark}` };
}

type Figures = Partial<
  Pick<Validation, "candidatePassed" | "wins" | "losses" | "gain" | "eValue" | "alphaAllotted" | "threshold" | "rounds" | "gainLower">
>;

interface Rule {
  /** What the pairs give, by the names of the certificate. */
  readonly figures: Figures;
  readonly verdict: Pick<Validation, "decision" | "reason">;
  readonly stoppedRightly: boolean;
  isConfirmed(pair: ValidationPair): boolean;
  isUnsettled(pair: ValidationPair): boolean;
}

/** The rule that the certificate names, applied to its pairs. Throws for a rule that this version does not know. */
function ruleOf(validation: Validation): Rule {
  const gainCeiling = validation.gainCeiling ?? 1;
  const { rule = 1, maxRounds, confirmReplicates } = validation;
  if (rule === 1) {
    const state: firstRule.FirstRuleState = { ...validation, gainCeiling };
    const { confirmed: _confirmed, mustPassLost: _lost, bestEValue: _best, ...figures } = firstRule.figuresOf(state);
    const isConfirmed = (pair: ValidationPair) => firstRule.isConfirmedRegression(pair, validation.passScore);
    const stoppedRightly = firstRule.shouldStop(firstRule.figuresOf(state));
    return { figures, verdict: firstRule.decide(state), stoppedRightly, isConfirmed, isUnsettled: () => false };
  }
  if (rule !== GATE_RULE || maxRounds === undefined || confirmReplicates === undefined)
    throw new LearnError(
      "invalid",
      `this version knows rules 1 to ${GATE_RULE} with all their settings, the certificate names rule ${rule}`,
    );
  const state: GateState = { ...validation, gainCeiling, maxRounds, confirmReplicates };
  const { confirmed: _confirmed, mustPassLost: _lost, ...figures } = figuresOf(state);
  return {
    figures,
    verdict: decide(state),
    stoppedRightly: shouldStop(state),
    isConfirmed: (pair) => isConfirmedRegression(pair, state),
    isUnsettled: (pair) => needsConfirming(pair, state),
  };
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
  const expect = (what: string, stated: number | undefined, computed: number | undefined): void => {
    if (stated === undefined && computed === undefined) return;
    if (stated === undefined || computed === undefined || !(Math.abs(stated - computed) <= TOLERANCE * Math.max(1, Math.abs(computed)))) {
      problems.push(`${what} is stated as ${stated}, the pairs give ${computed}`);
    }
  };
  const rule = ruleOf(validation);
  for (const key of FIGURES) expect(key, validation[key], rule.figures[key]);
  if (new Set(pairs.map((pair) => pair.caseId)).size < pairs.length) problems.push("a case is counted twice");
  if (pairs.length > cases) problems.push(`${pairs.length} pairs for ${cases} cases`);
  const passedInPairs = pairs.filter((pair) => pair.baselineScore >= passScore).length;
  const unseen = Math.max(0, cases - pairs.length);
  if (!(baselinePassed >= passedInPairs && baselinePassed <= passedInPairs + unseen)) {
    problems.push(`baselinePassed is stated as ${baselinePassed}, the pairs allow ${passedInPairs} to ${passedInPairs + unseen}`);
  }
  for (const pair of pairs) problems.push(...pairProblems(pair, validation, rule));
  if (pairs.length > 0 && pairs.length < cases && !rule.stoppedRightly)
    problems.push(`it stopped after ${pairs.length} of ${cases} cases without a reason to`);
  if (pairs.length === cases && cases > 0) {
    expect("gainCeiling", validation.gainCeiling ?? 1, pairs.reduce((sum, pair) => sum + 1 - pair.baselineScore, 0) / cases);
  }
  const { decision, reason } = rule.verdict;
  if (decision !== validation.decision)
    problems.push(`the decision is stated as ${validation.decision}, the figures give ${decision}: ${reason}`);
  else if (validation.rule !== undefined && !validation.reason.startsWith(reason))
    problems.push(`the reason is stated as "${validation.reason}", the figures give "${reason}"`);
  return problems;
}

const FIGURES = ["candidatePassed", "wins", "losses", "gain", "gainLower", "eValue", "rounds", "alphaAllotted", "threshold"] as const;

function pairProblems(pair: ValidationPair, { maxRounds = 1, rounds = 1 }: Validation, rule: Rule): string[] {
  const problems: string[] = [];
  const scores = [pair.baselineScore, pair.candidateScore, ...(pair.replicateScores ?? []).flat(), ...(pair.laterScores ?? []).flat()];
  if (!scores.every((score) => score >= 0 && score <= 1)) problems.push(`case ${pair.caseId} has a score outside 0 to 1`);
  const runs = 1 + (pair.laterScores ?? []).length;
  if (runs > maxRounds) problems.push(`case ${pair.caseId} was run more often than ${maxRounds} times`);
  if (runs !== rounds && pair.laterScores !== undefined) {
    problems.push(`case ${pair.caseId} was run ${runs} times, the test has ${rounds} ${rounds === 1 ? "round" : "rounds"}`);
  }
  if (pair.replicates !== (pair.replicateScores ?? []).length)
    problems.push(`case ${pair.caseId} states ${pair.replicates} replicates and shows others`);
  if (rule.isUnsettled(pair)) problems.push(`case ${pair.caseId} was lost, and not run again often enough to tell why`);
  if (pair.confirmedRegression !== rule.isConfirmed(pair)) {
    problems.push(
      `case ${pair.caseId} is ${pair.confirmedRegression ? "" : "not "}called a confirmed regression, its scores say otherwise`,
    );
  }
  return problems;
}
