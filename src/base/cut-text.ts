/** What a code unit outside ASCII weighs in plain characters: about one token. */
const WIDE = 3.5;

/** The length of a text in plain characters, by what it costs in tokens. */
export function textSize(text: string): number {
  let wide = 0;
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 127) wide++;
  return text.length + wide * (WIDE - 1);
}

const DOTS = " ... ";

/** At most `maxSize` by `textSize`. Keeps the start and the end: errors say what they are at the start, stack traces and results at the end. Splits no character. */
export function cutText(text: string, maxSize: number): string {
  // A megabyte is not counted to learn that it is too long.
  if (text.length <= maxSize && textSize(text) <= maxSize) return text;
  const half = Math.floor((maxSize - DOTS.length) / 2);
  if (half <= 0) return DOTS.slice(0, Math.max(0, maxSize));
  return `${beginning(text, half)}${DOTS}${ending(text, half)}`;
}

function beginning(text: string, maxSize: number): string {
  let size = 0;
  let end = 0;
  for (const character of text.slice(0, maxSize + 1)) {
    size += textSize(character);
    if (size > maxSize || /^[\ud800-\udfff]$/.test(character)) break;
    end += character.length;
  }
  return text.slice(0, end);
}

function ending(text: string, maxSize: number): string {
  let size = 0;
  let start = text.length;
  for (const character of [...text.slice(-(maxSize + 1))].reverse()) {
    size += textSize(character);
    if (size > maxSize || /^[\ud800-\udfff]$/.test(character)) break;
    start -= character.length;
  }
  return text.slice(start);
}
