import { createKnowledgeClient, type KnowledgeClient } from "../agent/knowledge-client.ts";
import { createRemoteKnowledge } from "../agent/remote-knowledge.ts";
import type { Config } from "../config/config.ts";
import type { EmbeddingModel } from "../embedding/embedding-model.ts";
import type { Injector } from "../injection/injector.ts";
import { createTrialDesk } from "../injection/trial-desk.ts";
import { type Scope, scopeOf } from "../knowledge/knowledge-item.ts";
import { onlineSetting } from "../knowledge/online-setting.ts";
import type { Feedback } from "../outcome/outcome.ts";
import { createKnowledgeReplica } from "../retrieval/replica.ts";
import { serviceNameIn } from "../telemetry/service-name.ts";
import { apiUrlOf, baggagePolicy } from "./from-config.ts";
import { injectionFrom } from "./injection-from.ts";
import type { Runtime } from "./runtime.ts";
import { shippedModel } from "./shipped-model.ts";

/** How one agent process comes by knowledge and gives feedback: through its own store, or through a collector. */
export interface KnowledgeAccess {
  readonly client: KnowledgeClient;
  feedback(feedback: Feedback): Promise<void>;
  /** Resolves once what was changed before the call is in the next answer. */
  refresh(): Promise<void>;
  /** Lets go of what is this process's alone. Safe twice. */
  close(): void;
}

/** What only code can pass. */
export interface AccessParts {
  /** In the place of the one that the config names. */
  readonly injector?: Injector | undefined;
  /** What nearness in meaning goes by. Default: the table that ships with the package. */
  readonly embedding?: EmbeddingModel | undefined;
}

export function openKnowledgeAccess(runtime: Runtime, config: Config, parts: AccessParts): KnowledgeAccess {
  const { store } = runtime;
  const remote = config.endpoint === undefined ? undefined : createRemoteKnowledge({ apiUrl: apiUrlOf(config), token: config.token });
  const copy = remote === undefined ? runtime.knowledge : createKnowledgeReplica({ feed: remote, model: shippedModel, embedsItems: true });
  if (parts.embedding !== undefined) void copy.useModel(parts.embedding);
  // A collector tells of trials only where its own setting is on, and who asks it goes by what it says.
  const setting = onlineSetting(remote === undefined ? config : { ...config, online: "on" });
  const rations = remote ?? store;
  const trials = setting === undefined ? undefined : createTrialDesk({ setting, items: () => copy.trialItems(), rations });
  const sources = { search: copy, vectors: copy, ...(remote === undefined ? { library: store } : {}) };
  return {
    client: createKnowledgeClient({
      source: injectionFrom(sources, config, parts.injector, trials),
      baggage: baggagePolicy(config),
      ...askingFrom(config),
      fallbackService: serviceNameIn(process.env),
    }),
    feedback: (feedback) => (remote === undefined ? store.addFeedback(feedback) : remote.feedback(feedback)),
    refresh: () => copy.refresh(),
    close() {
      // The runtime closes its own, when the last one lets go of it.
      if (remote !== undefined) copy.close();
    },
  };
}

/** Who this process is, where neither a run nor a call says who asks. */
function askingFrom({ agentName, serviceName, agentModel, tenant }: Config): Scope {
  return scopeOf({ agentName, service: serviceName, model: agentModel, tenant });
}
