import { objectIn } from "./attribute-reader.ts";
import { type Copier, createCopier } from "./copy-value.ts";
import { isObject, textOf } from "./json.ts";
import { firstText } from "./message-part.ts";
import type { Attributes, AttributeValue, RawSpan } from "./raw-span.ts";

/** One message of the AI SDK's channel `ai:telemetry`. The SDK is not imported. */
export interface AiMessageLike {
  readonly type: string;
  readonly event: object;
  readonly result?: unknown;
  readonly error?: unknown;
}

/** A finished operation: its message, and what the subscriber knows beside it. */
export interface AiOperation {
  readonly message: AiMessageLike;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startTimeUs: number;
  readonly endTimeUs: number;
  /** Of a streamed model call: the event that its end gives to integrations. The channel shows the stream only. */
  readonly streamed?: object | undefined;
  /** What the run around it stamps on its topmost span. */
  readonly stamp?: Attributes | undefined;
  readonly resource?: Attributes | undefined;
}

const SCOPE = "ai";
const INTERNAL = 1;
const CLIENT = 3;

type Fields = { readonly [key: string]: AttributeValue | undefined };
type Reader = (event: Attributes, result: Attributes) => Fields;

/** The operations that are part of an agent's work. Speech, images and transcripts are not told. */
const READERS: { readonly [type: string]: Reader } = {
  generateText: agent,
  streamText: agent,
  step: (event) => ({ "gen_ai.operation.name": "agent_step", "ai.step": event["stepNumber"] }),
  languageModelCall: modelCall,
  executeTool: tool,
  embed: embedding,
  embedMany: embedding,
  rerank: retrieval,
};

/** True for an operation that becomes a span. */
export function isAgentWork(type: string): boolean {
  return Object.hasOwn(READERS, type);
}

/** The operation in attributes of OTel GenAI. `undefined` for what is no work of an agent. */
export function rawSpanFromAi(operation: AiOperation, copier: Copier = createCopier()): RawSpan | undefined {
  const { message, streamed } = operation;
  const read = isAgentWork(message.type) ? READERS[message.type] : undefined;
  if (read === undefined) return undefined;
  const event = copier.attributes(message.event);
  const result = { ...copier.attributes(withoutStream(message.result)), ...copier.attributes(streamed ?? {}) };
  const fields = said({ ...read(event, result), ...runFields(event) });
  const problem = problemOf(message.type === "executeTool" ? (toolError(message.result) ?? message.error) : message.error);
  const subject = fields["gen_ai.tool.name"] ?? fields["gen_ai.request.model"] ?? "";
  const isAgent = fields["gen_ai.operation.name"] === "invoke_agent";
  return {
    traceId: operation.traceId,
    spanId: operation.spanId,
    ...(operation.parentSpanId === undefined ? {} : { parentSpanId: operation.parentSpanId }),
    name: `${textOf(fields["gen_ai.operation.name"] ?? "")} ${textOf((isAgent ? event["functionId"] : subject) ?? "")}`.trimEnd(),
    kind: message.type === "languageModelCall" || message.type.startsWith("embed") ? CLIENT : INTERNAL,
    startTimeUs: operation.startTimeUs,
    endTimeUs: operation.endTimeUs,
    attributes: { ...fields, ...problem?.attributes, ...operation.stamp },
    events: [],
    links: [],
    status: problem === undefined ? { code: 0 } : { code: 2, message: copier.text(problem.message) },
    resource: operation.resource ?? {},
    scope: typeof event["aiVersion"] === "string" ? { name: SCOPE, version: event["aiVersion"] } : { name: SCOPE },
  };
}

/** The live stream is the application's to read. */
function withoutStream(result: unknown): object {
  if (typeof result !== "object" || result === null) return {};
  const { stream: _stream, request: _request, ...rest } = result as { readonly stream?: unknown; readonly request?: unknown };
  return rest;
}

function agent(event: Attributes, result: Attributes): Fields {
  const last = listIn(result["steps"]).at(-1);
  const content = isObject(last) ? last["content"] : undefined;
  return {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.provider.name": providerOf(event["provider"]),
    "gen_ai.request.model": event["modelId"],
    "gen_ai.system_instructions": instructionsOf(event["instructions"]),
    "gen_ai.input.messages": event["messages"],
    "gen_ai.output.messages": Array.isArray(content) ? [{ role: "assistant", content }] : undefined,
    ...usage(objectIn(result["totalUsage"])),
    "gen_ai.request.max_tokens": event["maxOutputTokens"],
  };
}

function modelCall(event: Attributes, result: Attributes): Fields {
  const response = objectIn(result["response"]);
  const reason = result["finishReason"];
  const content = result["content"];
  const performance = objectIn(result["performance"]);
  const firstMs = performance["timeToFirstOutputMs"];
  return {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": providerOf(event["provider"]),
    "gen_ai.request.model": event["modelId"],
    "gen_ai.response.model": response["modelId"] ?? result["modelId"],
    "gen_ai.response.id": response["id"] ?? result["responseId"],
    "gen_ai.system_instructions": instructionsOf(event["instructions"]),
    "gen_ai.input.messages": event["messages"],
    "gen_ai.output.messages": Array.isArray(content) ? [{ role: "assistant", content }] : undefined,
    "gen_ai.response.finish_reasons": reason === undefined ? undefined : [isObject(reason) ? (reason["unified"] ?? null) : reason],
    "gen_ai.response.time_to_first_chunk": typeof firstMs === "number" ? firstMs / 1000 : undefined,
    ...usage(objectIn(result["usage"])),
    "gen_ai.request.max_tokens": event["maxOutputTokens"],
    "gen_ai.request.temperature": event["temperature"],
    "gen_ai.request.top_p": event["topP"],
    "gen_ai.request.seed": event["seed"],
  };
}

