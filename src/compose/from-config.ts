import type { BaggagePolicy } from "../agent/baggage.ts";
import type { Config } from "../config/config.ts";
import { type ConflictJudge, createConflictJudge } from "../knowledge/conflict-judge.ts";
import { createBatchAnalyzer } from "../lesson/batch-analyzer.ts";
import { llmAnalyzer } from "../lesson/llm-analyzer.ts";
import type { Analyzer } from "../lesson/ports.ts";
import { recoveryAnalyzer } from "../lesson/recovery-analyzer.ts";
import { createTieredAnalyzer } from "../lesson/tiered-analyzer.ts";
import { createLlm, type Llm } from "../llm/client.ts";
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

/** How tests of candidates run, and what they ask before anything is promoted. */
export function gateSettings(
  config: Config,
): Pick<Config, "alpha" | "minimumGain" | "passScore" | "confirmReplicates" | "maxRounds" | "concurrency"> {
  const { alpha, minimumGain, passScore, confirmReplicates, maxRounds, concurrency } = config;
  return { alpha, minimumGain, passScore, confirmReplicates, maxRounds, concurrency };
}

/** What travels in baggage, and what is believed of it. */
export function baggagePolicy({ baggage, baggageSecret }: Pick<Config, "baggage" | "baggageSecret">): BaggagePolicy {
  return { enabled: baggage === "on", ...(baggageSecret === undefined ? {} : { secret: baggageSecret }) };
}

/** What a model is wrapped in before it is asked: budgets, journal, retries. */
export type Wrap = (llm: Llm) => Llm;

/** RecoveryAnalyzer needs nothing; a model takes part when a key or a base URL says where it is, in the way the setting `analyzer` says. */
export function defaultAnalyzers(config: Config, wrap: Wrap): readonly Analyzer[] {
  const recovery = recoveryAnalyzer();
  if (!hasModel(config) || config.analyzer === "recovery") return [recovery];
  const llm = wrap(llmFrom(config));
  if (config.analyzer === "batch") return [recovery, createBatchAnalyzer({ llm })];
  if (config.analyzer === "llm") return [recovery, llmAnalyzer({ llm })];
  const small = config.smallModel === undefined ? [] : [llmAnalyzer({ llm: wrap(llmFrom(config, config.smallModel)), name: "small-llm" })];
  return [createTieredAnalyzer({ tiers: [recovery, ...small, llmAnalyzer({ llm })] })];
}

/** A second opinion on contradictions, where there is a model to ask. */
export function defaultConflictJudge(config: Config, wrap: Wrap): ConflictJudge | undefined {
  return hasModel(config) ? createConflictJudge({ llm: wrap(llmFrom(config)) }) : undefined;
}

/** Whether the settings say where a model is. */
export function hasModel(config: Config): boolean {
  return config.openaiApiKey !== undefined || config.openaiBaseUrl !== undefined;
}

/** The configured server with this model. Throws "invalid" when there is neither a key nor a base URL. */
export function llmFrom(config: Config, model: string = config.model): Llm {
  return createLlm({
    model,
    maxOutputTokens: config.modelOutputTokens,
    timeoutMs: config.modelTimeoutMs,
    ...(config.openaiApiKey === undefined ? {} : { apiKey: config.openaiApiKey }),
    ...(config.openaiBaseUrl === undefined ? {} : { baseUrl: config.openaiBaseUrl }),
    suppress: withoutTracing,
  });
}
