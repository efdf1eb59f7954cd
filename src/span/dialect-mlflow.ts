import { type AttributeReader, createAttributeReader, objectIn } from "./attribute-reader.ts";
import { finishReasonsFrom } from "./finish-reason.ts";
import { isObject, textOf } from "./json.ts";
import { firstText } from "./message-part.ts";
import { conversationIn, documentsIn, requestIn, responseIn } from "./payload.ts";
import type { Dialect, DialectInput, Reading } from "./ports.ts";
import type { Attributes, AttributeValue } from "./raw-span.ts";
import { type Roles, roleIn } from "./role.ts";
import type { SpanRole, Usage } from "./span.ts";
import { usageFrom } from "./usage.ts";

const ROLES: Roles = {
  LLM: "llm",
  CHAT_MODEL: "llm",
  AGENT: "agent",
  WORKFLOW: "agent",
  TOOL: "tool",
  RETRIEVER: "retrieval",
  RERANKER: "retrieval",
  EMBEDDING: "embedding",
};

const MICROSECONDS_PER_MILLISECOND = 1000;

const OWN = ["mlflow.spanType", "mlflow.spanInputs", "mlflow.spanOutputs"] as const;

/** MLflow's tracing SDK. Every attribute is JSON text, words in quotes too. */
export const mlflowDialect: Dialect = {
  name: "mlflow",
  read({ span, occurrences }) {
    const reader = createAttributeReader(span.attributes);
    if (!OWN.some((key) => reader.has(key))) return undefined;
    const type = wordIn(reader, "mlflow.spanType")?.toUpperCase();
    const said = type === undefined ? undefined : (roleIn(ROLES, type) ?? "wrapper");
    const role = reader.has("gen_ai.operation.name") ? undefined : said;
    const cost = objectIn(reader.value("mlflow.llm.cost"))["total_cost"];
    return {
      role,
      operation: role === undefined ? undefined : type,
      provider: wordIn(reader, "mlflow.llm.provider"),
      model: wordIn(reader, "mlflow.llm.model"),
      usage: usageOf(reader),
      ...(said === "llm" ? callOf(reader, { span, occurrences }) : {}),
      costUsd: typeof cost === "number" ? cost : undefined,
      agentName: said === "agent" ? span.name : undefined,
      conversationId: wordIn(reader, "session.id") ?? wordIn(reader, "mlflow.trace.session"),
      userId: wordIn(reader, "user.id") ?? wordIn(reader, "mlflow.trace.user"),
      ...contentOf(said, reader.json("mlflow.spanInputs"), reader.json("mlflow.spanOutputs")),
      metadata: reader.rest("mlflow."),
    };
  },
};

function contentOf(role: SpanRole | undefined, input: AttributeValue | undefined, output: AttributeValue | undefined): Reading {
  if (role === "tool") return { tool: { arguments: input, result: output } };
  const question = role === "llm" ? requestIn(input) : conversationIn(input, "user");
  const answer = role === "llm" ? responseIn(output) : conversationIn(output, "assistant");
  const documents = role === "retrieval" ? documentsIn(output) : undefined;
  return {
    inputMessages: question.messages,
    outputMessages: answer.messages,
    input: question.text,
    output: answer.text,
    ...(role === "retrieval"
      ? {
          retrieval: {
            ...(question.text === undefined ? {} : { query: question.text }),
            ...(documents === undefined ? {} : { documents }),
          },
        }
      : {}),
  };
}

/** What autologging leaves to be read out of the provider's own response; a refused call has none, and no `mlflow.llm.model`. */
function callOf(reader: AttributeReader, { span, occurrences }: DialectInput): Reading {
  const response = objectIn(reader.value("mlflow.spanOutputs"));
  const chunk = occurrences.find(({ name }) => name.startsWith("mlflow.chunk.item."));
  const asked = wordIn(reader, "model");
  return {
    model: wordIn(reader, "mlflow.llm.model") ?? asked,
    requestModel: asked,
    responseId: firstText(response, "id"),
    finishReasons: finishReasonsFrom(choicesOf(response).map((choice) => choice["finish_reason"] ?? null)),
    usage: withReasoning(usageOf(reader), objectIn(response["usage"])),
    timeToFirstTokenMs: chunk === undefined ? undefined : (chunk.timeUs - span.startTimeUs) / MICROSECONDS_PER_MILLISECOND,
  };
}

function choicesOf(response: Attributes): readonly Attributes[] {
  const choices = response["choices"];
  return Array.isArray(choices) ? (choices as AttributeValue[]).filter(isObject) : [];
}

/** The one count that MLflow's own attribute leaves out. */
function withReasoning(usage: Usage | undefined, said: Attributes): Usage | undefined {
  const details = createAttributeReader(objectIn(said["completion_tokens_details"] ?? said["output_tokens_details"]));
  const reasoningTokens = details.number("reasoning_tokens");
  return usage === undefined || reasoningTokens === undefined ? usage : { ...usage, reasoningTokens };
}

function usageOf(reader: AttributeReader): Usage | undefined {
  const tokens = createAttributeReader(objectIn(reader.value("mlflow.chat.tokenUsage")));
  return usageFrom({
    inputTokens: tokens.number("input_tokens"),
    outputTokens: tokens.number("output_tokens"),
    cacheReadTokens: tokens.number("cache_read_input_tokens"),
    cacheWriteTokens: tokens.number("cache_creation_input_tokens"),
  });
}

function wordIn(reader: AttributeReader, key: string): string | undefined {
  const value = reader.json(key);
  const word = value === undefined ? "" : textOf(value);
  return word === "" ? undefined : word;
}
