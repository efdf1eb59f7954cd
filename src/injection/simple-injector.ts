import { type ItemInUse, scopeOf } from "../knowledge/knowledge-item.ts";
import { createReporter, type Reporter } from "../telemetry/report.ts";
import { assign, type Limits } from "./assign.ts";
import type { Injector } from "./injector.ts";
import { warnOfTooMany } from "./select.ts";

/** Enough to find the best among; more active items than that call for a search. */
const MOST_LISTED = 1_000;

/** Every active item whatever the task, the most effective first; at most 50 unless the limits say otherwise. For small libraries. */
export function createSimpleInjector(limits: Limits = {}, reporter: Reporter = createReporter("injection")): Injector {
  return {
    name: "SimpleInjector",
    inject: async (request, { search }) => {
      const items = await search.activeItems(MOST_LISTED, scopeOf(request));
      const pinned = items.filter((item) => item.priority === "pinned").sort((a, b) => a.createdAtUs - b.createdAtUs);
      const ranked = items
        .filter((item) => item.priority === "normal")
        .sort((a, b) => expected(b) - expected(a) || a.createdAtUs - b.createdAtUs);
      const asked = { maxItems: 50, ...request, ...limits };
      warnOfTooMany(pinned.length, asked, reporter);
      return assign(request, { pinned, ranked }, asked);
    },
  };
}

/** Laplace's estimate: a new item stands at one half, not at zero behind everything that ever failed. */
function expected({ counts }: ItemInUse): number {
  return (counts.givenSuccess + 1) / (counts.given + 2);
}
