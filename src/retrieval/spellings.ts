/** The term of each spelling of a word, asked for by its place in a text: most words were in another text before, and need no string of their own. */
export interface Spellings {
  termOf(text: string, from: number, to: number): number;
  /** The term of a spelling that was learnt; learns nothing. */
  known(word: string): number | undefined;
}

/** A hash table with open addresses. `learn` is called once per spelling: to stem a word takes some 3 µs, and 10,000 items have 300,000 words. */
export function createSpellings(learn: (word: string) => number): Spellings {
  const words: string[] = [];
  const terms: number[] = [];
  const hashes: number[] = [];
  // Places in the lists above, plus one; 0 is empty.
  let table = new Int32Array(1 << 12);

  function widen(): void {
    table = new Int32Array(table.length * 2);
    for (const [index, hash] of hashes.entries()) {
      let place = hash & (table.length - 1);
      while (table[place] !== 0) place = (place + 1) & (table.length - 1);
      table[place] = index + 1;
    }
  }

  // FNV-1a. Words made to collide cost a walk each, and an item holds 8,192 characters at most.
  function hashOf(text: string, from: number, to: number): number {
    let hash = 0x811c9dc5;
    for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    return hash;
  }

  /** Where the spelling stands in the table, or the empty place where it would. */
  function placeOf(hash: number, text: string, from: number, to: number): number {
    let place = hash & (table.length - 1);
    for (let index = table[place] as number; index !== 0; index = table[place] as number) {
      const word = words[index - 1] as string;
      if (hashes[index - 1] === hash && word.length === to - from && text.startsWith(word, from)) return place;
      place = (place + 1) & (table.length - 1);
    }
    return place;
  }

  return {
    known(word) {
      const index = table[placeOf(hashOf(word, 0, word.length), word, 0, word.length)] as number;
      return index === 0 ? undefined : terms[index - 1];
    },
    termOf(text, from, to) {
      const hash = hashOf(text, from, to);
      const place = placeOf(hash, text, from, to);
      const index = table[place] as number;
      if (index !== 0) return terms[index - 1] as number;
      const word = text.slice(from, to);
      const term = learn(word);
      words.push(word);
      terms.push(term);
      hashes.push(hash);
      table[place] = words.length;
      if (words.length * 2 > table.length) widen();
      return term;
    },
  };
}
