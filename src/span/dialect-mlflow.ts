import { type AttributeReader, createAttributeReader, objectIn } from "./attribute-reader.ts";
import { textOf } from "./json.ts";
import { conversationIn, documentsIn, requestIn, responseIn } from "./payload.ts";
import type { Dialect, Reading } from "./ports.ts";
import type { AttributeValue } from "./raw-span.ts";
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

const OWN = ["mlflow.spanType", "mlflow.spanInputs", "mlflow.spanOutputs"] as const;

/** MLflow's tracing SDK. Every attribute is JSON text, words in quotes too. */
export const mlflowDialect: Dialect = {
  name: "mlflow",
  read({ span }) {
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
