import { shortId } from "../base/id.ts";
import type { HistoryEntry, KnowledgeItem } from "./knowledge-item.ts";
import { type Change, deprecate, reject, type Transition } from "./life-cycle.ts";

/**
 * What becomes of an item when another takes its place: active or validated -> deprecated, candidate -> archived, each with that reason. Undefined when it is out of use already.
 * The old words are never changed: what was found out about them is about them.
 */
export function replacedBy(old: KnowledgeItem, fresh: KnowledgeItem, change: Change): Transition | undefined {
  const pinned = old.priority === "pinned" ? ", and is not pinned as this one was" : "";
  const because = { ...change, reason: `item ${shortId(fresh.id)} took its place${pinned}` };
  if (old.status === "active" || old.status === "validated") return naming(fresh, deprecate(old, because));
  return old.status === "candidate" ? naming(fresh, reject(old, because)) : undefined;
}

/** Whether the last change took it out of use for another that took its place: nothing was found out about it then. */
export function wasReplaced({ changes }: HistoryEntry): boolean {
  return "replacedBy" in changes;
}

function naming(fresh: KnowledgeItem, { item, entry }: Transition): Transition {
  return { item, entry: { ...entry, changes: { ...entry.changes, replacedBy: [null, fresh.id] } } };
}
