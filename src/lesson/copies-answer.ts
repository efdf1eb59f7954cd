import { isStopWord } from "../base/search-words.ts";
import { foldText } from "../base/similarity.ts";
import type { Lesson } from "./lesson.ts";

/** An eval case as far as a lesson could give it away. */
export interface KnownAnswer {
  readonly task: string;
  readonly expected: string;
}

/** Words in a row. Fewer are phrases of the subject ("from drivers where name"); more let a sentence through that was changed in one place. */
const GRAM = 5;
/** Of those, words that tell something: "by one plus the rate" is in more than one text about interest. */
const TELLING = 3;

/** Answers that any text may hold by chance. */
const COMMON: ReadonlySet<string> = new Set("yes no true false none null unknown error ok other all both neither".split(" "));

/**
 * Looks for expected answers in lessons: a learner that has seen an answer can make a candidate pass by telling it. Says which case a lesson copies, as a reason for
 * a refusal; undefined when none. Copied is: five words in a row, three of them telling, of an answer that its own task does not hold; or the whole of a shorter answer
 * (a number of two digits or more, a name) that stands in none of the runs the lesson was read from, so that it can only come from the answers.
 */
export function createAnswerCheck(
  answers: readonly KnownAnswer[],
): (lesson: Pick<Lesson, "content" | "appliesWhen">, runTexts: () => readonly string[]) => string | undefined {
  const grams = new Map<string, string>();
  const short = new Map<string, string>();
  for (const { task, expected } of answers) {
    const words = wordsOf(expected);
    const asked = spaced(wordsOf(task));
    for (const gram of gramsOf(words)) if (!asked.includes(spaced([gram]))) grams.set(gram, task);
    if (words.length > 0 && words.length < GRAM && isTelling(expected, words) && !asked.includes(spaced(words)))
      short.set(words.join(" "), task);
  }
  return ({ content, appliesWhen }, runTexts) => {
    if (grams.size + short.size === 0) return undefined;
    for (const text of [content, appliesWhen]) {
      const words = wordsOf(text);
      const long = gramsOf(words).find((gram) => grams.has(gram));
      if (long !== undefined) return reasonFor(grams.get(long) ?? "");
      const said = spaced(words);
      for (const [answer, task] of short) {
        if (!said.includes(spaced([answer]))) continue;
        if (!runTexts().some((run) => spaced(wordsOf(run)).includes(spaced([answer])))) return reasonFor(task);
      }
    }
    return undefined;
  };
}

function reasonFor(task: string): string {
  return `it copies the expected answer of the eval case "${task.slice(0, 80)}"`;
}

/** Words and numbers, folded; 1,157.6 is one number, and so is 1157.6. */
function wordsOf(text: string): readonly string[] {
  return (
    foldText(text)
      .replace(/(?<=\d),(?=\d{3}(?!\d))/g, "")
      .match(/\d+(?:\.\d+)?|[\p{L}\p{N}_]+/gu) ?? []
  );
}

function gramsOf(words: readonly string[]): readonly string[] {
  if (words.length < GRAM) return [];
  const grams = words.slice(GRAM - 1).map((_, index) => words.slice(index, index + GRAM));
  return grams.filter((gram) => gram.filter((word) => !isStopWord(word)).length >= TELLING).map((gram) => gram.join(" "));
}

function spaced(words: readonly string[]): string {
  return ` ${words.join(" ")} `;
}

/** A number of two digits or more, or something written with a capital; no yes and no. */
function isTelling(expected: string, words: readonly string[]): boolean {
  if (words.every((word) => COMMON.has(word))) return false;
  return words.some((word) => /\d.*\d/.test(word)) || /\p{Lu}[\p{L}\p{N}]{2}/u.test(expected.normalize("NFKC"));
}
