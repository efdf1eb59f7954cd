import { type AttributeReader, createAttributeReader, objectIn } from "./attribute-reader.ts";
import { evaluationFrom } from "./evaluation-events.ts";
import { finishReasonsFrom } from "./finish-reason.ts";
import { isObject, textOf, valueFrom } from "./json.ts";
import { first, firstText, plainText } from "./message-part.ts";
import { langChainMessage, messagesFrom } from "./messages.ts";
import { flattenedMessages } from "./openinference-messages.ts";
import { documentFrom } from "./payload.ts";
import type { Dialect, Reading } from "./ports.ts";
import type { Attributes, AttributeValue } from "./raw-span.ts";
import { type Roles, roleIn } from "./role.ts";
import type { Evaluation, Message, RetrievedDocument, SpanRole } from "./span.ts";
import { usageFrom } from "./usage.ts";

const ROLES: Roles = {
  LLM: "llm",
  EMBEDDING: "embedding",
  RETRIEVER: "retrieval",
  RERANKER: "retrieval",
  TOOL: "tool",
  AGENT: "agent",
  CHAIN: "wrapper",
};

const CARRIED = ["openinference.", "llm.", "tool.", "tag.", "embedding.model_name", "reranker."] as const;

/** OpenInference (Arize): `openinference.span.kind`, flattened messages, and the raw payloads in `input.value` and `output.value`. */
export const openInferenceDialect: Dialect = {
  name: "openinference",
  read({ span: { attributes } }) {
    const reader = createAttributeReader(attributes);
    const kind = reader.text("openinference.span.kind");
    if (kind === undefined) return undefined;
    const role = roleIn(ROLES, kind.toUpperCase()) ?? "other";
    const input = payload(reader, "input");
    const output = payload(reader, "output");
    const carried = reader.value("metadata");
    const metadata = objectIn(carried);
    const common: Reading = {
      role,
      operation: kind.toUpperCase(),
      agentName: reader.text("agent.name") ?? firstText(metadata, "lc_agent_name"),
      conversationId: reader.text("session.id") ?? firstText(metadata, "thread_id", "session_id"),
      userId: reader.text("user.id") ?? firstText(metadata, "user_id"),
      costUsd: reader.number("llm.cost.total"),
      evaluations: evaluationsOf(reader),
    };
    const specific = readerOf(role)(reader, input, output);
    return { ...common, ...specific, metadata: { ...reader.rest(...CARRIED), ...(carried === undefined ? {} : { metadata: carried }) } };
  },
};

interface Payload {
  /** As written; absent when not captured. */
  readonly text?: string;
  /** Parsed where it says or looks to be JSON. */
  readonly value: AttributeValue;
}

function payload(reader: AttributeReader, side: "input" | "output"): Payload {
  const written = reader.value(`${side}.value`);
  const type = reader.text(`${side}.mime_type`);
  if (written === undefined) return { value: null };
  // Plain text is a string even where it would parse: a tool asked for "42" was not asked for a number.
  return { text: textOf(written), value: type === "text/plain" ? written : valueFrom(written) };
}

function readerOf(role: SpanRole): (reader: AttributeReader, input: Payload, output: Payload) => Reading {
  if (role === "llm") return readModelCall;
  if (role === "tool") return readTool;
  if (role === "agent" || role === "wrapper") return readRun;
  return readPlain;
}

function readModelCall(reader: AttributeReader, input: Payload, output: Payload): Reading {
  const request = isObject(input.value) ? input.value : {};
  const response = isObject(output.value) ? output.value : {};
  const rawInput = messagesFrom(first(request, "messages", "input") ?? input.value, "user")?.messages;
  const inputMessages = flattenedMessages(reader.list("llm.input_messages"), rawInput, "user") ?? rawInput;
  const answers = choicesOf(response);
  const outputMessages = flattenedMessages(reader.list("llm.output_messages"), answers, "assistant") ?? answers;
  return {
    provider: reader.text("llm.provider", "llm.system"),
    model: reader.text("llm.response.model_name", "llm.model_name", "llm.request.model_name"),
    requestModel: reader.text("llm.request.model_name") ?? firstText(request, "model"),
    responseId: firstText(response, "id"),
    finishReasons: finishReasonsFrom(reader.value("llm.finish_reason")),
    usage: usageFrom({
      inputTokens: reader.number("llm.token_count.prompt"),
      outputTokens: reader.number("llm.token_count.completion"),
      cacheReadTokens: reader.number("llm.token_count.prompt_details.cache_read"),
      cacheWriteTokens: reader.number("llm.token_count.prompt_details.cache_write"),
      reasoningTokens: reader.number("llm.token_count.completion_details.reasoning"),
    }),
    system: firstText(request, "instructions"),
    inputMessages,
    outputMessages,
    input: input.text,
    output: output.text,
  };
}

