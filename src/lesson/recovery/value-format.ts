/** The same value written in two ways, as a pair of shapes. */
export interface FormatChange {
  readonly before: string;
  readonly after: string;
}

/**
 * Says whether two texts are one value in two formats: the same letters and digits in another order, case or punctuation; the same date;
 * or a fixed mark put before it (`monza` -> `circuit:monza`). Undefined for two different values: those teach nothing.
 */
export function formatChange(before: string, after: string): FormatChange | undefined {
  if (before === after || before.length > MAX_CHARS || after.length > MAX_CHARS) return undefined;
  const shapes = { before: shapeOf(before), after: shapeOf(after) };
  const mark = after.endsWith(before) ? after.slice(0, after.length - before.length) : "";
  if (before !== "" && /^[\p{L}\p{N}_-]{0,20}[:/#@$+]$/u.test(mark)) return { before: "value", after: `${mark}value` };
  if (shapes.before === shapes.after) return undefined;
  return sameCharacters(before, after) || sameDate(before, after) ? shapes : undefined;
}

const MAX_CHARS = 80;

/** Digits keep their count, words only their case: "05 Mar 2019" is "99 Aa 9999". Words in a row count once. */
function shapeOf(text: string): string {
  const shape = text.replace(/\p{L}+|\d/gu, (run) => (/^\d$/.test(run) ? "9" : caseOf(run)));
  return shape.replace(/\b(Aa|aA|a|A)(?: \1)+\b/g, "$1 $1");
}

function caseOf(word: string): string {
  if (word === word.toLowerCase()) return "a";
  if (word === word.toUpperCase() && word.length > 1) return "A";
  return word.slice(1) === word.slice(1).toLowerCase() ? "Aa" : "aA";
}

function sameCharacters(before: string, after: string): boolean {
  const sorted = (text: string): string => [...text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "")].sort().join("");
  const a = sorted(before);
  return a.length > 0 && a === sorted(after);
}

/** Two dates that share the year, and the day or the month; a month may be a name on one side. */
function sameDate(before: string, after: string): boolean {
  if (!isDateLike(before) || !isDateLike(after)) return false;
  const a = numbersIn(before);
  const b = new Set(numbersIn(after));
  return a.some((number) => number >= 1000 && b.has(number)) && a.filter((number) => b.has(number)).length >= 2;
}

function isDateLike(text: string): boolean {
  return text.length <= 40 && /\b\d{4}/.test(text) && (MONTH_NAME.test(text) || numbersIn(text).length >= 3);
}

function numbersIn(text: string): readonly number[] {
  const compact = /^(\d{4})(\d{2})(\d{2})$/.exec(text);
  return (compact === null ? [...text.matchAll(/\d+/g)].map((match) => match[0]) : compact.slice(1)).map(Number);
}

const MONTH_NAME = /\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b/i;
