import { scopeOf } from "../knowledge/knowledge-item.ts";
import { createReporter, type Reporter } from "../telemetry/report.ts";
import { assign } from "./assign.ts";
import { type EmbeddingLimits, MINIMUM_SIMILARITY } from "./embedding-injector.ts";
import type { Injection } from "./injection.ts";
import type { Injector } from "./injector.ts";
import { render, renderIndex } from "./render.ts";
import { SPARE, select, warnOfTooMany } from "./select.ts";

/**
 * Pinned items in full, and one line for each item that fits; the agent reads what it wants with the tool recall_knowledge. By meaning where there is an
 * embedding model, else by words. The budget is that of the full texts, so that everything listed may be recalled within it.
 *
 * What is drawn is the listing, since reading is the agent's choice: it reads more on hard tasks, so "read against not read" would punish good items.
 */
export function createHybridInjector(limits: EmbeddingLimits = {}, reporter: Reporter = createReporter("injection")): Injector {
  return {
    name: "HybridInjector",
    inject: async (request, { search, vectors }) => {
      const asked = { ...request, ...limits };
      if (vectors === undefined) return listed(await select({ ...asked, search, reporter }));
      const { task, maxItems = 10 } = asked;
      const asking = scopeOf(request);
      const [pinned, ranked] = await Promise.all([
        search.pinnedItems(asking),
        vectors.nearestItems(task, maxItems * SPARE, asking, limits.minimumSimilarity ?? MINIMUM_SIMILARITY),
      ]);
      warnOfTooMany(pinned.length, asked, reporter);
      return listed(assign(request, { pinned, ranked }, asked));
    },
  };
}

/** The same assignment, with lines in the place of texts. */
function listed(injection: Injection): Injection {
  const given = injection.given.filter((item) => item.priority === "pinned");
  const lines = injection.given.filter((item) => item.priority !== "pinned");
  const text = [render(given), renderIndex(lines)].filter((block) => block !== "").join("\n\n");
  return { ...injection, text, given, listed: lines.map((item) => ({ ...item, recalled: render([item]) })) };
}
