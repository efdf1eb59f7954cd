import type { BaggagePolicy } from "../agent/baggage.ts";
import type { Config } from "../config/config.ts";
import { type ConflictJudge, createConflictJudge } from "../knowledge/conflict-judge.ts";
import { llmAnalyzer } from "../lesson/llm-analyzer.ts";
import type { Analyzer } from "../lesson/ports.ts";
import { recoveryAnalyzer } from "../lesson/recovery-analyzer.ts";
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

/** What travels in baggage, and what is believed of it. */
export function baggagePolicy({ baggage, baggageSecret }: Pick<Config, "baggage" | "baggageSecret">): BaggagePolicy {
  return { enabled: baggage === "on", ...(baggageSecret === undefined ? {} : { secret: baggageSecret }) };
}

/** RecoveryAnalyzer needs nothing; the LLM takes part when a key or a base URL says where it is. */
export function defaultAnalyzers(llm: Llm | undefined): readonly Analyzer[] {
  return llm === undefined ? [recoveryAnalyzer()] : [recoveryAnalyzer(), llmAnalyzer({ llm })];
}

/** A second opinion on contradictions, where there is a model to ask. */
export function conflictJudgeWith(llm: Llm): ConflictJudge {
  return createConflictJudge({ llm });
}

/** Undefined where neither a key nor a base URL is configured. */
export function llmFrom(config: Config): Llm | undefined {
  if (config.openaiApiKey === undefined && config.openaiBaseUrl === undefined) return undefined;
  return createLlm({
    model: config.model,
    maxOutputTokens: config.modelOutputTokens,
    timeoutMs: config.modelTimeoutMs,
    ...(config.openaiApiKey === undefined ? {} : { apiKey: config.openaiApiKey }),
    ...(config.openaiBaseUrl === undefined ? {} : { baseUrl: config.openaiBaseUrl }),
    suppress: withoutTracing,
  });
}
