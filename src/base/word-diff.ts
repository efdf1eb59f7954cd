/** A run of text that stands on both sides, or on one. */
export interface DiffPart {
  readonly kind: "same" | "removed" | "added";
  readonly text: string;
}

// Cells of the table; 4 million are 16 MB for one moment. Two texts of 2,000 words fit; longer ones are shown as one replacement.
const MAX_CELLS = 4_000_000;

/**
 * What changed between two texts, word by word: the longest common subsequence of words, spaces and punctuation marks. Joining the same and removed parts
 * gives `before`, the same and added parts `after`. At one place what was removed comes first.
 */
export function wordDiff(before: string, after: string): readonly DiffPart[] {
  const [from, to] = [wordsOf(before), wordsOf(after)];
  let start = 0;
  while (start < Math.min(from.length, to.length) && from[start] === to[start]) start += 1;
  let end = 0;
  while (end < Math.min(from.length, to.length) - start && from[from.length - 1 - end] === to[to.length - 1 - end]) end += 1;
  const parts: { kind: DiffPart["kind"]; text: string }[] = [];
  const push = (kind: DiffPart["kind"], words: readonly string[]): void => {
    const last = parts.at(-1);
    if (words.length === 0) return;
    if (last?.kind === kind) last.text += words.join("");
    else parts.push({ kind, text: words.join("") });
  };
  push("same", from.slice(0, start));
  for (const [kind, word] of middle(from.slice(start, from.length - end), to.slice(start, to.length - end))) push(kind, [word]);
  push("same", from.slice(from.length - end));
  return parts;
}

function wordsOf(text: string): readonly string[] {
  return text.match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? [];
}

function middle(from: readonly string[], to: readonly string[]): readonly (readonly [DiffPart["kind"], string])[] {
  const width = to.length + 1;
  const isLong = (from.length + 1) * width > MAX_CELLS;
  // common[i * width + j]: the length of the longest common subsequence of what is left from word i and word j on.
  const common = new Uint32Array(isLong ? 0 : (from.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = from.length - 1; i >= 0 && !isLong; i -= 1)
    for (let j = to.length - 1; j >= 0; j -= 1)
      common[i * width + j] = from[i] === to[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const steps: (readonly [DiffPart["kind"], string])[] = [];
  let [i, j] = [0, 0];
  while (i < from.length || j < to.length) {
    if (i < from.length && j < to.length && !isLong && from[i] === to[j]) {
      steps.push(["same", from[i++] ?? ""]);
      j += 1;
    } else if (i < from.length && (j === to.length || at(i + 1, j) >= at(i, j + 1))) steps.push(["removed", from[i++] ?? ""]);
    else steps.push(["added", to[j++] ?? ""]);
  }
  return steps;
}
