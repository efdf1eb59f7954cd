import { decodedParts, tokensOf, unleet, visible } from "./fold.ts";
import { ALLOW, type Guard, type GuardedWords, quarantine } from "./guard.ts";
import { type UntrustedText, untrustedTexts } from "./untrusted-text.ts";

/** From this many words in a row on, a text was copied; a name, a value or the start of an error is shorter. */
export const COPIED_TOKENS = 8;
/** Where a lesson is pieced together: shorter runs count when together they are most of it. */
const PIECE_TOKENS = 4;
const PIECED_SHARE = 0.7;
/** A short lesson has to be a quotation as a whole. */
const SHORT_TOKENS = 10;
const WHOLE_SHARE = 0.9;
/** Other words in another order: so many of the lesson's distinct words stand close together in one text. */
const SHUFFLED_SHARE = 0.85;
const LEAST_SHUFFLED = 8;
const WINDOW = 1.5;

/** Words that came into the lesson as somebody outside the agent wrote them. Where a rule is a quotation, its author decided about it and not the evidence. */
export const copyThroughGuard: Guard = {
  name: "copy-through",
  check: ({ lesson, sources }) => {
    const texts = sources.flatMap(untrustedTexts);
    for (const text of [lesson.content, lesson.appliesWhen]) {
      const copied = longestRun(text, texts);
      if (copied !== undefined && copied.tokens.length >= COPIED_TOKENS)
        return quarantine(
          `repeats ${copied.tokens.length} words in a row of the ${copied.from.field}: ${JSON.stringify(copied.tokens.join(" ").slice(0, 90))}`,
        );
    }
    const share = piecedShare(lesson.content, texts);
    if (share > 0) return quarantine(`is pieced together from the words of others: ${Math.round(100 * share)} % of it`);
    const from = shuffledFrom(lesson.content, texts);
    return from === undefined ? ALLOW : quarantine(`says in another order what the ${from.field} says`);
  },
};

export interface CopiedRun {
  readonly tokens: readonly string[];
  readonly from: UntrustedText;
}

/** The longest run of words that the text shares with one of the others, however those are disguised. Undefined when they share none. */
export function longestRun(text: string, others: readonly UntrustedText[]): CopiedRun | undefined {
  let best: CopiedRun | undefined;
  for (const own of readings(text)) {
    const starts = new Map<string, number[]>();
    for (const [index, token] of own.entries()) starts.set(token, [...(starts.get(token) ?? []), index]);
    for (const from of others)
      for (const theirs of readingsOf(from))
        for (const [at, token] of theirs.entries()) {
          for (const start of starts.get(token) ?? []) {
            // Only where a run begins: a text of one word a thousand times would be compared with itself a thousand times.
            if (start > 0 && at > 0 && own[start - 1] === theirs[at - 1]) continue;
            let length = 1;
            while (start + length < own.length && own[start + length] === theirs[at + length]) length += 1;
            if (length > (best?.tokens.length ?? 0)) best = { tokens: own.slice(start, start + length), from };
          }
        }
  }
  return best;
}

/** The share of the lesson that is covered by pieces, 0 where that is too little to call it pieced together. */
function piecedShare(text: string, others: readonly UntrustedText[]): number {
  const pieces = new Set<string>();
  for (const from of others)
    for (const theirs of readingsOf(from))
      for (let at = 0; at + PIECE_TOKENS <= theirs.length; at += 1) pieces.add(theirs.slice(at, at + PIECE_TOKENS).join(" "));
  const shares = readings(text).map((own) => {
    const covered = new Set<number>();
    for (let at = 0; at + PIECE_TOKENS <= own.length; at += 1)
      if (pieces.has(own.slice(at, at + PIECE_TOKENS).join(" ")))
        for (let place = at; place < at + PIECE_TOKENS; place += 1) covered.add(place);
    const share = own.length === 0 ? 0 : covered.size / own.length;
    return share >= (own.length < SHORT_TOKENS ? WHOLE_SHARE : PIECED_SHARE) ? share : 0;
  });
  return Math.max(0, ...shares);
}

/** The first text that has nearly all words of the lesson within a stretch not much longer than it. Linear: one window slides over each text. */
function shuffledFrom(text: string, others: readonly UntrustedText[]): UntrustedText | undefined {
  for (const own of readings(text)) {
    const wanted = new Set(own);
    if (wanted.size < LEAST_SHUFFLED) continue;
    const width = Math.ceil(own.length * WINDOW);
    const isShuffled = (theirs: readonly string[]): boolean => {
      const inside = new Map<string, number>();
      for (const [at, token] of theirs.entries()) {
        if (wanted.has(token)) inside.set(token, (inside.get(token) ?? 0) + 1);
        const left = theirs[at - width];
        const count = left === undefined ? undefined : inside.get(left);
        if (left !== undefined && count === 1) inside.delete(left);
        else if (left !== undefined && count !== undefined) inside.set(left, count - 1);
        if (inside.size >= SHUFFLED_SHARE * wanted.size) return true;
      }
      return false;
    };
    const from = others.find((other) => readingsOf(other).some(isShuffled));
    if (from !== undefined) return from;
  }
  return undefined;
}

/** Everything that the words of a source may say: as written, with letters for digits, what is encoded in it, and every letter moved by thirteen. */
function readingsOf(from: UntrustedText): readonly (readonly string[])[] {
  const known = cache.get(from);
  if (known !== undefined) return known;
  const made = [from.text, ...decodedParts(from.text), rotated(from.text)].flatMap(readings);
  cache.set(from, made);
  return made;
}

const cache = new WeakMap<UntrustedText, readonly (readonly string[])[]>();

function rotated(text: string): string {
  return text.replace(/[a-z]/gi, (letter) => {
    const base = letter <= "Z" ? 65 : 97;
    return String.fromCharCode(((letter.charCodeAt(0) - base + 13) % 26) + base);
  });
}

function readings(text: string): readonly (readonly string[])[] {
  const folded = visible(text);
  const plain = unleet(folded);
  return plain === folded ? [tokensOf(folded)] : [tokensOf(folded), tokensOf(plain)];
}

/** Whether the words of a lesson come, at least in part, from a text of that kind: a few in a row, too few to be a quotation. */
export function sharesWords(
  lesson: Pick<GuardedWords, "content" | "appliesWhen">,
  others: readonly UntrustedText[],
  least: number,
): boolean {
  return [lesson.content, lesson.appliesWhen].some((text) => (longestRun(text, others)?.tokens.length ?? 0) >= least);
}
