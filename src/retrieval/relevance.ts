import type { Ranked } from "./ranked.ts";
import type { WordMatch } from "./word-index.ts";

// Cosines from which a rule has to do with a task, when they share a word and when they share none. With the table of this package and its fusion with
// BM25, on 150 rules and 450 tasks written by hand: of the rules that are needed and share a word 99.3 % are among the ten given, as without a floor, and
// 31 of 40 % of those that share none. A task that needs no rule is given 0.9 on average and none in 58 of 100, against 3.7 and 27 with words alone.
// 0.20 and 0.25 give such a task 2.3 rules; 0.25 and 0.35 give it 0.6, and only 19 % of the rules that share no word.
const COSINE_WITH_WORD = 0.25;
const COSINE_ALONE = 0.3;

/**
 * The floor: of the slots that were found, those that have to do with the task. One shared word says something about a short question and nothing about a
 * long text, which has a word in common with everything; where there are vectors they must agree. `cosineOf` is undefined for a slot without a vector.
 */
export function relevantSlots(
  wordsAsked: number,
  byWords: readonly WordMatch[],
  byVectors: readonly Ranked[],
  cosineOf: (slot: number) => number | undefined,
): ReadonlySet<number> {
  const needed = wordsAsked <= 8 ? 1 : wordsAsked <= 20 ? 2 : 3;
  const relevant = new Set<number>();
  for (const { slot, matched } of byWords) {
    if (matched >= needed && (cosineOf(slot) ?? 1) >= COSINE_WITH_WORD) relevant.add(slot);
  }
  for (const { slot, score } of byVectors) if (score >= COSINE_ALONE) relevant.add(slot);
  return relevant;
}
