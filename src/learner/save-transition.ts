import { isLearnError } from "../base/error.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import type { Transition } from "../knowledge/life-cycle.ts";
import type { KnowledgeStore } from "../knowledge/ports.ts";
import { replacedBy } from "../knowledge/revision.ts";

/**
 * Stores one change. Where it makes a revision active, the item it revises goes out of use in the same transaction, and where it makes an item active
 * again that was revised, what took its place does: all or none. Rejects what `saveItems` rejects with.
 */
export async function saveTransition(
  store: Pick<KnowledgeStore, "saveItem" | "saveItems" | "getKnowledgeItem" | "listKnowledge">,
  { item, entry }: Transition,
): Promise<void> {
  const becomesActive = item.status === "active" && (entry.action === "approve" || entry.action === "activate");
  const others = becomesActive ? await inItsPlace(store, item) : [];
  const { actor, atUs } = entry;
  const replaced = others.flatMap((other) => replacedBy(other, item, { actor, atUs }) ?? []);
  if (replaced.length === 0) await store.saveItem(item, entry);
  // The others first: the new one may contradict them.
  else await store.saveItems([...replaced, { item, entry }]);
}

/** What it revises, and active items that revise it. */
async function inItsPlace(
  store: Pick<KnowledgeStore, "getKnowledgeItem" | "listKnowledge">,
  item: KnowledgeItem,
): Promise<readonly KnowledgeItem[]> {
  const successors = await store.listKnowledge({ revises: item.id, status: "active" });
  if (item.revises === undefined || successors.some(({ id }) => id === item.revises)) return successors;
  try {
    return [await store.getKnowledgeItem(item.revises), ...successors];
  } catch (caught) {
    if (isLearnError(caught) && caught.code === "not-found") return successors;
    throw caught;
  }
}
