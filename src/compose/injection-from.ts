import type { Config } from "../config/config.ts";
import type { Injection } from "../injection/injection.ts";
import type { KnowledgeSearch } from "../injection/ports.ts";
import { select } from "../injection/select.ts";

/** Chooses among what a search finds, within the configured limits. One way for an agent's own process and for the API of a collector. */
export function injectionFrom(
  search: KnowledgeSearch,
  config: Config,
): (request: { readonly task: string; readonly agentName?: string; readonly seed: string }) => Promise<Injection> {
  return ({ task, agentName, seed }) =>
    select({
      task,
      ...(agentName === undefined ? {} : { agentName }),
      search,
      withholdProbability: config.withholdProbability,
      seed,
      maxItems: config.maxItems,
      maxTokens: config.maxTokens,
      maxPinned: config.maxPinned,
    });
}
