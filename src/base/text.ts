// Controls except tab and newline, format characters (bidi, zero-width, tags), line and paragraph separators.
const UNPRINTABLE = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Text that a terminal or a page shows as what it is: control, bidi and invisible code points become visible `\u{…}` escapes. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** One line of at most `length` characters, printable, with an ellipsis where it was cut. */
export function oneLine(text: string, length: number): string {
  const line = printable(text).replace(/\s+/g, " ").trim();
  return line.length <= length ? line : `${line.slice(0, Math.max(0, length - 1))}…`;
}
