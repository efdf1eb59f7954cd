import type { TimeUs } from "../base/clock.ts";
import { subjectOf } from "./conflict/words.ts";
import { type Conflict, conflictBetween, type StoredWords } from "./conflict.ts";

// A word in more items than this says nothing about which two belong together, and comparing all of them grows with the square of the items.
const COMMON = 200;

/** Contradictions and duplicates among many items. Only items that share a word are compared; no two others are about the same. */
export function findConflicts(items: readonly StoredWords[], foundAtUs: TimeUs): readonly Conflict[] {
  const byWord = new Map<string, number[]>();
  for (const [index, { content, appliesWhen }] of items.entries()) {
    for (const word of subjectOf(`${content} ${appliesWhen}`)) byWord.set(word, [...(byWord.get(word) ?? []), index]);
  }
  const few = items.length <= COMMON;
  const found: Conflict[] = [];
  for (const [index, item] of items.entries()) {
    const others = new Set<number>();
    if (few) for (let other = index + 1; other < items.length; other += 1) others.add(other);
    else {
      for (const word of subjectOf(`${item.content} ${item.appliesWhen}`)) {
        const sharing = byWord.get(word) ?? [];
        if (sharing.length <= COMMON) for (const other of sharing) if (other > index) others.add(other);
      }
    }
    for (const other of others) {
      const conflict = conflictBetween(item, items[other] as StoredWords, foundAtUs);
      if (conflict !== undefined) found.push(conflict);
    }
  }
  return found;
}
