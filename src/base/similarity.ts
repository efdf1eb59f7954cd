/** Case, width and space do not count: what is left when two texts are compared as the same words in the same order. */
export function foldText(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/\s+/gu, " ").trim();
}

const WORDS = /[\p{L}\p{N}]+/gu;
// The same for nearly every English text, in half the time.
const ASCII_WORDS = /[a-z0-9]+/g;

/** The distinct words and numbers of a text, folded. */
export function tokenSet(text: string): ReadonlySet<string> {
  // Space falls away with all that is no word.
  return new Set(
    text
      .normalize("NFKC")
      .toLowerCase()
      .match(isAscii(text) ? ASCII_WORDS : WORDS) ?? [],
  );
}

/** Shared tokens over all tokens, in [0, 1]. Two empty sets share nothing: 0. */
export function jaccard(left: ReadonlySet<string>, right: ReadonlySet<string>): number {
  const [small, large] = left.size <= right.size ? [left, right] : [right, left];
  let shared = 0;
  for (const token of small) if (large.has(token)) shared += 1;
  const all = left.size + right.size - shared;
  return all === 0 ? 0 : shared / all;
}

/** Whether `jaccard` is at least `threshold`. Two texts that have little in common, as most have, are told apart after a few tokens. */
export function jaccardReaches(left: ReadonlySet<string>, right: ReadonlySet<string>, threshold: number): boolean {
  const [small, large] = left.size <= right.size ? [left, right] : [right, left];
  const most = left.size + right.size;
  if (small.size === 0) return threshold <= 0;
  // What the share is if all that was not looked at yet is in common.
  let shared = small.size;
  if (shared / (most - shared) < threshold) return false;
  for (const token of small) {
    if (large.has(token)) continue;
    shared -= 1;
    if (shared / (most - shared) < threshold) return false;
  }
  return true;
}

/** A few numbers of a token set by which most pairs of texts are seen to have little in common, without their words. */
export interface TokenPrint {
  readonly size: number;
  /** 64 bits, one of them set by each token. */
  readonly low: number;
  readonly high: number;
}

export function tokenPrint(tokens: ReadonlySet<string>): TokenPrint {
  let [low, high] = [0, 0];
  for (const token of tokens) {
    let hash = 0x811c9dc5;
    for (let at = 0; at < token.length; at += 1) hash = Math.imul(hash ^ token.charCodeAt(at), 0x01000193);
    if ((hash & 32) === 0) low |= 1 << (hash & 31);
    else high |= 1 << (hash & 31);
  }
  return { size: tokens.size, low, high };
}

/**
 * False only where `jaccardReaches` is false for the two sets, for a threshold above zero. Each bit that differs is of a token that one set has alone, and
 * so is what one set has more.
 */
export function mayReach(left: TokenPrint, right: TokenPrint, threshold: number): boolean {
  const both = left.size + right.size;
  const alone = Math.max(bitsOf(left.low ^ right.low) + bitsOf(left.high ^ right.high), Math.abs(left.size - right.size));
  return (both - alone) / (both + alone) >= threshold;
}

function bitsOf(value: number): number {
  const pairs = value - ((value >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Equal after folding, or at least `threshold` of their distinct words in common. */
export function nearDuplicate(left: string, right: string, threshold = 0.9): boolean {
  return foldText(left) === foldText(right) || jaccardReaches(tokenSet(left), tokenSet(right), threshold);
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII begins with them.
  return /^[\x00-\x7f]*$/.test(text);
}
