import { LearnError } from "../base/error.ts";
import { scopeOf } from "../knowledge/knowledge-item.ts";
import { createReporter, type Reporter } from "../telemetry/report.ts";
import { assign, type Limits } from "./assign.ts";
import type { Injector } from "./injector.ts";
import { SPARE, warnOfTooMany } from "./select.ts";

export interface EmbeddingLimits extends Limits {
  /** Least cosine between the task and an item, in [-1, 1]; what is farther is left out, also when places stay empty. Default 0.3. */
  readonly minimumSimilarity?: number;
}

/** 0.3, as the embeddings of sentences that share a subject usually have; it depends on the model, so measure yours and set it. */
export const MINIMUM_SIMILARITY = 0.3;

/** Pinned items, and what is nearest to the task in meaning; its words do not count. Rejects "invalid" where no embedding model is configured. */
export function createEmbeddingInjector(limits: EmbeddingLimits = {}, reporter: Reporter = createReporter("injection")): Injector {
  return {
    name: "EmbeddingInjector",
    inject: async (request, { search, vectors }) => {
      if (vectors === undefined) {
        throw new LearnError("invalid", "the embedding injector needs an embedding model", {
          hint: "pass { embedding: model }, or use the injector smart",
        });
      }
      const asked = { ...request, ...limits };
      const { maxItems = 10 } = asked;
      const asking = scopeOf(request);
      const isAsked = request.task.trim() !== "" && maxItems > 0;
      const [pinned, ranked] = await Promise.all([
        search.pinnedItems(asking),
        isAsked ? vectors.nearestItems(request.task, maxItems * SPARE, asking, limits.minimumSimilarity ?? MINIMUM_SIMILARITY) : [],
      ]);
      warnOfTooMany(pinned.length, asked, reporter);
      return assign(request, { pinned, ranked }, asked);
    },
  };
}
