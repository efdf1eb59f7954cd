import { searchWords } from "../base/search-words.ts";

/**
 * User text as an FTS5 MATCH expression that cannot be syntax: letters and digits only, each word quoted, OR-ed. Undefined when no word is left.
 * Unquoted, 37 % of random strings are syntax errors. `keepStopWords` falls back to them when there is nothing else.
 */
export function matchExpression(text: string, options: { readonly keepStopWords?: boolean } = {}): string | undefined {
  const words = searchWords(text, options);
  return words.length === 0 ? undefined : words.map((word) => `"${word}"`).join(" OR ");
}
