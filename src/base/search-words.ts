/** Words that say nothing about a task. English only: in other languages bm25 itself weighs common words down. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  `a about after all also an and any are as at be been before but by can could did do does for from get had has have he her here him his how i if in
  into is it its just let like make may me more most my no not of on one only or other our out over please should so some such than that the their
  them then there these they this those to too under up us use very was we were what when where which while who why will with would you your`.split(
    /\s+/,
  ),
);

/** In lower case. */
export function isStopWord(word: string): boolean {
  return STOP_WORDS.has(word);
}

// 20,000 OR-ed terms take 1.6 s; what a task is about is said in its first words.
const MAX_WORDS = 32;
/** A longer word is compared by its beginning. */
export const MAX_WORD_CHARACTERS = 64;
// 32 words that tell stand in far less; this bounds the time and memory of one text, also of a hostile one.
const MAX_TASK_CHARACTERS = 16_384;

/**
 * The words by which a text is searched, whoever searches: letters and digits only, in lower case, each once, in order; at most 32, without stop words.
 * `keepStopWords` falls back to them when there is nothing else.
 */
export function searchWords(text: string, options: { readonly keepStopWords?: boolean } = {}): readonly string[] {
  const words = new Set<string>();
  const telling: string[] = [];
  for (const [word] of text
    .slice(0, MAX_TASK_CHARACTERS)
    .toLowerCase()
    .matchAll(/[\p{L}\p{N}]+/gu)) {
    const beginning = word.slice(0, MAX_WORD_CHARACTERS);
    if (words.has(beginning)) continue;
    words.add(beginning);
    if (!STOP_WORDS.has(beginning) && telling.push(beginning) === MAX_WORDS) break;
  }
  return telling.length === 0 && options.keepStopWords === true ? [...words].slice(0, MAX_WORDS) : telling;
}
