const HIDDEN_ALL =
  /\p{Cc}|\p{Cf}|\p{Co}|\p{Cs}|\u034f|[\u115f\u1160]|[\u17b4\u17b5]|[\u180b-\u180f]|\u3164|[\ufe00-\ufe0f]|\uffa0|[\u{e0000}-\u{e0fff}]/gu;

/** Cyrillic and Greek letters that look like Latin ones. */
const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    а: "a",
    в: "b",
    с: "c",
    ԁ: "d",
    е: "e",
    ё: "e",
    һ: "h",
    н: "h",
    і: "i",
    ї: "i",
    ј: "j",
    к: "k",
    ӏ: "l",
    м: "m",
    о: "o",
    р: "p",
    ԛ: "q",
    ѕ: "s",
    т: "t",
    у: "y",
    ѵ: "v",
    ԝ: "w",
    х: "x",
    г: "r",
    п: "n",
    ь: "b",
    α: "a",
    β: "b",
    γ: "y",
    ε: "e",
    η: "n",
    ι: "i",
    κ: "k",
    ν: "v",
    ο: "o",
    ρ: "p",
    σ: "o",
    τ: "t",
    υ: "u",
    χ: "x",
    ω: "w",
    ı: "i",
    ɡ: "g",
    ɑ: "a",
    ǀ: "l",
  }),
);
const LEET: ReadonlyMap<string, string> = new Map(
  Object.entries({ "0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "@": "a", $: "s", "!": "i", "|": "l", "+": "t" }),
);
const LEET_LETTER = /(?<=\p{L})[013457@$!|+8]|[013457@$!|+8](?=\p{L})/gu;
const NO_SPACES = String.raw`\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}`;
const TOKEN = new RegExp(`[${NO_SPACES}]|(?:(?![${NO_SPACES}])[\\p{L}\\p{N}_])+`, "gu");

/** As a reader sees it, in lower case: compatibility forms resolved, what is hidden left out or, where it spells letters (tags), read, lookalikes Latin. */
export function visible(text: string): string {
  const spelt = text.replace(/[\u{e0020}-\u{e007e}]/gu, (tag) => String.fromCodePoint((tag.codePointAt(0) ?? 0) - 0xe0000));
  const folded = spelt
    .normalize("NFKC")
    .replace(/[\s\p{Z}]+/gu, " ")
    .replace(HIDDEN_ALL, "")
    .toLowerCase();
  // A word that is Cyrillic or Greek throughout is a word of that language; lookalikes stand among Latin letters, or make a Latin word.
  return folded.replace(/[\p{sc=Cyrillic}\p{sc=Greek}ıɡɑǀ]/gu, (letter) => LOOKALIKES.get(letter) ?? letter);
}

/** Letters for the digits and signs that stand in their place inside words. */
export function unleet(folded: string): string {
  return folded.replace(LEET_LETTER, (sign) => LEET.get(sign) ?? sign);
}

/** Words and numbers in order; a character each where a script writes no spaces. */
export function tokensOf(folded: string): readonly string[] {
  return folded.match(TOKEN) ?? [];
}

/** What is written in base64 or hexadecimal inside a text, as text. Only what decodes to something readable. */
export function decodedParts(text: string): readonly string[] {
  const parts: string[] = [];
  // The lookbehind enters each run once, at its start.
  for (const [run] of text.matchAll(/(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{16,20000}={0,2}/g)) {
    const encodings = /^(?:[0-9a-f]{2})+$/i.test(run) ? (["hex", "base64"] as const) : (["base64"] as const);
    for (const encoding of encodings) {
      const decoded = Buffer.from(run, encoding).toString("utf8");
      const readable = decoded.match(/[\p{L}\p{N}\p{P}\p{Zs}\n]/gu)?.length ?? 0;
      if (decoded.length >= 8 && readable >= 0.95 * [...decoded].length && !decoded.includes("\ufffd")) parts.push(decoded);
    }
  }
  return parts;
}
