/**
 * Porter's stemmer (M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980) for words in lower case, in the variant of SQLite's FTS5
 * tokenizer "porter": `bli` and `logi` of the author's later version, words below 3 characters untouched. FTS5 is the oracle of the tests.
 */
export function stem(word: string): string {
  if (word.length < 3) return word;
  let stemmed = pluralOff(word);
  stemmed = participleOff(stemmed);
  if (stemmed.endsWith("y") && hasVowel(stemmed.slice(0, -1))) stemmed = `${stemmed.slice(0, -1)}i`;
  stemmed = replaceSuffix(stemmed, STEP_2, (rest) => measure(rest) > 0);
  stemmed = replaceSuffix(stemmed, STEP_3, (rest) => measure(rest) > 0);
  stemmed = replaceSuffix(stemmed, STEP_4, (rest, suffix) => measure(rest) > 1 && (suffix !== "ion" || /[st]$/.test(rest)));
  return finalOff(stemmed);
}

type Suffixes = readonly (readonly [suffix: string, replacement: string])[];

// Where one suffix ends in another the longer stands first: the first that matches decides, also when its condition does not hold.
const STEP_2: Suffixes = [
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
];
const STEP_3: Suffixes = [
  ["icate", "ic"],
  ["ative", ""],
  ["alize", "al"],
  ["iciti", "ic"],
  ["ical", "ic"],
  ["ful", ""],
  ["ness", ""],
];
const STEP_4: Suffixes = "al ance ence er ic able ible ant ement ment ent ion ou ism ate iti ous ive ize"
  .split(" ")
  .map((suffix) => [suffix, ""]);

function replaceSuffix(word: string, suffixes: Suffixes, holds: (rest: string, suffix: string) => boolean): string {
  for (const [suffix, replacement] of suffixes) {
    if (word.length <= suffix.length || !word.endsWith(suffix)) continue;
    const rest = word.slice(0, -suffix.length);
    return holds(rest, suffix) ? rest + replacement : word;
  }
  return word;
}

function pluralOff(word: string): string {
  if (!word.endsWith("s")) return word;
  if ((word.length > 4 && word.endsWith("sses")) || (word.length > 3 && word.endsWith("ies"))) return word.slice(0, -2);
  return word.endsWith("ss") ? word : word.slice(0, -1);
}

function participleOff(word: string): string {
  if (word.length > 3 && word.endsWith("eed")) return measure(word.slice(0, -3)) > 0 ? word.slice(0, -1) : word;
  const suffix = ["ed", "ing"].find((candidate) => word.length > candidate.length && word.endsWith(candidate));
  if (suffix === undefined) return word;
  const rest = word.slice(0, -suffix.length);
  if (!hasVowel(rest)) return word;
  if (rest.length > 2 && /(?:at|bl|iz)$/.test(rest)) return `${rest}e`;
  if (/([^aeiou])\1$/.test(rest) && !/[lsz]$/.test(rest)) return rest.slice(0, -1);
  return measure(rest) === 1 && endsShort(rest) ? `${rest}e` : rest;
}

function finalOff(word: string): string {
  let stemmed = word;
  if (stemmed.endsWith("e")) {
    const rest = stemmed.slice(0, -1);
    const vowelGroups = measure(rest);
    if (vowelGroups > 1 || (vowelGroups === 1 && !endsShort(rest))) stemmed = rest;
  }
  return stemmed.endsWith("ll") && measure(stemmed.slice(0, -1)) > 1 ? stemmed.slice(0, -1) : stemmed;
}

/** C for a consonant, V for a vowel. A `y` is a vowel after a consonant. */
function shape(word: string): string {
  let letters = "";
  for (let at = 0; at < word.length; at += 1) {
    const letter = word[at] as string;
    const vowel = "aeiou".includes(letter) || (letter === "y" && at > 0 && letters[at - 1] === "C");
    letters += vowel ? "V" : "C";
  }
  return letters;
}

/** How often a vowel is followed by a consonant. */
function measure(word: string): number {
  return shape(word).split("VC").length - 1;
}

function hasVowel(word: string): boolean {
  return shape(word).includes("V");
}

/** Consonant, vowel, consonant other than w, x, y. */
function endsShort(word: string): boolean {
  return shape(word).endsWith("CVC") && !/[wxy]$/.test(word);
}
