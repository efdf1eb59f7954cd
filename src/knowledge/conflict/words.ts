// Words that carry no subject. Negations and the words that open a condition are read before these are dropped.
const EMPTY = new Set(
  `s a about again all also always an and any are as at be been being both but by can could did do does done each either ensure every for from get give
  good has have he her here him his how i if in instead into is it its just let make may me might must my need of on one only or other our out over please
  prefer rather shall she should since so some such take than that the their them then there these they thing this those through to too up us use used
  user using very via was we were what when whenever where whether which while who whose will with would you your yes etc apply choose include leave once perform
  not no never don doesn mustn shouldn cannot avoid skip omit refuse forbid forbidden forget without before after first`.split(/\s+/),
);

/**
 * The stem of an English word: enough that "retries", "retried" and "retry" meet. A real stemmer brings more words together than are meant by the same
 * rule; identifiers, which hold a digit, a dot or an underscore, stay whole.
 */
export function stem(word: string): string {
  if (word.length <= 3 || !/^\p{L}+$/u.test(word)) return word;
  const base = word
    .replace(/ies$|ied$/, "y")
    .replace(/(ss|x|ch|sh)es$/, "$1")
    .replace(/(?<=[^s])s$/, "")
    .replace(/(?<=\w{3})(?:ing|ed)$/, "")
    .replace(/([^aeiouls])\1$/, "$1");
  return base.length > 3 ? base.replace(/e$/, "") : base;
}

const EMPTY_STEMS = new Set([...EMPTY].map(stem));

/** Whether a stem says nothing about the subject. */
export function isEmptyWord(stemmed: string): boolean {
  return EMPTY_STEMS.has(stemmed);
}

/** Words, numbers and identifiers of a text in their order, lower case; a name with dots or underscores is one. */
export function tokens(text: string): readonly string[] {
  return (
    text
      .normalize("NFKC")
      .toLowerCase()
      .match(/\p{L}+(?:-\p{L}+)+|[\p{L}\p{N}_]+(?:\.[\p{L}\p{N}_]+)*/gu) ?? []
  );
}

/** The subject of a text: distinct stems without empty words. */
export function subjectOf(text: string): ReadonlySet<string> {
  return new Set(
    tokens(text)
      .map(stem)
      .filter((word) => !isEmptyWord(word)),
  );
}

/** Shared words over those of the smaller set; 0 when one of them is empty. */
export function overlap(left: ReadonlySet<string>, right: ReadonlySet<string>): number {
  const smaller = Math.min(left.size, right.size);
  return smaller === 0 ? 0 : [...left].filter((word) => right.has(word)).length / smaller;
}