function choicesOf(response: Attributes): readonly Message[] | undefined {
  const choices = response["choices"] ?? generationsOf(response);
  const said = Array.isArray(choices)
    ? (choices as AttributeValue[]).map((choice) => (isObject(choice) ? (choice["message"] ?? null) : null))
    : response["output"];
  return messagesFrom(said, "assistant")?.messages;
}

/** LangChain: one list of generations per prompt, `[[{text, message}]]`. */
function generationsOf(response: Attributes): AttributeValue | undefined {
  const lists = response["generations"];
  return Array.isArray(lists) ? (lists as AttributeValue[])[0] : undefined;
}

function readTool(reader: AttributeReader, input: Payload, output: Payload): Reading {
  // LangChain wraps the answer: {output: {lc: 1, …ToolMessage}}.
  const wrapped = isObject(output.value) && isObject(output.value["output"]) ? langChainMessage(output.value["output"]) : undefined;
  const result =
    output.text === undefined ? undefined : wrapped === undefined ? output.value : valueFrom(first(wrapped, "content") ?? null);
  return {
    tool: {
      name: reader.text("tool.name"),
      callId: reader.text("tool.id", "tool_call.id") ?? (wrapped && firstText(wrapped, "tool_call_id")),
      arguments: input.text === undefined ? reader.json("tool.parameters") : input.value,
      result: result === undefined ? undefined : plainText(result),
    },
    input: input.text,
    output: output.text,
  };
}

/** An agent or a chain. Frameworks pass whole histories along: what a run answered is what follows the last user message. */
function readRun(_reader: AttributeReader, input: Payload, output: Payload): Reading {
  const said =
    isObject(output.value) && Array.isArray(output.value["messages"])
      ? messagesFrom(output.value["messages"], "assistant")?.messages
      : undefined;
  const asked =
    isObject(input.value) && Array.isArray(input.value["messages"]) ? messagesFrom(input.value["messages"], "user")?.messages : undefined;
  const answers = said?.slice(said.findLastIndex((message) => message.role === "user") + 1);
  return {
    inputMessages: asked,
    outputMessages: answers !== undefined && answers.length > 0 ? answers : undefined,
    input: input.text,
    output: output.text,
  };
}

function readPlain(reader: AttributeReader, input: Payload, output: Payload): Reading {
  const lists = ["retrieval.documents", "reranker.output_documents"].flatMap((prefix) => reader.list(prefix));
  const documents = lists.map((record) => documentOf(record));
  const texts = documents.flatMap((document) => document.content ?? []);
  const query = reader.text("reranker.query") ?? input.text;
  return {
    provider: reader.text("llm.provider", "llm.system"),
    model: reader.text("embedding.model_name", "reranker.model_name"),
    usage: usageFrom({ inputTokens: reader.number("llm.token_count.prompt"), outputTokens: undefined }),
    input: input.text,
    output: output.text ?? (texts.length === 0 ? undefined : texts.join("\n")),
    retrieval: reader.text("openinference.span.kind")?.toUpperCase().startsWith("RE")
      ? { ...(query === undefined ? {} : { query }), ...(documents.length === 0 ? {} : { documents }) }
      : undefined,
  };
}

function documentOf(record: Attributes): RetrievedDocument {
  const metadata = record["document.metadata"];
  return documentFrom({
    id: record["document.id"] ?? null,
    score: record["document.score"] ?? null,
    content: record["document.content"] ?? null,
    ...(metadata === undefined ? {} : { metadata: valueFrom(metadata) }),
  });
}

function evaluationsOf(reader: AttributeReader): readonly Evaluation[] {
  const lists = [...reader.list("evaluations"), ...reader.list("annotations")];
  return lists.flatMap((entry) => {
    return evaluationFrom(entry, "evaluation.", "score", "label") ?? evaluationFrom(entry, "annotation.", "score", "label") ?? [];
  });
}
