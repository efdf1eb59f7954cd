import type { Config } from "../config/config.ts";
import type { EmbeddingModel } from "../embedding/embedding-model.ts";
import { openStaticModel } from "../embedding/static-model.ts";
import { createCanaryInjector } from "../injection/canary-injector.ts";
import { createEmbeddingInjector } from "../injection/embedding-injector.ts";
import { createHybridInjector } from "../injection/hybrid-injector.ts";
import type { Injection } from "../injection/injection.ts";
import type { Injector, KnowledgeSources } from "../injection/injector.ts";
import { createVectorScan } from "../injection/scan-vectors.ts";
import { createSimpleInjector } from "../injection/simple-injector.ts";
import { createSmartInjector } from "../injection/smart-injector.ts";
import type { Store } from "../store/ports.ts";

/** What only code can pass. */
export interface InjectionParts {
  /** In the place of the one that the config names. */
  readonly injector?: Injector | undefined;
  /** For the injectors embedding and hybrid. Default: the table that ships with the package. */
  readonly embedding?: EmbeddingModel | undefined;
}

/** Chooses knowledge out of a store within the configured limits. One way for an agent's own process and for the API of a collector. */
export function injectionFrom(
  store: Store,
  config: Config,
  { injector: own, embedding }: InjectionParts = {},
): (request: { readonly task: string; readonly agentName?: string; readonly seed: string }) => Promise<Injection> {
  const injector = own ?? injectorNamed(config);
  const model = embedding === undefined ? shippedModel : async () => embedding;
  const sources: KnowledgeSources = { search: store, library: store, vectors: createVectorScan({ library: store, model }) };
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

let shipped: Promise<EmbeddingModel> | undefined;

/** One table for the process: it is read-only, and some megabytes. One that can't be read now is tried again at the next task. */
function shippedModel(): Promise<EmbeddingModel> {
  shipped ??= openStaticModel().catch((caught: unknown) => {
    shipped = undefined;
    throw caught;
  });
  return shipped;
}
