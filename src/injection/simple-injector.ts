import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import type { KnowledgeStore } from "../knowledge/ports.ts";
import { assign, type Limits } from "./assign.ts";
import type { Injector } from "./ports.ts";

/** Enough to find the best among; more active items than that call for a search. */
const MOST_LISTED = 1_000;

/** Every active item whatever the task, the most effective first; at most 50 unless `maxItems` says otherwise. For small libraries. */
export function createSimpleInjector(store: Pick<KnowledgeStore, "listKnowledge">, limits: Limits = {}): Injector {
  return {
    name: "SimpleInjector",
    inject: async (request) => {
      const items = await store.listKnowledge({ status: "active", limit: MOST_LISTED });
      const pinned = items.filter((item) => item.priority === "pinned").sort((a, b) => a.createdAtUs - b.createdAtUs);
      const ranked = items
        .filter((item) => item.priority === "normal")
        .sort((a, b) => expected(b) - expected(a) || a.createdAtUs - b.createdAtUs);
      return assign(request, { pinned, ranked }, { maxItems: 50, ...limits });
    },
  };
}

/** Laplace's estimate: a new item stands at one half, not at zero behind everything that ever failed. */
function expected({ counts }: KnowledgeItem): number {
  return (counts.givenSuccess + 1) / (counts.given + 2);
}
