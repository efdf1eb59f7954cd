import { isLearnError } from "../base/error.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import type { Transition } from "../knowledge/life-cycle.ts";
import type { KnowledgeStore } from "../knowledge/ports.ts";
import { replacedBy } from "../knowledge/revision.ts";

/** Stores one change. Where it makes a revision active, the item it revises goes out of use in the same transaction: both or neither. Rejects what `saveItems` rejects with. */
export async function saveTransition(
  store: Pick<KnowledgeStore, "saveItem" | "saveItems" | "getKnowledgeItem">,
  { item, entry }: Transition,
): Promise<void> {
  const old = await revisedBy(store, item, entry.action);
  const { actor, atUs } = entry;
  const replaced = old === undefined ? undefined : replacedBy(old, item, { actor, atUs });
  if (replaced === undefined) await store.saveItem(item, entry);
  // The old one first: the new one may contradict it.
  else await store.saveItems([replaced, { item, entry }]);
}

async function revisedBy(
  store: Pick<KnowledgeStore, "getKnowledgeItem">,
  item: KnowledgeItem,
  action: Transition["entry"]["action"],
): Promise<KnowledgeItem | undefined> {
  if (item.revises === undefined || item.status !== "active" || (action !== "approve" && action !== "activate")) return undefined;
  try {
    return await store.getKnowledgeItem(item.revises);
  } catch (caught) {
    if (isLearnError(caught) && caught.code === "not-found") return undefined;
    throw caught;
  }
}
