import { foldText, jaccard, tokenSet } from "../base/similarity.ts";

/** Share of distinct words from which two tasks count as the same one: a changed number in a sentence of ten words stays below it. */
const SAME_TASK = 0.9;

/**
 * Leaves out the cases that repeat a task the item was learnt from: equal after folding case, width and space, nearly the same words, or the words of the
 * case in a row inside the source, as where a prompt puts an instruction around the question.
 * An item that quotes the answer to its own task would otherwise be its own proof.
 */
export function excludeOwnTasks<Case extends { readonly task: string }>(
  cases: readonly Case[],
  sourceTasks: readonly string[],
): readonly Case[] {
  const sources = sourceTasks.map((task) => ({ folded: foldText(task), tokens: tokenSet(task), words: wordsOf(task) }));
  return cases.filter(({ task }) => {
    const folded = foldText(task);
    const tokens = tokenSet(task);
    const words = wordsOf(task);
    return !sources.some(
      (source) =>
        source.folded === folded || jaccard(source.tokens, tokens) >= SAME_TASK || (words.trim() !== "" && source.words.includes(words)),
    );
  });
}

/** The words in order, each between spaces, so that one text is found inside another at whole words only. */
function wordsOf(text: string): string {
  return ` ${(foldText(text).match(/[\p{L}\p{N}]+/gu) ?? []).join(" ")} `;
}
