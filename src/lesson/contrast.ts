import { searchWords } from "../base/search-words.ts";
import { jaccard } from "../base/similarity.ts";
import type { JudgedTrace } from "./ports.ts";

/** Below this share of common words a success is on another subject, and what it did differently says nothing. */
const SAME_KIND = 0.15;

/** Of the successful runs those whose tasks are most like the tasks of the failed ones, each once; by likeness, then by id. */
export function likeliest(failed: readonly JudgedTrace[], succeeded: readonly JudgedTrace[], limit: number): readonly JudgedTrace[] {
  const asked = failed.map(({ trace }) => new Set(searchWords(trace.task)));
  const known = new Map(succeeded.map((judged) => [judged.trace.id, judged]));
  return [...known.values()]
    .map((judged) => {
      const words = new Set(searchWords(judged.trace.task));
      return { judged, likeness: Math.max(0, ...asked.map((other) => jaccard(words, other))) };
    })
    .filter(({ likeness }) => likeness >= SAME_KIND)
    .sort((a, b) => b.likeness - a.likeness || (a.judged.trace.id < b.judged.trace.id ? -1 : 1))
    .slice(0, limit)
    .map(({ judged }) => judged);
}
