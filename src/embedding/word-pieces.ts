import { createPieceTable } from "./piece-table.ts";

/**
 * Uncased BERT WordPiece: the text is cleaned, lower-cased, stripped of accents, split at spaces and punctuation, and each word is taken apart into the
 * longest pieces of the vocabulary from the left. Devlin et al. 2018. Names of special tokens in the text ("[MASK]") are text like any other.
 */
export interface WordPieces {
  /** Calls `take` with the row of each piece, in order; a word that cannot be put together from pieces is left out. */
  forEach(text: string, take: (row: number) => void): void;
}

/** A word of more characters than this is no word; the teacher drops it too. */
const MAX_WORD_CHARACTERS = 100;

/** `vocabulary`: pieces in the order of their rows; a piece that continues a word starts with "##". */
export function createWordPieces(vocabulary: readonly string[]): WordPieces {
  const isContinuation = (piece: string): boolean => piece.startsWith("##") && piece.length > 2;
  const starts = createPieceTable(vocabulary, (piece) => (isContinuation(piece) ? undefined : piece));
  const continuations = createPieceTable(vocabulary, (piece) => (isContinuation(piece) ? piece.slice(2) : undefined));
  const rows: number[] = [];
  return {
    forEach: (text, take) => {
      for (const word of wordsOf(text)) if (split(word)) rows.forEach(take);
    },
  };

  /** Fills `rows` with the pieces of a word; false when some part of it is in no piece. */
  function split(word: string): boolean {
    rows.length = 0;
    const isLong = word.length > MAX_WORD_CHARACTERS && [...word].length > MAX_WORD_CHARACTERS;
    for (let from = 0; from < word.length; ) {
      const row = (from === 0 ? starts : continuations).longestAt(word, from);
      if (row === undefined) return false;
      rows.push(row);
      from += (vocabulary[row] as string).length - (from === 0 ? 0 : 2);
      // The vocabulary may hold a word as long as that in one piece.
      if (isLong && from < word.length) return false;
    }
    return rows.length > 0;
  }
}

// Words and single punctuation marks. ASCII symbols count as punctuation too, as in BERT.
const ASCII_WORDS = /[a-z0-9]+|[!-/:-@[-`{-~]/g;
const WORDS = /[^\s\p{P}$+<=>^`|~]+|[\p{P}$+<=>^`|~]/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are to go.
const ASCII_CONTROLS = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g;
// Not \p{Cn}: what is unassigned depends on the Unicode version of the Node that runs this.
const DROPPED = /(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\p{Cs}\ufffd]/gu;
const MARKS = /\p{Mn}/gu;
const IDEOGRAPHS =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
const ASCII = /^[\0-\x7f]*$/;

/** The words and marks of a text in normal form. */
export function wordsOf(text: string): readonly string[] {
  // Nearly every English text: one pass instead of five.
  if (ASCII.test(text)) return text.replace(ASCII_CONTROLS, "").toLowerCase().match(ASCII_WORDS) ?? [];
  const clean = text.replace(DROPPED, "").replace(IDEOGRAPHS, " $& ").normalize("NFD").replace(MARKS, "");
  return lowered(clean).match(WORDS) ?? [];
}

/** Character by character, because a whole text would turn a Greek sigma at the end of a word into another letter than the teacher saw. */
function lowered(text: string): string {
  return text.includes("Σ") ? Array.from(text, (character) => character.toLowerCase()).join("") : text.toLowerCase();
}
