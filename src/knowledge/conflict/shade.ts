/** Something between quotes of any kind, on one line. An apostrophe inside a word opens none. */
export const QUOTED: RegExp =
  /`([^`\n]{1,80})`|(?<![\p{L}\p{N}])'([^'\n]{1,80})'(?![\p{L}\p{N}])|"([^"\n]{1,80})"|[“„]([^”“\n]{1,80})[”“]/gu;
const FLAG = /(?<=^|\s)--?[a-z][\w-]*/gi;
const CLOSING: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

/**
 * The text with what stands inside quotes, calls, lists and flags made unreadable; every other character keeps its place. A comma in
 * `substr(d, 8, 4)`, a full stop in an error and the "no" of `--no-cache` are no part of the sentence around them.
 */
export function shade(text: string): string {
  const shaded = text
    .replace(QUOTED, (found) => `${found[0]}${"·".repeat(found.length - 2)}${found.at(-1)}`)
    .replace(FLAG, (found) => "·".repeat(found.length));
  const letters = shaded.split("");
  const open: number[] = [];
  for (const [at, letter] of letters.entries()) {
    // A bracket after a space is an aside of the sentence; after a word it is a call.
    if (letter === "[" || letter === "{" || letter === "(") open.push(at);
    const opening = CLOSING[letter];
    if (opening === undefined || shaded[open.at(-1) ?? -1] !== opening) continue;
    const from = open.pop() ?? at;
    if (opening !== "(" || /[\p{L}\p{N}_]/u.test(shaded[from - 1] ?? "")) letters.fill("·", from + 1, at);
  }
  return letters.join("");
}

/** The parts of a text between the matches, which are looked for in the shaded text. */
export function splitShaded(text: string, pattern: RegExp): readonly string[] {
  const parts: string[] = [];
  let from = 0;
  for (const found of shade(text).matchAll(pattern)) {
    parts.push(text.slice(from, found.index));
    from = found.index + found[0].length;
  }
  return [...parts, text.slice(from)];
}
