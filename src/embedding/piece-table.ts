/** Pieces of words by their text, asked for by what a word goes on with. */
export interface PieceTable {
  /** The row of the longest piece that stands in `word` from `from` on. */
  longestAt(word: string, from: number): number | undefined;
}

/**
 * A hash table with open addresses of the pieces of a vocabulary for which `textOf` gives a text; of equal ones the last. The hash of a piece comes from that
 * of the piece without its last character, so that all beginnings of a word are asked for in one walk and no string is made: with a map of strings the
 * pieces of a question in unusual words took as long as all else of its embedding.
 */
export function createPieceTable(vocabulary: readonly string[], textOf: (piece: string) => string | undefined): PieceTable {
  const texts = vocabulary.map(textOf);
  const mask = 2 ** Math.ceil(Math.log2(vocabulary.length * 2 + 2)) - 1;
  // Pairs of a hash and a row plus one; 0 is empty. The texts themselves stand all over the memory.
  const table = new Int32Array(2 * (mask + 1));
  const longest = texts.reduce((most, text) => Math.max(most, text?.length ?? 0), 0);
  /** Of the beginnings of the word at hand, by length. */
  const hashes = new Int32Array(longest + 1);

  function placeOf(hash: number, text: string, from: number, length: number): number {
    let place = (hash ^ (hash >>> 15)) & mask;
    for (let row = table[2 * place + 1] as number; row !== 0; row = table[2 * place + 1] as number) {
      if (table[2 * place] === hash) {
        const piece = texts[row - 1] as string;
        if (piece.length === length && text.startsWith(piece, from)) return place;
      }
      place = (place + 1) & mask;
    }
    return place;
  }

  for (const [row, text] of texts.entries()) {
    if (text === undefined) continue;
    let hash = START;
    for (let at = 0; at < text.length; at += 1) hash = next(hash, text.charCodeAt(at));
    const place = placeOf(hash, text, 0, text.length);
    table[2 * place] = hash;
    table[2 * place + 1] = row + 1;
  }

  return {
    longestAt(word, from) {
      const most = Math.min(longest, word.length - from);
      let hash = START;
      for (let length = 1; length <= most; length += 1) {
        hash = next(hash, word.charCodeAt(from + length - 1));
        hashes[length] = hash;
      }
      for (let length = most; length > 0; length -= 1) {
        const row = table[2 * placeOf(hashes[length] as number, word, from, length) + 1] as number;
        if (row !== 0) return row - 1;
      }
      return undefined;
    },
  };
}

// FNV-1a.
const START = 0x811c9dc5 | 0;

function next(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193);
}
