import { type AttributeReader, createAttributeReader } from "./attribute-reader.ts";
import { finishReasonsFrom } from "./finish-reason.ts";
import { isObject, textOf, valueFrom } from "./json.ts";
import { first, toolCall } from "./message-part.ts";
import { messagesFrom } from "./messages.ts";
import type { Dialect, Reading } from "./ports.ts";
import type { Attributes, AttributeValue } from "./raw-span.ts";
import type { Message, Part, SpanRole } from "./span.ts";

const KINDS: { readonly [kind: string]: SpanRole } = { workflow: "agent", agent: "agent", task: "wrapper", tool: "tool" };
const REQUESTS: { readonly [type: string]: SpanRole } = { chat: "llm", completion: "llm", embedding: "embedding", rerank: "retrieval" };

const SESSION_KEYS = ["session_id", "conversation_id", "thread_id", "chat_id"].map((key) => `traceloop.association.properties.${key}`);

/** OpenLLMetry: decorators write `traceloop.*`; model calls are OTel `gen_ai.*` since 0.23 and flattened prompts before. */
export const traceloopDialect: Dialect = {
  name: "traceloop",
  read({ span: { attributes, scope } }) {
    const speaks =
      scope.name.startsWith("@traceloop/") ||
      Object.keys(attributes).some((key) => key.startsWith("traceloop.") || key === "llm.request.type");
    if (!speaks) return undefined;
    const reader = createAttributeReader(attributes);
    const kind = reader.text("traceloop.span.kind");
    const request = reader.text("llm.request.type");
    const role = reader.has("gen_ai.operation.name") ? undefined : (roleIn(KINDS, kind) ?? roleIn(REQUESTS, request));
    const entityName = reader.text("traceloop.entity.name");
    const input = entityInput(reader.json("traceloop.entity.input"));
    const output = reader.json("traceloop.entity.output");
    return {
      role,
      operation: reader.has("gen_ai.operation.name") ? undefined : (kind ?? request),
      agentName: reader.text("gen_ai.agent.name", "traceloop.workflow.name") ?? (role === "agent" ? entityName : undefined),
      conversationId: reader.text(...SESSION_KEYS),
      userId: reader.text("traceloop.association.properties.user_id"),
      ...modelCall(reader, scope.name),
      input: input === undefined ? undefined : textOf(input),
      output: output === undefined ? undefined : textOf(output),
      ...(role === "tool" ? { tool: { name: entityName, arguments: input, result: output } } : {}),
      metadata: reader.rest("traceloop."),
    };
  },
};

function roleIn(roles: { readonly [name: string]: SpanRole }, name: string | undefined): SpanRole | undefined {
  return name !== undefined && Object.hasOwn(roles, name) ? roles[name] : undefined;
}

/** `{args: […], kwargs: {…}}` as what was passed: the one argument, else the named ones, else both. */
function entityInput(value: AttributeValue | undefined): AttributeValue | undefined {
  if (!isObject(value)) return value;
  const { args, kwargs } = value;
  if (!Array.isArray(args) || !isObject(kwargs)) return value;
  const named = Object.keys(kwargs).length > 0;
  if (args.length === 0) return kwargs;
  return args.length === 1 && !named ? (args[0] as AttributeValue) : value;
}

function modelCall(reader: AttributeReader, scopeName: string): Reading {
  const flatInput = reader.list("gen_ai.prompt").flatMap((record) => flattened(record, "user"));
  const completions = reader.list("gen_ai.completion");
  const flatOutput = completions.flatMap((record) => flattened(record, "assistant"));
  return {
    inputMessages: flatInput.length > 0 ? flatInput : responsesInput(reader.value("gen_ai.input.messages"), scopeName),
    outputMessages: flatOutput.length > 0 ? flatOutput : undefined,
    finishReasons: finishReasonsFrom(completions.flatMap((record) => record["finish_reason"] ?? [])),
  };
}

function flattened(record: Attributes, fallbackRole: string): readonly Message[] {
  const reader = createAttributeReader(record);
  const calls: Part[] = reader.list("tool_calls").map((call) => toolCall(call));
  const role = reader.text("role") ?? fallbackRole;
  const content = reader.value("content");
  const callId = reader.text("tool_call_id");
  const read = messagesFrom([{ role, content: content ?? null, ...(callId === undefined ? {} : { tool_call_id: callId }) }], role);
  return (read?.messages ?? []).map((message) => ({ role, parts: [...message.parts, ...calls] }));
}

/** For the Responses API the whole input list is written as JSON inside one text part; only this emitter does so. */
function responsesInput(value: AttributeValue | undefined, scopeName: string): readonly Message[] | undefined {
  if (!scopeName.startsWith("@traceloop/")) return undefined;
  const messages = messagesFrom(value, "user")?.messages;
  const only = messages?.length === 1 ? messages[0]?.parts : undefined;
  const text = only?.length === 1 && only[0]?.type === "text" ? only[0].content : undefined;
  const items = text?.startsWith("[{") ? valueFrom(text) : undefined;
  if (!Array.isArray(items) || !(items as AttributeValue[]).every(isResponsesItem)) return undefined;
  return messagesFrom(items as AttributeValue[], "user")?.messages;
}

function isResponsesItem(item: AttributeValue): boolean {
  return isObject(item) && first(item, "role", "type") !== undefined;
}
