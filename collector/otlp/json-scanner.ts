import type { LearnError } from "../../src/base/error.ts";

/** Told of what stands in a JSON text. `depth` counts the brackets that are open: 1 inside of the outermost object. May throw to stop. */
export interface JsonVisitor {
  /** Whether a key or string directly inside of this bracket is to be read. Others are told as "", and keys not at all. */
  wantsText(depth: number, isKey: boolean): boolean;
  key(depth: number, text: string): void;
  /** Depth inside of what opens. */
  open(depth: number, kind: "object" | "array"): void;
  close(depth: number): void;
  /** A string, null, or some other scalar as 0. */
  scalar(depth: number, value: string | null | 0): void;
  /** Brackets and commas so far, after each chunk. */
  marks(count: number): void;
  invalid(what: string): LearnError;
}

export interface JsonScanner {
  feed(chunk: Uint8Array): void;
  end(): void;
}

// The depth of attribute values that protobuf may have: 12 brackets lead to one, and each level of a list of pairs takes 4 more.
const MAX_DEPTH = 134;
// Nothing that is asked for is longer, also with each character as \u0041. What is cut off here is longer than any id.
const MAX_TEXT_BYTES = 256;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** What may come next. From IN_STRING on we are inside of a token, which a chunk may cut anywhere. */
const VALUE = 0;
const VALUE_OR_END = 1;
const KEY = 2;
const KEY_OR_END = 3;
const COLON = 4;
const AFTER = 5;
const IN_STRING = 6;
const IN_ESCAPE = 7;
const IN_UNICODE = 8;
const IN_LITERAL = 9;
const IN_NUMBER = 10;

/** Parts of a number: what may follow each, and whether it may end there. */
const MINUS = 0;
const ZERO = 1;
const DIGITS = 2;
const DOT = 3;
const FRACTION = 4;
const EXPONENT = 5;
const SIGN = 6;
const POWER = 7;
const MAY_END = [false, true, true, false, true, false, false, true];

/** Bytes that need a look inside of a string: its end, escapes, and control characters, which JSON forbids there. */
const STOPS_STRING = Uint8Array.from({ length: 256 }, (_unused, byte) => (byte < 0x20 || byte === QUOTE || byte === BACKSLASH ? 1 : 0));
const IS_SPACE = Uint8Array.from({ length: 256 }, (_unused, byte) =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09 ? 1 : 0,
);
const LITERALS: ReadonlyMap<number, string> = new Map([
  [0x74, "true"],
  [0x66, "false"],
  [0x6e, "null"],
]);

/**
 * Reads JSON as it comes and builds nothing; accepts exactly what JSON.parse does, up to a depth of 134. JSON.parse needs the text as one string,
 * 75 bytes for each `{}`, and the thread for all of it: 20 MiB of `{},{},…` took 529 MiB and 3.5 s.
 */
