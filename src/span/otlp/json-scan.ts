import { LearnError } from "../../base/error.ts";

// One item of OTLP/JSON, `{"key": k, "value": {"stringValue": v}},`, opens two brackets and has two commas; events and links are alike.
const MARKS_PER_ITEM = 8;

// Deeper than any value that is kept: 32 levels of AnyValue are 4 brackets each, and a dozen around them.
const MAX_BRACKETS = 512;

const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x22, 0x5c, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Refuses JSON whose structure would cost too much, before JSON.parse builds it: 20 MiB of `{},{},…` take 529 MiB and 3.5 s.
 * Throws "too-large" for too many brackets and commas, "invalid" for too deep nesting. Says nothing about validity otherwise.
 */
export function scanJson(body: Uint8Array, maxItems: number): void {
  const maxMarks = maxItems * MARKS_PER_ITEM;
  let marks = 0;
  let depth = 0;
  for (let index = 0; index < body.length; index++) {
    const byte = body[index];
    if (byte === QUOTE) {
      index = endOfString(body, index + 1);
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      marks += 1;
      depth += 1;
      if (depth > MAX_BRACKETS) throw new LearnError("invalid", `JSON nests deeper than ${MAX_BRACKETS} brackets`);
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) depth -= 1;
    else if (byte === COMMA) marks += 1;
    if (marks > maxMarks) {
      throw new LearnError("too-large", `request holds more than ${maxItems} spans, attributes and values`, {
        hint: "send smaller batches",
      });
    }
  }
}

function endOfString(body: Uint8Array, from: number): number {
  let index = from;
  while (index < body.length && body[index] !== QUOTE) index += body[index] === BACKSLASH ? 2 : 1;
  return index;
}
