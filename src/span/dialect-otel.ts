import { type AttributeReader, createAttributeReader } from "./attribute-reader.ts";
import { finishReasonsFrom } from "./finish-reason.ts";
import { isObject, textOf, valueFrom } from "./json.ts";
import { partFrom, plainText } from "./message-part.ts";
import { messagesFrom, textOfMessage } from "./messages.ts";
import { documentsIn } from "./payload.ts";
import type { Dialect, DialectInput, Reading } from "./ports.ts";
import type { Attributes, AttributeValue } from "./raw-span.ts";
import { type Roles, roleIn } from "./role.ts";
import type { SpanRole, Usage } from "./span.ts";
import { usageFrom } from "./usage.ts";

const ROLES: Roles = {
  chat: "llm",
  generate_content: "llm",
  text_completion: "llm",
  completion: "llm",
  embeddings: "embedding",
  retrieval: "retrieval",
  search_memory: "retrieval",
  rerank: "retrieval",
  execute_tool: "tool",
  invoke_agent: "agent",
  invoke_workflow: "agent",
  create_agent: "agent",
  workflow: "agent",
  // Writing to a memory is neither a call of a model nor of a tool, and finds nothing: such spans only hold their place in the tree.
  create_memory_store: "other",
  create_memory: "other",
  update_memory: "other",
  upsert_memory: "other",
  delete_memory: "other",
  delete_memory_store: "other",
  // These hold the model calls of one turn; counting them as calls would count every token twice.
  plan: "wrapper",
  agent_step: "wrapper",
  model_generation: "wrapper",
  model_step: "wrapper",
  model_chunk: "wrapper",
};

const MILLISECONDS_PER_SECOND = 1000;

// Context that processors stamp on every span of a run, also on plain HTTP spans.
const STAMPED = /^gen_ai\.(conversation|agent)\./;

/** OTel GenAI conventions as of 1.37 and later: everything in `gen_ai.*` attributes, or in one log with the details of the operation. */
export const otelDialect: Dialect = {
  name: "otel",
  read(input) {
    const attributes = attributesOf(input);
    const speaks = Object.keys(attributes).some((key) => (key.startsWith("gen_ai.") && !STAMPED.test(key)) || key === "mcp.method.name");
    return speaks ? readAttributes(attributes) : undefined;
  },
};

/** Span attributes before those of the details logs: who writes both writes the same twice. */
function attributesOf({ span, occurrences }: DialectInput): Attributes {
  const details = occurrences.filter((occurrence) => occurrence.name === "gen_ai.client.inference.operation.details");
  if (details.length === 0) return span.attributes;
  const merged: { [key: string]: AttributeValue } = {};
  for (const { body, attributes } of details) Object.assign(merged, isObject(body) ? body : {}, attributes);
  delete merged["event.name"];
  return Object.assign(merged, span.attributes);
}

