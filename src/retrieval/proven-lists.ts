import { appliesTo, type ItemInUse, isTested, type Scope } from "../knowledge/knowledge-item.ts";

/** The normal items of each agent that passed a statistical test, most wins first. */
export interface ProvenLists {
  add(item: ItemInUse): void;
  remove(item: ItemInUse): void;
  /** Of exactly the agent that asks, and what of these applies to it. */
  best(asking: Scope, limit: number): readonly ItemInUse[];
}

export function createProvenLists(): ProvenLists {
  const lists = new Map<string, { readonly items: Map<string, ItemInUse>; sorted?: readonly ItemInUse[] | undefined }>();
  return {
    add(item) {
      if (item.agentName === undefined || item.priority !== "normal" || !isTested(item)) return;
      const list = lists.get(item.agentName) ?? { items: new Map<string, ItemInUse>() };
      lists.set(item.agentName, list);
      list.items.set(item.id, item);
      list.sorted = undefined;
    },
    remove({ id, agentName }) {
      const list = agentName === undefined ? undefined : lists.get(agentName);
      if (agentName === undefined || list?.items.delete(id) !== true) return;
      list.sorted = undefined;
      if (list.items.size === 0) lists.delete(agentName);
    },
    best(asking, limit) {
      const list = asking.agentName === undefined ? undefined : lists.get(asking.agentName);
      if (list === undefined) return [];
      // Sorted once per change and not per question: an agent may have 100,000.
      list.sorted ??= [...list.items.values()].sort(mostWinsFirst);
      const best: ItemInUse[] = [];
      for (const item of list.sorted) {
        if (best.length >= limit) break;
        if (appliesTo(item, asking)) best.push(item);
      }
      return best;
    },
  };
}

function mostWinsFirst(left: ItemInUse, right: ItemInUse): number {
  return (right.validation?.wins ?? 0) - (left.validation?.wins ?? 0) || left.createdAtUs - right.createdAtUs;
}
