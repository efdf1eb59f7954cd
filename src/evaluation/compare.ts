import { LearnError } from "../base/error.ts";
import { signTest } from "../stats/sign-test.ts";
import type { EvalResult, EvalRun } from "./evaluation.ts";
import type { JudgedRuns } from "./judge-runs.ts";

/** One case whose score differs between two runs. */
export interface ScoreChange {
  readonly caseId: string;
  readonly task: string;
  readonly before: number;
  readonly after: number;
  /** after - before. */
  readonly delta: number;
  /** True when the case passes in one run only: these are counted as wins and losses. */
  readonly flipped: boolean;
}

/** Run `b` against run `a`, over the cases that both have. */
export interface EvalComparison {
  readonly a: string;
  readonly b: string;
  readonly commonCases: number;
  /** Cases that only one of the runs has; they count nowhere. */
  readonly onlyInA: number;
  readonly onlyInB: number;
  readonly accuracyDelta: number;
  readonly scoreDelta: number;
  /** Cases that fail in a and pass in b, and the reverse. */
  readonly wins: number;
  readonly losses: number;
  /** Exact one-sided p of the sign test that b is better: for one comparison that was planned, not for looking again and again. */
  readonly p: number;
  /** Every lower score, the largest drop first. */
  readonly regressions: readonly ScoreChange[];
  /** Every higher score, the largest rise first. */
  readonly improvements: readonly ScoreChange[];
  /** What a model says of the answers themselves; absent where it was not asked. */
  readonly judged?: JudgedRuns;
}

/** Joins two runs by case id. Throws "invalid" when they have no case in common, since nothing can be said then. */
export function compareEvalRuns(a: EvalRun, b: EvalRun): EvalComparison {
  const before = new Map(a.results.map((result) => [result.caseId, result]));
  const after = new Map(b.results.map((result) => [result.caseId, result]));
  const pairs: (readonly [EvalResult, EvalResult])[] = [];
  for (const [caseId, result] of before) {
    const other = after.get(caseId);
    if (other !== undefined) pairs.push([result, other]);
  }
  if (pairs.length === 0) {
    throw new LearnError("invalid", `eval runs ${a.name} and ${b.name} have no case in common`, { hint: "run both on the same cases" });
  }
  const changes = pairs.map(([old, now]) => ({
    caseId: old.caseId,
    task: old.task,
    before: old.score,
    after: now.score,
    delta: now.score - old.score,
    flipped: old.passed !== now.passed,
  }));
  const wins = pairs.filter(([old, now]) => !old.passed && now.passed).length;
  const losses = pairs.filter(([old, now]) => old.passed && !now.passed).length;
  return {
    a: a.id,
    b: b.id,
    commonCases: pairs.length,
    onlyInA: before.size - pairs.length,
    onlyInB: after.size - pairs.length,
    accuracyDelta: (wins - losses) / pairs.length,
    scoreDelta: changes.reduce((sum, change) => sum + change.delta, 0) / pairs.length,
    wins,
    losses,
    p: signTest(wins, losses),
    regressions: changes.filter((change) => change.delta < 0).sort((x, y) => x.delta - y.delta),
    improvements: changes.filter((change) => change.delta > 0).sort((x, y) => y.delta - x.delta),
  };
}
