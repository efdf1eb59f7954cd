import { type AttributeReader, createAttributeReader } from "./attribute-reader.ts";
import { conversationIn, requestIn, responseIn } from "./payload.ts";
import type { Dialect, Reading } from "./ports.ts";
import type { AttributeValue } from "./raw-span.ts";
import { type Roles, roleIn } from "./role.ts";
import type { Message, SpanRole } from "./span.ts";
import { millisecondsUntil } from "./time-value.ts";

const ROLES: Roles = {
  agent_run: "agent",
  workflow_run: "agent",
  // What a model was sent stands on these, what it answered on the call inside. As calls around one call they are united with it, and
  // where several calls are inside, these give way.
  model_generation: "llm",
  model_step: "llm",
  model_inference: "llm",
  model_chunk: "wrapper",
  tool_call: "tool",
  mcp_tool_call: "tool",
  rag_embedding: "embedding",
};

/** Mastra's exporter: `mastra.*` beside OTel `gen_ai.*`, which holds tokens, models and tool calls. */
export const mastraDialect: Dialect = {
  name: "mastra",
  read({ span }) {
    const reader = createAttributeReader(span.attributes);
    const type = reader.text("mastra.span.type");
    if (type === undefined) return undefined;
    const role = reader.text("gen_ai.operation.name") === "chat" ? "llm" : (roleIn(ROLES, type) ?? "wrapper");
    return {
      role,
      operation: reader.text("gen_ai.operation.name") ?? type,
      // The name that the AI SDK gives a provider together with its API: "openai.chat".
      provider: reader.text("gen_ai.provider.name")?.split(".")[0],
      agentName: reader.text("gen_ai.agent.name"),
      conversationId: reader.text("gen_ai.conversation.id", "mastra.metadata.threadId") ?? reader.text("mastra.metadata.sessionId"),
      userId: reader.text("mastra.metadata.userId"),
      timeToFirstTokenMs: millisecondsUntil(reader.value("mastra.completion_start_time"), span.startTimeUs),
      ...contentOf(reader, role, reader.json(`mastra.${type}.input`), reader.json(`mastra.${type}.output`)),
      metadata: reader.rest("mastra."),
    };
  },
};

function contentOf(
  reader: AttributeReader,
  role: SpanRole,
  input: AttributeValue | undefined,
  output: AttributeValue | undefined,
): Reading {
  if (role === "tool") {
    return {
      tool: {
        arguments: reader.json("gen_ai.tool.call.arguments") ?? input,
        result: reader.json("gen_ai.tool.call.result") ?? output,
      },
    };
  }
  const question = role === "llm" ? requestIn(unpacked(input)) : conversationIn(input, "user");
  const answer = role === "llm" ? responseIn(output) : conversationIn(output, "assistant");
  return {
    inputMessages: question.messages?.filter(isTold),
    outputMessages: answer.messages,
    input: question.text,
    output: answer.text,
  };
}

// From the second step on, calls and their answers stand in a history as `[tool: get_weather]` and `[tool-result: get_weather]`.
const PLACEHOLDER = /^\[tool(?:-result)?: [^\]]{1,200}\]$/;

/** A placeholder is no answer of a tool: a step would be said to have given it. */
function isTold({ parts }: Message): boolean {
  const [only] = parts;
  if (parts.length !== 1 || only === undefined) return true;
  const said = only.type === "text" ? only.content : only.type === "tool_call_response" ? only.response : "";
  return typeof said !== "string" || !PLACEHOLDER.test(said);
}

/** A step may hold the whole HTTP request: `{body: {model, messages}}`. */
function unpacked(input: AttributeValue | undefined): AttributeValue | undefined {
  const body = typeof input === "object" && input !== null && !Array.isArray(input) ? (input as { body?: AttributeValue }).body : undefined;
  return body ?? input;
}
