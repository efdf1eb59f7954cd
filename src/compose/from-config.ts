import type { Config } from "../config/config.ts";
import type { Injection } from "../injection/injection.ts";
import { select } from "../injection/select.ts";
import { type ConflictJudge, createConflictJudge } from "../knowledge/conflict-judge.ts";
import { llmAnalyzer } from "../lesson/llm-analyzer.ts";
import type { Analyzer } from "../lesson/ports.ts";
import { recoveryAnalyzer } from "../lesson/recovery-analyzer.ts";
import { createLlm, type Llm } from "../llm/client.ts";
import type { Store } from "../store/ports.ts";
import { withoutTracing } from "../telemetry/suppress.ts";
import { endpointTarget, type Target } from "./runtime.ts";

/** Where spans go: to the collector where one is named, else into the store. */
export function targetOf(config: Config): Target {
  return config.endpoint === undefined ? { store: config.store } : endpointTarget(config.endpoint, config);
}

/** The API listens beside OTLP: same host, port 4320 unless `apiUrl` says otherwise. */
export function apiUrlOf(config: Config): string {
  if (config.apiUrl !== undefined) return config.apiUrl;
  const url = new URL(config.endpoint ?? "http://127.0.0.1");
  url.port = String(config.apiPort);
  url.pathname = "/";
  return url.href;
}

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
      seed,
      maxItems: config.maxItems,
      maxTokens: config.maxTokens,
      maxPinned: config.maxPinned,
    });
}

/** RecoveryAnalyzer needs nothing; the LLM takes part when a key or a base URL says where it is. */
export function defaultAnalyzers(config: Config): readonly Analyzer[] {
  const llm = llmFrom(config);
  return llm === undefined ? [recoveryAnalyzer()] : [recoveryAnalyzer(), llmAnalyzer({ llm })];
}

/** A second opinion on contradictions, where there is a model to ask. */
export function defaultConflictJudge(config: Config): ConflictJudge | undefined {
  const llm = llmFrom(config);
  return llm === undefined ? undefined : createConflictJudge({ llm });
}

function llmFrom(config: Config): Llm | undefined {
  if (config.openaiApiKey === undefined && config.openaiBaseUrl === undefined) return undefined;
  return createLlm({
    model: config.model,
    ...(config.openaiApiKey === undefined ? {} : { apiKey: config.openaiApiKey }),
    ...(config.openaiBaseUrl === undefined ? {} : { baseUrl: config.openaiBaseUrl }),
    suppress: withoutTracing,
  });
}
