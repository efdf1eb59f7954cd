import type { Clock } from "../base/clock.ts";
import { isLearnError, messageOf } from "../base/error.ts";
import { clashBetween, conflictOf, holds, mayClash } from "../knowledge/conflict.ts";
import type { ConflictJudge } from "../knowledge/conflict-judge.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import type { ConflictStore, KnowledgeStore } from "../knowledge/ports.ts";

export interface JudgeConflictsOptions {
  readonly store: KnowledgeStore & ConflictStore;
  readonly clock: Clock;
  readonly judge: ConflictJudge;
  /** Pairs a cycle may ask about. Default 20; the next cycle goes on where this one stopped. */
  readonly maxPairs?: number;
  readonly signal?: AbortSignal;
}

export interface JudgedConflicts {
  /** Pairs the model answered about, how many of them clash, and answers that were refused: for those the rules alone decide. */
  readonly judged: number;
  readonly found: number;
  readonly refused: number;
  /** Why the model could not be asked. */
  readonly error?: string;
}

/**
 * Asks about pairs that share a situation and that the rules let pass, each once per text, before anything is promoted. A model that cannot be reached,
 * or answers badly, holds nobody up. Rejects "cancelled" on abort.
 */
export async function judgeConflicts(options: JudgeConflictsOptions): Promise<JudgedConflicts> {
  const { store, clock, judge, maxPairs = 20, signal } = options;
  const counts = { judged: 0, found: 0, refused: 0 };
  for (const [first, second] of await undecided(store, maxPairs)) {
    try {
      const answer = await judge.judge(first, second, signal);
      if (answer === undefined) {
        counts.refused += 1;
        continue;
      }
      counts.judged += 1;
      if (answer !== "compatible") counts.found += 1;
      const clash = answer === "compatible" ? ({ kind: "compatible", rule: "judge", first: "", second: "", reason: "" } as const) : answer;
      await store.saveConflicts([conflictOf(first, second, clash, clock.nowUs())]);
    } catch (caught) {
      if (signal?.aborted === true || (isLearnError(caught) && caught.code === "cancelled")) throw caught;
      return { ...counts, error: messageOf(caught) };
    }
  }
  return counts;
}

/** Pairs of something that may come to be given and something active, ordered by id, that nobody looked at in their present words. */
async function undecided(
  store: KnowledgeStore & ConflictStore,
  maxPairs: number,
): Promise<readonly (readonly [KnowledgeItem, KnowledgeItem])[]> {
  const active = await store.listKnowledge({ status: "active", limit: 1_000 });
  const waiting = [
    ...(await store.listKnowledge({ status: "validated", limit: 1_000 })),
    ...(await store.listKnowledge({ status: "candidate", limit: 1_000 })),
  ];
  if (active.length === 0 || waiting.length === 0) return [];
  const known = new Map((await store.listConflicts()).map((conflict) => [`${conflict.firstId} ${conflict.secondId}`, conflict]));
  const pairs: (readonly [KnowledgeItem, KnowledgeItem])[] = [];
  for (const item of waiting) {
    for (const other of active) {
      if (pairs.length >= maxPairs) return pairs;
      const [first, second] = item.id < other.id ? [item, other] : [other, item];
      const seen = known.get(`${first.id} ${second.id}`);
      if (seen !== undefined && holds(seen, first, second)) continue;
      if (mayClash(first, second) && clashBetween(first, second) === undefined) pairs.push([first, second]);
    }
  }
  return pairs;
}
