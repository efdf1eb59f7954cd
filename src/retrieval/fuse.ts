import type { Ranked } from "./ranked.ts";

/** k of the paper: how much the very first places count against the next ones. */
const K = 60;

/**
 * Several rankings as one by Reciprocal Rank Fusion (Cormack, Clarke, Büttcher, SIGIR 2009): the score of a slot is the sum of 1 / (60 + its place) over
 * the lists that have it, places from 1. Scores of different kinds never meet. Best first; equal ones by number.
 */
export function fuse(lists: readonly (readonly Ranked[])[]): readonly Ranked[] {
  const known = new Map<number, { readonly slot: number; score: number }>();
  const fused: { readonly slot: number; score: number }[] = [];
  for (const list of lists) {
    for (let place = 0; place < list.length; place += 1) {
      const { slot } = list[place] as Ranked;
      const score = 1 / (K + place + 1);
      const before = known.get(slot);
      if (before !== undefined) before.score += score;
      else {
        const added = { slot, score };
        known.set(slot, added);
        fused.push(added);
      }
    }
  }
  return fused.sort((a, b) => b.score - a.score || a.slot - b.slot);
}
