/** Words that say nothing about a task. English only: in other languages bm25 itself weighs common words down. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  `a about after all also an and any are as at be been before but by can could did do does for from get had has have he her here him his how i if in
  into is it its just let like make may me more most my no not of on one only or other our out over please should so some such than that the their
  them then there these they this those to too under up us use very was we were what when where which while who why will with would you your`.split(
    /\s+/,
  ),
);

// 20,000 OR-ed terms take 1.6 s; what a task is about is said in its first words.
const MAX_TERMS = 32;
const MAX_TERM_CHARACTERS = 64;

/**
 * User text as an FTS5 MATCH expression that cannot be syntax: letters and digits only, each word quoted, OR-ed. Undefined when no word is left.
 * Unquoted, 37 % of random strings are syntax errors. `keepStopWords` falls back to them when there is nothing else.
 */
export function matchExpression(text: string, options: { readonly keepStopWords?: boolean } = {}): string | undefined {
  const words = new Set<string>();
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) words.add(word.slice(0, MAX_TERM_CHARACTERS));
  const telling = [...words].filter((word) => !STOP_WORDS.has(word));
  const chosen = telling.length === 0 && options.keepStopWords === true ? [...words] : telling;
  if (chosen.length === 0) return undefined;
  return chosen
    .slice(0, MAX_TERMS)
    .map((word) => `"${word}"`)
    .join(" OR ");
}
