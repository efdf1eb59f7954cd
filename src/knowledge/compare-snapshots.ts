import { type WordChanges, wordChanges } from "./history.ts";
import { type HistoryEntry, SCOPE_FIELDS } from "./knowledge-item.ts";
import type { SnapshotItem } from "./ports.ts";

/** What is different between two states of all knowledge. */
export interface SnapshotDiff {
  /** Only in the later state. */
  readonly added: readonly SnapshotItem[];
  /** Only in the earlier one. */
  readonly removed: readonly SnapshotItem[];
  readonly changed: readonly { readonly id: string; readonly changes: HistoryEntry["changes"]; readonly words: WordChanges }[];
}

/** What a restore can set back. Sources, taint and counts are not among them: they are what happened, and stay. */
const COMPARED = ["type", "content", "appliesWhen", "tags", "priority", "status", ...SCOPE_FIELDS] as const;

/** By id, each list in the order of ids. */
export function compareSnapshots(before: readonly SnapshotItem[], after: readonly SnapshotItem[]): SnapshotDiff {
  const [old, now] = [byId(before), byId(after)];
  const changed = [...old.values()].flatMap((item) => {
    const other = now.get(item.id);
    const changes = other === undefined ? {} : changesBetween(item, other);
    return Object.keys(changes).length === 0 ? [] : [{ id: item.id, changes, words: wordChanges(changes) }];
  });
  return {
    added: [...now.values()].filter(({ id }) => !old.has(id)),
    removed: [...old.values()].filter(({ id }) => !now.has(id)),
    changed,
  };
}

/** The fields of a restore in which two states of one item differ, as [before, after]; null for none. */
export function changesBetween(before: SnapshotItem, after: SnapshotItem): HistoryEntry["changes"] {
  return Object.fromEntries(
    COMPARED.flatMap((field) => {
      const [from, to] = [before[field] ?? null, after[field] ?? null];
      return JSON.stringify(from) === JSON.stringify(to) ? [] : [[field, [from, to] as const]];
    }),
  );
}

function byId(items: readonly SnapshotItem[]): ReadonlyMap<string, SnapshotItem> {
  return new Map([...items].sort((a, b) => (a.id < b.id ? -1 : 1)).map((item) => [item.id, item]));
}
