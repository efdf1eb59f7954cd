import { type DiffPart, wordDiff } from "../base/word-diff.ts";
import type { HistoryEntry } from "./knowledge-item.ts";

/** What changed in the words of an item, by field. */
export interface WordChanges {
  readonly content?: readonly DiffPart[];
  readonly appliesWhen?: readonly DiffPart[];
}

/** A line of the history with its word diff, which is computed when it is shown and stored nowhere. */
export interface ShownEntry extends HistoryEntry {
  readonly words: WordChanges;
}

export function withWordChanges(entry: HistoryEntry): ShownEntry {
  return { ...entry, words: wordChanges(entry.changes) };
}

/** The word diff of those changes that are from text to text. */
export function wordChanges(changes: HistoryEntry["changes"]): WordChanges {
  const fields = ["content", "appliesWhen"] as const;
  return Object.fromEntries(
    fields.flatMap((field) => {
      const [before, after] = changes[field] ?? [];
      return typeof before === "string" && typeof after === "string" ? [[field, wordDiff(before, after)]] : [];
    }),
  );
}
