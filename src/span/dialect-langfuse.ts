import type { TimeUs } from "../base/clock.ts";
import { type AttributeReader, createAttributeReader, objectIn } from "./attribute-reader.ts";
import { conversationIn, documentsIn, requestIn, responseIn } from "./payload.ts";
import type { Dialect, Reading } from "./ports.ts";
import type { Attributes, AttributeValue } from "./raw-span.ts";
import { type Roles, roleIn } from "./role.ts";
import type { SpanRole, Usage } from "./span.ts";
import { millisecondsUntil } from "./time-value.ts";
import { usageFrom, usageFromSplit } from "./usage.ts";

const ROLES: Roles = {
  generation: "llm",
  agent: "agent",
  tool: "tool",
  retriever: "retrieval",
  embedding: "embedding",
  span: "wrapper",
  chain: "wrapper",
  guardrail: "wrapper",
  evaluator: "wrapper",
  event: "other",
};

/** Langfuse SDKs: `langfuse.observation.*`. `langfuse.trace.*` is stamped on every span of a run, plain ones too, and tells no step. */
export const langfuseDialect: Dialect = {
  name: "langfuse",
  read({ span }) {
    const { attributes } = span;
    if (!Object.keys(attributes).some((key) => key.startsWith("langfuse.observation."))) return undefined;
    const reader = createAttributeReader(attributes);
    const type = reader.text("langfuse.observation.type") ?? "span";
    // Other instrumentations' spans pass through as "span"; they say themselves what they are.
    const role = type === "span" && reader.has("gen_ai.operation.name") ? undefined : (roleIn(ROLES, type) ?? "wrapper");
    const message = reader.text("langfuse.observation.status_message");
    return {
      role,
      operation: role === undefined ? undefined : type,
      model: reader.text("langfuse.observation.model.name"),
      agentName: role === "agent" ? span.name : reader.text("langfuse.trace.name"),
      conversationId: reader.text("session.id", "langfuse.session.id"),
      userId: reader.text("user.id", "langfuse.user.id"),
      usage: usageOf(objectIn(reader.value("langfuse.observation.usage_details"))),
      costUsd: costOf(objectIn(reader.value("langfuse.observation.cost_details"))),
      timeToFirstTokenMs: firstTokenMs(reader, span.startTimeUs),
      ...contentOf(reader, role),
      // The span's own status stays unset.
      failed: reader.text("langfuse.observation.level")?.toUpperCase() === "ERROR",
      errorText: message,
      metadata: reader.rest("langfuse."),
    };
  },
};

function contentOf(reader: AttributeReader, role: SpanRole | undefined): Reading {
  const input = reader.json("langfuse.observation.input");
  const output = reader.json("langfuse.observation.output");
  // Told on the root only, and there it is what the whole run was asked and answered.
  const asked = reader.json("langfuse.trace.input");
  const answered = reader.json("langfuse.trace.output");
  if (role === "tool") return { tool: { arguments: input, result: output } };
  if (role === "llm") {
    const request = requestIn(input);
    const response = responseIn(output);
    return { inputMessages: request.messages, outputMessages: response.messages, input: request.text, output: response.text };
  }
  const question = conversationIn(asked ?? input, "user");
  const answer = conversationIn(answered ?? output, "assistant");
  return {
    inputMessages: question.messages,
    outputMessages: answer.messages,
    input: question.text,
    output: answer.text,
    ...(role === "retrieval" ? { retrieval: retrievalOf(question.text, output) } : {}),
  };
}

function retrievalOf(query: string | undefined, output: AttributeValue | undefined): NonNullable<Reading["retrieval"]> {
  const documents = documentsIn(output);
  return { ...(query === undefined ? {} : { query }), ...(documents === undefined ? {} : { documents }) };
}

/** Counts stand beside each other, unless the total shows that the writer of `usageDetails` put the details inside. */
function usageOf(details: Attributes): Usage | undefined {
  const reader = createAttributeReader(details);
  const tokens = {
    input: reader.number("input", "prompt_tokens", "input_tokens"),
    output: reader.number("output", "completion_tokens", "output_tokens"),
    cacheRead: reader.number("input_cached_tokens", "input_cache_read", "cache_read_input_tokens"),
    cacheWrite: reader.number("input_cache_creation", "input_cache_write", "cache_creation_input_tokens"),
    reasoning: reader.number("output_reasoning_tokens", "output_reasoning", "reasoning_tokens"),
  };
  const total = reader.number("total", "total_tokens");
  const inside = total !== undefined && total === (tokens.input ?? 0) + (tokens.output ?? 0);
  if (!inside) return usageFromSplit(tokens);
  return usageFrom({
    inputTokens: tokens.input,
    outputTokens: tokens.output,
    cacheReadTokens: tokens.cacheRead,
    cacheWriteTokens: tokens.cacheWrite,
    reasoningTokens: tokens.reasoning,
  });
}

function costOf(details: Attributes): number | undefined {
  const total = details["total"];
  if (typeof total === "number") return total;
  const costs = Object.values(details).filter((cost): cost is number => typeof cost === "number");
  return costs.length === 0 ? undefined : costs.reduce((sum, cost) => sum + cost, 0);
}

function firstTokenMs(reader: AttributeReader, startTimeUs: TimeUs): number | undefined {
  return millisecondsUntil(reader.value("langfuse.observation.completion_start_time"), startTimeUs);
}
