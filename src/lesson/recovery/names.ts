/** True when `text` names `name` as a whole word, in any case. */
export function mentions(text: string, name: string): boolean {
  if (name === "") return false;
  const [hay, needle] = [text.toLowerCase(), name.toLowerCase()];
  for (let at = hay.indexOf(needle); at !== -1; at = hay.indexOf(needle, at + 1)) {
    if (!isWord(hay[at - 1]) && !isWord(hay[at + needle.length])) return true;
  }
  return false;
}

/** True for two spellings of one name: they share a word, one holds the other, or they differ by at most two letters. */
export function areSimilarNames(a: string, b: string): boolean {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()];
  if (x === y) return true;
  if (Math.min(x.length, y.length) >= 3 && (x.includes(y) || y.includes(x))) return true;
  const words = new Set(wordsOf(a));
  if (wordsOf(b).some((word) => word.length >= 3 && words.has(word))) return true;
  return Math.min(x.length, y.length) >= 4 && distance(x, y) <= 2;
}

function wordsOf(name: string): readonly string[] {
  return name
    .replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}_]/u.test(character);
}

/** Edits between two short names; 3 or more is reported as 3. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2 || a.length > 64) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      next.push(Math.min((row[j] ?? 0) + (letter === other ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 3;
}
