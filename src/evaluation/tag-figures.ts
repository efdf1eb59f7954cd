import type { EvalCase, EvalRun } from "./evaluation.ts";

export interface TagFigures {
  readonly tag: string;
  readonly total: number;
  readonly passed: number;
  readonly accuracy: number;
  readonly avgScore: number;
}

/** Figures of a run for each tag of its cases, by tag. A case with two tags counts in both; a result whose case is gone counts in none. */
export function tagFigures(run: EvalRun, cases: readonly EvalCase[]): readonly TagFigures[] {
  const tagsOf = new Map(cases.map((one) => [one.id, new Set(one.tags)]));
  const sums = new Map<string, { total: number; passed: number; score: number }>();
  for (const result of run.results) {
    for (const tag of tagsOf.get(result.caseId) ?? []) {
      const sum = sums.get(tag) ?? { total: 0, passed: 0, score: 0 };
      sum.total += 1;
      sum.passed += result.passed ? 1 : 0;
      sum.score += result.score;
      sums.set(tag, sum);
    }
  }
  return [...sums]
    .map(([tag, { total, passed, score }]) => ({ tag, total, passed, accuracy: passed / total, avgScore: score / total }))
    .sort((a, b) => (a.tag < b.tag ? -1 : 1));
}