function tool(event: Attributes, result: Attributes): Fields {
  const call = objectIn(event["toolCall"]);
  return {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": call["toolName"],
    "gen_ai.tool.call.id": call["toolCallId"],
    "gen_ai.tool.call.arguments": call["input"],
    "gen_ai.tool.call.result": objectIn(result["output"])["output"],
  };
}

function embedding(event: Attributes, result: Attributes): Fields {
  const values = event["value"] === undefined ? listIn(event["values"]) : [event["value"]];
  const response = objectIn(result["response"]);
  return {
    "gen_ai.operation.name": "embeddings",
    "gen_ai.provider.name": providerOf(event["provider"]),
    "gen_ai.request.model": event["modelId"],
    "gen_ai.response.model": objectIn(response["body"])["model"],
    "gen_ai.input.messages": [{ role: "user", parts: values.map((value) => ({ type: "text", content: textOf(value) })) }],
    "gen_ai.usage.input_tokens": objectIn(result["usage"])["tokens"],
  };
}

function retrieval(event: Attributes, result: Attributes): Fields {
  const ranking = listIn(result["ranking"]).filter(isObject);
  return {
    "gen_ai.operation.name": "rerank",
    "gen_ai.request.model": event["modelId"],
    "gen_ai.retrieval.query.text": event["query"],
    "gen_ai.retrieval.documents": ranking.map(({ score, document }) => ({
      score: score ?? null,
      content: document === undefined ? "" : textOf(document),
    })),
  };
}

/** The call's own name for the agent, and whom the application says it works for. */
function runFields(event: Attributes): Fields {
  const context = objectIn(event["runtimeContext"]);
  const { conversationId, sessionId, threadId, chatId, userId, ...noted } = context;
  return {
    "gen_ai.agent.name": event["functionId"],
    "gen_ai.conversation.id": [conversationId, sessionId, threadId, chatId].find((id) => typeof id === "string"),
    "user.id": userId,
    "gen_ai.context": Object.keys(noted).length === 0 ? undefined : noted,
  };
}

/** Counts of a provider (`{total, cacheRead, …}`) or of the SDK's results (`inputTokens`, `inputTokenDetails`). */
function usage(report: Attributes): Fields {
  const input = objectIn(report["inputTokens"]);
  const output = objectIn(report["outputTokens"]);
  const inputDetails = objectIn(report["inputTokenDetails"]);
  const outputDetails = objectIn(report["outputTokenDetails"]);
  return {
    "gen_ai.usage.input_tokens": input["total"] ?? countIn(report["inputTokens"]),
    "gen_ai.usage.output_tokens": output["total"] ?? countIn(report["outputTokens"]),
    "gen_ai.usage.cache_read.input_tokens": input["cacheRead"] ?? inputDetails["cacheReadTokens"],
    "gen_ai.usage.cache_write.input_tokens": input["cacheWrite"] ?? inputDetails["cacheWriteTokens"],
    "gen_ai.usage.reasoning.output_tokens": output["reasoning"] ?? outputDetails["reasoningTokens"],
  };
}

function countIn(value: AttributeValue | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** "openai.chat" is OpenAI by way of its Chat API. */
function providerOf(value: AttributeValue | undefined): string | undefined {
  return typeof value === "string" ? value.split(".")[0] : undefined;
}

/** Text, a system message, or a list of them. */
function instructionsOf(value: AttributeValue | undefined): string | undefined {
  if (typeof value === "string" || value === undefined || value === null) return value ?? undefined;
  const texts = (Array.isArray(value) ? (value as readonly AttributeValue[]) : [value]).flatMap((message) =>
    isObject(message) ? (firstText(message, "content") ?? []) : [],
  );
  return texts.length === 0 ? undefined : texts.join("\n");
}

/** A failing tool is no failing operation: the SDK hands the error to the model. */
function toolError(result: unknown): unknown {
  const output = (result as { readonly output?: { readonly type?: unknown; readonly error?: unknown } } | undefined)?.output;
  return output?.type === "tool-error" ? (output.error ?? {}) : undefined;
}

interface Problem {
  readonly message: string;
  readonly attributes: Attributes;
}

function problemOf(error: unknown): Problem | undefined {
  if (error === undefined || error === null) return undefined;
  const { name, message } = typeof error === "object" ? (error as { readonly name?: unknown; readonly message?: unknown }) : {};
  // An error that went through JSON on its way has neither.
  const type = typeof name === "string" && name !== "" ? name : "tool_error";
  if (typeof error === "string") return { message: error, attributes: {} };
  return { message: typeof message === "string" && message !== "" ? message : type, attributes: { "error.type": type } };
}

function listIn(value: AttributeValue | undefined): readonly AttributeValue[] {
  return Array.isArray(value) ? (value as readonly AttributeValue[]) : [];
}

function said(fields: Fields): Attributes {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)) as Attributes;
}
