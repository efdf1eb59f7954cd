import type { Config } from "../config/config.ts";
import { createCanaryInjector } from "../injection/canary-injector.ts";
import { createEmbeddingInjector } from "../injection/embedding-injector.ts";
import { createHybridInjector } from "../injection/hybrid-injector.ts";
import type { Injection } from "../injection/injection.ts";
import type { Injector, KnowledgeSources } from "../injection/injector.ts";
import type { InjectionRequest } from "../injection/ports.ts";
import { createSimpleInjector } from "../injection/simple-injector.ts";
import { createSmartInjector } from "../injection/smart-injector.ts";
import type { TrialSource } from "../injection/trial-desk.ts";
import { withTrials } from "../injection/trial-injector.ts";
import { scopeOf } from "../knowledge/knowledge-item.ts";

/**
 * Chooses among the active knowledge within the configured limits, for who the request says asks and for nobody else: who this process itself is does not
 * count here, since a collector answers for others. One way for an agent's own process and for the API of a collector.
 */
export function injectionFrom(
  sources: KnowledgeSources,
  config: Config,
  /** In the place of the one that the config names. */
  injector: Injector = injectorNamed(config),
  /** What may be tried beside it; absent where online validation is off. */
  trials?: TrialSource,
): (request: Omit<InjectionRequest, "withholdProbability" | "controlShare">) => Promise<Injection> {
  const chosen = trials === undefined ? injector : withTrials(injector, trials);
  const { withholdProbability, controlShare, maxItems, maxTokens, maxPinned } = config;
  return (request) =>
    chosen.inject(
      {
        ...scopeOf(request),
        task: request.task,
        withholdProbability,
        controlShare,
        seed: request.seed,
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
