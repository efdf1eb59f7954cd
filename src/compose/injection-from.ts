import type { Config } from "../config/config.ts";
import type { Injection } from "../injection/injection.ts";
import { select } from "../injection/select.ts";
import type { Store } from "../store/ports.ts";

/** Chooses knowledge out of a store within the configured limits. One way for an agent's own process and for the API of a collector. */
export function injectionFrom(
  store: Store,
  config: Config,
): (request: { readonly task: string; readonly agentName?: string; readonly seed: string }) => Promise<Injection> {
  return ({ task, agentName, seed }) =>
    select({
      task,
      ...(agentName === undefined ? {} : { agentName }),
      search: store,
      withholdProbability: config.withholdProbability,
      controlShare: config.controlShare,
      seed,
      maxItems: config.maxItems,
      maxTokens: config.maxTokens,
      maxPinned: config.maxPinned,
    });
}
