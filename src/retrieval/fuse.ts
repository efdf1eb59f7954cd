import type { Ranked } from "./ranked.ts";

/** k of the paper: how much the very first places count against the next ones. */
const K = 60;

/**
 * Several rankings as one by Reciprocal Rank Fusion (Cormack, Clarke, Büttcher, SIGIR 2009): the score of a slot is the sum of 1 / (60 + its place) over
 * the lists that have it, places from 1. Scores of different kinds never meet. Best first; equal ones by number.
 */
export function fuse(lists: readonly (readonly Ranked[])[]): readonly Ranked[] {
  const scores = new Map<number, number>();
  for (const list of lists) {
    for (const [place, { slot }] of list.entries()) scores.set(slot, (scores.get(slot) ?? 0) + 1 / (K + place + 1));
  }
  return [...scores].map(([slot, score]) => ({ slot, score })).sort((a, b) => b.score - a.score || a.slot - b.slot);
}
