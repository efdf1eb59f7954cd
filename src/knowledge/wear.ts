import type { Validation } from "./knowledge-item.ts";

/** How much an eval case has been used to decide about items. */
export interface CaseWear {
  /** Tests that ran the case and ended in a pass or a refusal. */
  readonly decided: number;
  /** Tests of items that were tested before: who changed the text between them had seen the result. */
  readonly again: number;
  /** Runs on both sides in those tests, replicates too. */
  readonly runs: number;
  readonly lastUsedAtUs: number;
  readonly worn: boolean;
}

/** A set of fewer cases than this is not called worn sooner. */
const LEAST = 20;

/**
 * The wear of each case, from the certificates of all tests; cases that decided nothing yet are left out.
 *
 * The error budget bounds what many tests on one set promote by luck, as long as what is tested was not made to fit the set. Every decision that people and
 * learners see lets a little of the set into what they try next; a plain held-out set of n cases bears about n such answers before it can be fitted
 * (Dwork, Feldman, Hardt, Pitassi, Reingold & Roth, "The reusable holdout", Science 349, 2015). So a case is worn when it was used in more decided tests
 * than there are cases: it goes on working, and what passes on it should be believed less until it is replaced by a fresh one.
 */
export function wearOf(validations: readonly Validation[], casesNow: number): ReadonlyMap<string, CaseWear> {
  const limit = Math.max(LEAST, casesNow);
  const wear = new Map<string, CaseWear>();
  const tested = new Set<string>();
  for (const { kind, decision, itemId, pairs, createdAtUs } of validations) {
    if (kind !== "statistical" || decision === "inconclusive") continue;
    for (const { caseId, replicates, laterScores } of pairs) {
      const before = wear.get(caseId) ?? { decided: 0, again: 0, runs: 0, lastUsedAtUs: 0, worn: false };
      const decided = before.decided + 1;
      wear.set(caseId, {
        decided,
        again: before.again + (tested.has(itemId) ? 1 : 0),
        runs: before.runs + 2 * (1 + replicates + (laterScores?.length ?? 0)),
        lastUsedAtUs: Math.max(before.lastUsedAtUs, createdAtUs),
        worn: decided > limit,
      });
    }
    tested.add(itemId);
  }
  return wear;
}
