/**
 * Porter's stemmer (M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980) for words in lower case, in the variant of SQLite's FTS5
 * tokenizer "porter": `bli` and `logi` of the author's later version, words below 3 characters untouched. FTS5 is the oracle of the tests.
 */
export function stem(word: string): string {
  if (word.length < 3) return word;
  let stemmed = participleOff(pluralOff(word));
  if (stemmed.endsWith("y") && hasVowel(stemmed, stemmed.length - 1)) stemmed = `${stemmed.slice(0, -1)}i`;
  stemmed = replaceSuffix(stemmed, STEP_2, (end) => measure(stemmed, end) > 0);
  stemmed = replaceSuffix(stemmed, STEP_3, (end) => measure(stemmed, end) > 0);
  stemmed = replaceSuffix(stemmed, STEP_4, (end, suffix) => measure(stemmed, end) > 1 && (suffix !== "ion" || endsInSOrT(stemmed, end)));
  return finalOff(stemmed);
}

type Suffixes = readonly (readonly [suffix: string, replacement: string])[];
/** By their last letter: most words end in none of them. */
type SuffixTable = ReadonlyMap<string, Suffixes>;

// Where one suffix ends in another the longer stands first: the first that matches decides, also when its condition does not hold.
const STEP_2: SuffixTable = byLastLetter([
  ["ational", "ate"],
  ["tional", "tion"],
  ["enci", "ence"],
  ["anci", "ance"],
  ["izer", "ize"],
  ["logi", "log"],
  ["bli", "ble"],
  ["alli", "al"],
  ["entli", "ent"],
  ["eli", "e"],
  ["ousli", "ous"],
  ["ization", "ize"],
  ["ation", "ate"],
  ["ator", "ate"],
  ["alism", "al"],
  ["iveness", "ive"],
  ["fulness", "ful"],
  ["ousness", "ous"],
  ["aliti", "al"],
  ["iviti", "ive"],
  ["biliti", "ble"],
]);
const STEP_3: SuffixTable = byLastLetter([
  ["icate", "ic"],
  ["ative", ""],
  ["alize", "al"],
  ["iciti", "ic"],
  ["ical", "ic"],
  ["ful", ""],
  ["ness", ""],
]);
const STEP_4: SuffixTable = byLastLetter(
  "al ance ence er ic able ible ant ement ment ent ion ou ism ate iti ous ive ize".split(" ").map((suffix) => [suffix, ""] as const),
);

function byLastLetter(suffixes: Suffixes): SuffixTable {
  const table = new Map<string, (readonly [string, string])[]>();
  for (const entry of suffixes) {
    const letter = entry[0].at(-1) as string;
    table.set(letter, [...(table.get(letter) ?? []), entry]);
  }
  return table;
}

/** `holds` is asked with the length of what stays. */
function replaceSuffix(word: string, table: SuffixTable, holds: (end: number, suffix: string) => boolean): string {
  for (const [suffix, replacement] of table.get(word[word.length - 1] as string) ?? []) {
    if (word.length <= suffix.length || !word.endsWith(suffix)) continue;
    const end = word.length - suffix.length;
    return holds(end, suffix) ? word.slice(0, end) + replacement : word;
  }
  return word;
}

function pluralOff(word: string): string {
  if (!word.endsWith("s")) return word;
  if ((word.length > 4 && word.endsWith("sses")) || (word.length > 3 && word.endsWith("ies"))) return word.slice(0, -2);
  return word.endsWith("ss") ? word : word.slice(0, -1);
}

function participleOff(word: string): string {
  if (word.length > 3 && word.endsWith("eed")) return measure(word, word.length - 3) > 0 ? word.slice(0, -1) : word;
  const cut = word.length > 2 && word.endsWith("ed") ? 2 : word.length > 3 && word.endsWith("ing") ? 3 : 0;
  if (cut === 0 || !hasVowel(word, word.length - cut)) return word;
  const rest = word.slice(0, -cut);
  if (rest.length > 2 && /(?:at|bl|iz)$/.test(rest)) return `${rest}e`;
  if (/([^aeiou])\1$/.test(rest) && !/[lsz]$/.test(rest)) return rest.slice(0, -1);
  return measure(rest, rest.length) === 1 && endsShort(rest, rest.length) ? `${rest}e` : rest;
}

function finalOff(word: string): string {
  let stemmed = word;
  if (stemmed.endsWith("e")) {
    const end = stemmed.length - 1;
    const times = measure(stemmed, end);
    if (times > 1 || (times === 1 && !endsShort(stemmed, end))) stemmed = stemmed.slice(0, -1);
  }
  return stemmed.endsWith("ll") && measure(stemmed, stemmed.length - 1) > 1 ? stemmed.slice(0, -1) : stemmed;
}

/** A `y` is a vowel after a consonant. */
function isVowel(word: string, at: number, afterVowel: boolean): boolean {
  switch (word.charCodeAt(at)) {
    case 97: // a
    case 101: // e
    case 105: // i
    case 111: // o
    case 117: // u
      return true;
    case 121: // y
      return at > 0 && !afterVowel;
    default:
      return false;
  }
}

/** How often, up to `end`, a vowel is followed by a consonant. */
function measure(word: string, end: number): number {
  let times = 0;
  let vowel = false;
  for (let at = 0; at < end; at += 1) {
    const isNext = isVowel(word, at, vowel);
    if (vowel && !isNext) times += 1;
    vowel = isNext;
  }
  return times;
}

function hasVowel(word: string, end: number): boolean {
  for (let at = 0; at < end; at += 1) if (isVowel(word, at, false)) return true;
  return false;
}

/** Consonant, vowel, consonant other than w, x, y, before `end`. */
function endsShort(word: string, end: number): boolean {
  let last = 0;
  let vowel = false;
  for (let at = 0; at < end; at += 1) {
    vowel = isVowel(word, at, vowel);
    last = ((last << 1) | (vowel ? 1 : 0)) & 7;
  }
  return end > 2 && last === 0b010 && !"wxy".includes(word[end - 1] as string);
}

function endsInSOrT(word: string, end: number): boolean {
  return word[end - 1] === "s" || word[end - 1] === "t";
}
