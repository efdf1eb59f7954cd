import { MAX_WORD_CHARACTERS } from "../base/search-words.ts";
import { stem } from "./stem.ts";

/** Numbers the stems of all words that were seen. */
export interface Vocabulary {
  /** Term numbers of all words of a text, in order, with repeats. The array is reused by the next call. */
  learn(text: string): readonly number[];
  /** The term of one word, if any text had it. Learns nothing: what users ask must not fill memory. */
  find(word: string): number | undefined;
  size(): number;
}

// As much as the full-text index of the store sees of one text.
const INDEXED_CHARACTERS = 8_192;

/** Words as FTS5's `porter unicode61 remove_diacritics 2` has them: runs of letters and digits, case and accents folded, stemmed. */
export function createVocabulary(): Vocabulary {
  const stems = new Map<string, number>();
  // Each spelling is stemmed once: most words of a text were in another before. 10,000 items take a quarter of the time for it.
  const spellings = new Map<string, number>();
  const terms: number[] = [];

  function termOf(word: string): number {
    const known = spellings.get(word);
    if (known !== undefined) return known;
    const stemmed = stem(word.length > MAX_WORD_CHARACTERS ? word.slice(0, MAX_WORD_CHARACTERS) : word);
    const term = stems.get(stemmed) ?? stems.size;
    stems.set(stemmed, term);
    spellings.set(word, term);
    return term;
  }

  return {
    learn(text) {
      terms.length = 0;
      const folded = fold(text.length > INDEXED_CHARACTERS ? text.slice(0, INDEXED_CHARACTERS) : text);
      if (!isAscii(folded)) {
        for (const [word] of folded.matchAll(/[\p{L}\p{N}]+/gu)) terms.push(termOf(word));
        return terms;
      }
      let from = -1;
      for (let at = 0; at <= folded.length; at += 1) {
        const code = folded.charCodeAt(at);
        if ((code >= 97 && code <= 122) || (code >= 48 && code <= 57)) {
          if (from < 0) from = at;
        } else if (from >= 0) {
          terms.push(termOf(folded.slice(from, at)));
          from = -1;
        }
      }
      return terms;
    },
    find(word) {
      const folded = fold(word);
      return spellings.get(folded) ?? stems.get(stem(folded));
    },
    size: () => stems.size,
  };
}

/** Lower case without the accents of Latin, Greek and Cyrillic; marks of other scripts carry meaning and stay. */
function fold(text: string): string {
  const lower = text.toLowerCase();
  return isAscii(lower)
    ? lower
    : lower
        .normalize("NFD")
        .replace(/[\u0300-\u036f]/gu, "")
        .normalize("NFC");
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII begins with them.
  return /^[\x00-\x7f]*$/.test(text);
}
