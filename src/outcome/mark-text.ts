/** Stands between all words of data in a prompt. It is taken out of the data first, so that nobody can write it there. */
export const MARK = "\u00a6";

/**
 * Text of a run for a prompt that must not obey it: hidden code points are taken out, and every word is parted from the next by `MARK`
 * ("datamarking", Hines et al. 2024: attacks that succeeded in half of the cases came down to a few in a hundred, where delimiters alone did little).
 * Whoever wrote the text cannot undo it, whatever language it is in; words a person would read without blanks (snake_case, camelCase, Han, long
 * encoded tokens, tags) are parted too. Lines stay lines. A model that reads through the marks is not stopped by them: that takes controls, see llm-judge.ts.
 */
export function markText(text: string): string {
  return plainText(text)
    .replace(/[^\S\n]+/gu, MARK)
    .replace(WORD_JOINT, `$1${MARK}`)
    .replace(CAMEL, `$1${MARK}`)
    .replace(BLANKLESS, `$1${MARK}`)
    .replace(LONG_TOKEN, `$1${MARK}`);
}

/** What two texts have in common when blanks, marks, hidden characters and case are forgotten: whether a model quoted words that are there. */
export function foldQuote(text: string): string {
  return plainText(text).replace(/\s+/gu, "").toLowerCase();
}

const HIDDEN = /(?!\n)[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u{e0000}-\u{e0fff}]|\u00a6|\p{Default_Ignorable_Code_Point}/gu;

/**
 * What a reader sees of a text, without the mark: tabs and line ends of other systems become what they look like, full-width and styled letters (NFKC) letters.
 * May be longer than the text, 18 times at worst.
 */
export function plainText(text: string): string {
  return text
    .normalize("NFKC")
    .replace(/\r\n?|[\p{Zl}\p{Zp}]/gu, "\n")
    .replace(/\t/gu, " ")
    .replace(HIDDEN, "");
}

const WORD_JOINT = /([\p{P}\p{S}])(?=[\p{L}])(?<!\u00a6)/gu;
const CAMEL = /(\p{Ll})(?=\p{Lu})/gu;
const BLANKLESS =
  /([\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}])(?=[\p{L}\p{N}])/gu;
const LONG_TOKEN = /([^\s\u00a6]{12})(?=[^\s\u00a6])/gu;