export function createJsonScanner(visitor: JsonVisitor): JsonScanner {
  // 1 for each open object, 0 for each open list.
  const isObject = new Uint8Array(MAX_DEPTH + 1);
  const text = Buffer.alloc(MAX_TEXT_BYTES);
  let depth = 0;
  let state = VALUE;
  let marks = 0;
  let before = 0;
  let isKey = false;
  let wanted = false;
  let textLength = 0;
  let escaped = false;
  let hexLeft = 0;
  let literal = "";
  let literalAt = 0;
  let numberPart = MINUS;

  return {
    feed(chunk) {
      scan(chunk);
      before += chunk.length;
      visitor.marks(marks);
    },
    end() {
      if (state !== AFTER || depth > 0) throw visitor.invalid(`does not parse: it ends at byte ${before}`);
    },
  };

  function scan(bytes: Uint8Array): void {
    const size = bytes.length;
    let at = 0;
    while (at < size) {
      if (state === IN_STRING) {
        const from = at;
        while (at < size && STOPS_STRING[bytes[at] as number] === 0) at += 1;
        if (wanted) keep(bytes, from, at);
        if (at === size) return;
        stopInString(bytes[at] as number, at);
        at += 1;
        continue;
      }
      const byte = bytes[at] as number;
      if (state === IN_NUMBER) {
        const part = nextPart(numberPart, byte);
        if (part >= 0) {
          numberPart = part;
          at += 1;
          continue;
        }
        if (MAY_END[numberPart] !== true) throw unexpected(at);
        scalar(0);
      } else if (state > IN_STRING) {
        inToken(byte, at);
        at += 1;
        continue;
      }
      at += 1;
      if (IS_SPACE[byte] === 1) continue;
      structure(byte, at - 1);
    }
  }

  /** A byte between tokens, or the first of one. */
  function structure(byte: number, at: number): void {
    if (state === AFTER) {
      if (depth === 0) throw unexpected(at);
      const inObject = isObject[depth] === 1;
      if (byte === COMMA) {
        marks += 1;
        state = inObject ? KEY : VALUE;
      } else if (byte === (inObject ? 0x7d : 0x5d)) close();
      else throw unexpected(at);
    } else if (state === COLON) {
      if (byte !== 0x3a) throw unexpected(at);
      state = VALUE;
    } else if (state === KEY || state === KEY_OR_END) {
      if (byte === QUOTE) startString(true);
      else if (byte === 0x7d && state === KEY_OR_END) close();
      else throw unexpected(at);
    } else startValue(byte, at);
  }

  function startValue(byte: number, at: number): void {
    if (byte === QUOTE) startString(false);
    else if (byte === 0x7b || byte === 0x5b) open(byte === 0x7b);
    else if (byte === 0x5d && state === VALUE_OR_END) close();
    else if (LITERALS.has(byte)) {
      literal = LITERALS.get(byte) as string;
      literalAt = 1;
      state = IN_LITERAL;
    } else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      numberPart = byte === 0x2d ? MINUS : byte === 0x30 ? ZERO : DIGITS;
      state = IN_NUMBER;
    } else throw unexpected(at);
  }

  function open(object: boolean): void {
    marks += 1;
    depth += 1;
    if (depth > MAX_DEPTH) throw visitor.invalid(`is nested more than ${MAX_DEPTH} brackets deep`);
    isObject[depth] = object ? 1 : 0;
    state = object ? KEY_OR_END : VALUE_OR_END;
    visitor.open(depth, object ? "object" : "array");
  }

  function close(): void {
    visitor.close(depth);
    depth -= 1;
    state = AFTER;
  }

  function scalar(value: string | null | 0): void {
    state = AFTER;
    visitor.scalar(depth, value);
  }

  function startString(key: boolean): void {
    isKey = key;
    wanted = visitor.wantsText(depth, key);
    textLength = 0;
    escaped = false;
    state = IN_STRING;
  }

  function keep(bytes: Uint8Array, from: number, to: number): void {
    const kept = Math.min(to - from, MAX_TEXT_BYTES - textLength);
    for (let index = 0; index < kept; index += 1) text[textLength + index] = bytes[from + index] as number;
    textLength += kept;
  }

  function keepByte(byte: number): void {
    if (wanted && textLength < MAX_TEXT_BYTES) text[textLength++] = byte;
  }

  function stopInString(byte: number, at: number): void {
    if (byte === QUOTE) endString();
    else if (byte === BACKSLASH) {
      escaped = true;
      keepByte(byte);
      state = IN_ESCAPE;
    } else throw unexpected(at);
  }

  function endString(): void {
    const found = wanted ? textOf() : "";
    if (isKey) {
      state = COLON;
      if (wanted) visitor.key(depth, found);
    } else scalar(found);
  }

  /** Bytes as Latin-1: what is compared and checked is ASCII, and nothing else becomes it. */
  function textOf(): string {
    const raw = text.toString("latin1", 0, textLength);
    return escaped && textLength < MAX_TEXT_BYTES ? (JSON.parse(`"${raw}"`) as string) : raw;
  }

  function inToken(byte: number, at: number): void {
    if (state === IN_ESCAPE) {
      keepByte(byte);
      if (byte === 0x75) {
        hexLeft = 4;
        state = IN_UNICODE;
      } else if (ESCAPES.has(byte)) state = IN_STRING;
      else throw unexpected(at);
    } else if (state === IN_UNICODE) {
      if (!isHex(byte)) throw unexpected(at);
      keepByte(byte);
      hexLeft -= 1;
      if (hexLeft === 0) state = IN_STRING;
    } else {
      if (byte !== literal.charCodeAt(literalAt)) throw unexpected(at);
      literalAt += 1;
      if (literalAt === literal.length) scalar(literal === "null" ? null : 0);
    }
  }

  function unexpected(at: number): LearnError {
    return visitor.invalid(`does not parse: there is something unexpected at byte ${before + at}`);
  }
}

/** After the backslash; \u apart. */
const ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));

function isHex(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}

/** The part of a number that `byte` begins or goes on with, or -1. */
function nextPart(part: number, byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) {
    if (part === MINUS) return byte === 0x30 ? ZERO : DIGITS;
    if (part === DIGITS || part === FRACTION || part === POWER) return part;
    if (part === DOT) return FRACTION;
    return part === ZERO ? -1 : POWER;
  }
  if (byte === 0x2e) return part === ZERO || part === DIGITS ? DOT : -1;
  if ((byte | 0x20) === 0x65) return part === ZERO || part === DIGITS || part === FRACTION ? EXPONENT : -1;
  return (byte === 0x2b || byte === 0x2d) && part === EXPONENT ? SIGN : -1;
}
