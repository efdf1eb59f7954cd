import type { Ranked } from "./ranked.ts";
import type { WordMatch } from "./word-index.ts";

// Measured on 150 rules and 450 tasks written by hand, with the table of this package; the numbers were chosen on that set, so expect a little less elsewhere.
// Of the tasks that need no rule 92 of 100 are given none. Of the rules that share a word with their task 98 % are among the first five, as without a floor;
// of those that share none 15 %, and 49 % without a floor. With 0.35 alone it is 18 %, and 15 of 100 tasks are given what they do not need.
const COSINE_WITH_WORDS = 0.25;
const COSINE_ALONE = 0.38;
/** Shared words that let a rule in, where its cosine agrees. */
const WORDS_TO_ENTER = 2;
/** Shared words from which the ranking by words counts: by fewer it is mostly wrong, and pulls the fusion below the vectors alone (nDCG@10 0.57 against 0.68; so 0.69). */
const WORDS_TO_RANK = 3;

/** The rankings that are fused, without what has nothing to do with the task. */
export interface Relevant {
  readonly byWords: readonly Ranked[];
  readonly byVectors: readonly Ranked[];
}

/**
 * The floor. `wordsAsked`: words of the task that are searched. `cosineOf` is undefined for a slot without a vector; then, and where there are no vectors
 * at all, words must do: one of a short question, two of a longer one, three of a long text, which has a word in common with everything.
 */
export function relevant(
  wordsAsked: number,
  byWords: readonly WordMatch[],
  byVectors: readonly Ranked[],
  cosineOf: (slot: number) => number | undefined,
): Relevant {
  const alone = wordsAsked <= 2 ? 1 : wordsAsked <= 20 ? 2 : 3;
  const enters = ({ slot, matched }: WordMatch): boolean => {
    const cosine = cosineOf(slot);
    return cosine === undefined ? matched >= alone : matched >= Math.min(WORDS_TO_ENTER, wordsAsked) && cosine >= COSINE_WITH_WORDS;
  };
  const entered = byWords.filter(enters);
  const slots = new Set(entered.map(({ slot }) => slot));
  return {
    byWords: entered.filter(({ slot, matched }) => cosineOf(slot) === undefined || matched >= Math.min(WORDS_TO_RANK, wordsAsked)),
    byVectors: byVectors.filter(({ slot, score }) => score >= COSINE_ALONE || slots.has(slot)),
  };
}