function readAttributes(attributes: Attributes): Reading {
  const reader = createAttributeReader(attributes);
  const operation = reader.text("gen_ai.operation.name");
  const role = roleOf(operation, reader);
  const inputValue = reader.value("gen_ai.input.messages", "gen_ai.prompt");
  const outputValue = reader.value("gen_ai.output.messages", "gen_ai.completion");
  const input = messagesFrom(inputValue, "user");
  const output = messagesFrom(outputValue, "assistant");
  const tool = role === "tool" ? toolOf(reader) : undefined;
  const query = reader.text("gen_ai.retrieval.query.text", "gen_ai.memory.query.text");
  const documents = reader.json("gen_ai.retrieval.documents", "gen_ai.memory.records");
  const raw: { [key: string]: AttributeValue } = {};
  if (input?.truncated && inputValue !== undefined) raw["gen_ai.input.messages"] = inputValue;
  if (output?.truncated && outputValue !== undefined) raw["gen_ai.output.messages"] = outputValue;
  return {
    role,
    operation: operation ?? reader.text("mcp.method.name"),
    provider: reader.text("gen_ai.provider.name", "gen_ai.system"),
    model: reader.text("gen_ai.response.model", "gen_ai.request.model"),
    requestModel: reader.text("gen_ai.request.model"),
    responseId: reader.text("gen_ai.response.id"),
    finishReasons: finishReasonsFrom(reader.json("gen_ai.response.finish_reasons")) ?? output?.finishReasons,
    usage: usageOf(reader),
    system: systemOf(reader.value("gen_ai.system_instructions")),
    inputMessages: input?.messages,
    outputMessages: output?.messages,
    input: query,
    output: documents === undefined ? undefined : textOf(documents),
    retrieval: role === "retrieval" ? { ...given("query", query), ...given("documents", documentsIn(documents)) } : undefined,
    timeToFirstTokenMs: firstTokenMs(reader),
    // Emitters that do not know the price of a model write 0.
    costUsd: reader.number("gen_ai.usage.cost", "gen_ai.usage.total_cost"),
    ...(tool === undefined ? {} : { tool }),
    errorText: typeof tool?.result === "string" ? tool.result : undefined,
    agentName: reader.text("gen_ai.agent.name", "gen_ai.workflow.name"),
    conversationId: reader.text("gen_ai.conversation.id"),
    metadata: {
      ...reader.rest("gen_ai.", "mcp."),
      ...(role === "wrapper" ? createAttributeReader(attributes).rest("function.") : {}),
      ...raw,
    },
  };
}

/** By the operation alone: `gen_ai.tool.name` also stands on chat spans of some emitters. */
function roleOf(operation: string | undefined, reader: AttributeReader): SpanRole | undefined {
  if (reader.text("mcp.method.name") === "tools/call") return "tool";
  // A function that openlit was told to trace: `@openlit.trace`.
  if (operation === undefined && reader.has("function.args")) return "wrapper";
  if (operation === undefined) return reader.has("mcp.method.name") ? "other" : undefined;
  return roleIn(ROLES, operation) ?? "other";
}

function toolOf(reader: AttributeReader): NonNullable<Reading["tool"]> {
  const result = reader.json("gen_ai.tool.call.result");
  return {
    name: reader.text("gen_ai.tool.name"),
    callId: reader.text("gen_ai.tool.call.id"),
    arguments: reader.json("gen_ai.tool.call.arguments"),
    result: result === undefined ? undefined : plainText(result),
  };
}

/** The convention counts seconds, and so do those who were before it. */
function firstTokenMs(reader: AttributeReader): number | undefined {
  const seconds = reader.number(
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.client.operation.time_to_first_chunk",
    "gen_ai.server.time_to_first_token",
    "gen_ai.server.ttft",
  );
  return seconds === undefined ? undefined : seconds * MILLISECONDS_PER_SECOND;
}

function given<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V });
}

/** Input includes cached and output includes reasoning by definition of the convention. */
function usageOf(reader: AttributeReader): Usage | undefined {
  const outputTokens = reader.number("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens");
  // AI SDK 7 puts the details of a step on its wrapper too, where there is no total for them to be part of.
  const vendorReasoning = outputTokens === undefined ? undefined : reader.number("ai.usage.outputTokenDetails.reasoningTokens");
  return usageFrom({
    inputTokens: reader.number("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    outputTokens,
    cacheReadTokens: reader.number("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"),
    cacheWriteTokens: reader.number(
      "gen_ai.usage.cache_write.input_tokens",
      "gen_ai.usage.cache_creation.input_tokens",
      "gen_ai.usage.cache_creation_input_tokens",
    ),
    reasoningTokens: reader.number("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.reasoning_tokens") ?? vendorReasoning,
  });
}

/** Parts, JSON text of parts, or plain text: all three occur. */
function systemOf(value: AttributeValue | undefined): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const parsed = valueFrom(value);
  if (typeof parsed === "string") return parsed;
  const values = Array.isArray(parsed) ? (parsed as readonly AttributeValue[]) : [parsed];
  const text = textOfMessage({ role: "system", parts: values.flatMap((part) => partFrom(part) ?? []) });
  return text === "" ? textOf(value) : text;
}
