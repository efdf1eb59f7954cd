/** Case, width and space do not count: what is left when two texts are compared as the same words in the same order. */
export function foldText(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/\s+/gu, " ").trim();
}

/** The distinct words and numbers of a text, folded. */
export function tokenSet(text: string): ReadonlySet<string> {
  return new Set(foldText(text).match(/[\p{L}\p{N}]+/gu) ?? []);
}

/** Shared tokens over all tokens, in [0, 1]. Two empty sets share nothing: 0. */
export function jaccard(left: ReadonlySet<string>, right: ReadonlySet<string>): number {
  const [small, large] = left.size <= right.size ? [left, right] : [right, left];
  let shared = 0;
  for (const token of small) if (large.has(token)) shared += 1;
  const all = left.size + right.size - shared;
  return all === 0 ? 0 : shared / all;
}

/** Equal after folding, or at least `threshold` of their distinct words in common. */
export function nearDuplicate(left: string, right: string, threshold = 0.9): boolean {
  return foldText(left) === foldText(right) || jaccard(tokenSet(left), tokenSet(right)) >= threshold;
}
