import type { Config } from "../config/config.ts";
import { createCanaryInjector } from "../injection/canary-injector.ts";
import { createEmbeddingInjector } from "../injection/embedding-injector.ts";
import { createHybridInjector } from "../injection/hybrid-injector.ts";
import type { Injection } from "../injection/injection.ts";
import type { Injector, KnowledgeSources } from "../injection/injector.ts";
import { createSimpleInjector } from "../injection/simple-injector.ts";
import { createSmartInjector } from "../injection/smart-injector.ts";

/** Chooses among the active knowledge within the configured limits. One way for an agent's own process and for the API of a collector. */
export function injectionFrom(
  sources: KnowledgeSources,
  config: Config,
  /** In the place of the one that the config names. */
  injector: Injector = injectorNamed(config),
): (request: { readonly task: string; readonly agentName?: string; readonly seed: string }) => Promise<Injection> {
  const { withholdProbability, controlShare, maxItems, maxTokens, maxPinned } = config;
  return ({ task, agentName, seed }) =>
    injector.inject(
      {
        task,
        ...(agentName === undefined ? {} : { agentName }),
        withholdProbability,
        controlShare,
        seed,
        maxItems,
        maxTokens,
        maxPinned,
      },
      sources,
    );
}

function injectorNamed({ injector, canaryShare }: Config): Injector {
  const makers = {
    smart: () => createSmartInjector(),
    simple: () => createSimpleInjector(),
    embedding: () => createEmbeddingInjector(),
    hybrid: () => createHybridInjector(),
    canary: () => createCanaryInjector({ share: canaryShare }),
  };
  return makers[injector]();
}
