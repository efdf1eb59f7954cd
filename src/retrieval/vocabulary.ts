import { MAX_WORD_CHARACTERS } from "../base/search-words.ts";
import { createSpellings } from "./spellings.ts";
import { stem } from "./stem.ts";

/** Numbers the stems of all words that were seen. */
export interface Vocabulary {
  /** Writes the term numbers of all words of a text into `terms`, in order, with repeats, and returns how many. */
  learn(text: string, terms: Uint32Array): number;
  /** The term of one word, if any text had it. Learns nothing: what users ask must not fill memory. */
  find(word: string): number | undefined;
  size(): number;
}

// As much as the full-text index of the store sees of one text.
const INDEXED_CHARACTERS = 8_192;
/** Most words of one text. Folding may double the characters of some. */
export const MOST_WORDS: number = INDEXED_CHARACTERS;

/** Words as FTS5's `porter unicode61 remove_diacritics 2` has them: runs of letters and digits, case and accents folded, stemmed. */
export function createVocabulary(): Vocabulary {
  const stems = new Map<string, number>();
  const spellings = createSpellings((word) => {
    const stemmed = stem(word.length > MAX_WORD_CHARACTERS ? word.slice(0, MAX_WORD_CHARACTERS) : word);
    const term = stems.get(stemmed) ?? stems.size;
    stems.set(stemmed, term);
    return term;
  });

  return {
    learn(text, terms) {
      let count = 0;
      const folded = fold(text.length > INDEXED_CHARACTERS ? text.slice(0, INDEXED_CHARACTERS) : text);
      if (!isAscii(folded)) {
        for (const { 0: word, index } of folded.matchAll(/[\p{L}\p{N}]+/gu)) {
          if (count < terms.length) terms[count++] = spellings.termOf(folded, index, index + word.length);
        }
        return count;
      }
      let from = -1;
      for (let at = 0; at <= folded.length; at += 1) {
        const code = folded.charCodeAt(at);
        if ((code >= 97 && code <= 122) || (code >= 48 && code <= 57)) {
          if (from < 0) from = at;
        } else if (from >= 0) {
          if (count < terms.length) terms[count++] = spellings.termOf(folded, from, at);
          from = -1;
        }
      }
      return count;
    },
    find(word) {
      const folded = fold(word);
      // Most words of a question stand in some text as they are.
      return spellings.known(folded) ?? stems.get(stem(folded));
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
