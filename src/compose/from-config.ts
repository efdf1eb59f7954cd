import type { Config } from "../config/config.ts";
import type { Injection } from "../injection/injection.ts";
import type { KnowledgeSearch } from "../injection/ports.ts";
import { select } from "../injection/select.ts";
import { llmAnalyzer } from "../lesson/llm-analyzer.ts";
import type { Analyzer } from "../lesson/ports.ts";
import { recoveryAnalyzer } from "../lesson/recovery-analyzer.ts";
import { createLlm } from "../llm/client.ts";
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

/** RecoveryAnalyzer needs nothing; the LLM takes part when a key or a base URL says where it is. */
export function defaultAnalyzers(config: Config): readonly Analyzer[] {
  if (config.openaiApiKey === undefined && config.openaiBaseUrl === undefined) return [recoveryAnalyzer()];
  const llm = createLlm({
    model: config.model,
    ...(config.openaiApiKey === undefined ? {} : { apiKey: config.openaiApiKey }),
    ...(config.openaiBaseUrl === undefined ? {} : { baseUrl: config.openaiBaseUrl }),
    suppress: withoutTracing,
  });
  return [recoveryAnalyzer(), llmAnalyzer({ llm })];
}
