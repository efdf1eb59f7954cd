import { createAttributeReader } from "./attribute-reader.ts";
import { isObject, textOf, valueFrom } from "./json.ts";
import { first } from "./message-part.ts";
import { messagesFrom } from "./messages.ts";
import type { Dialect } from "./ports.ts";
import type { AttributeValue } from "./raw-span.ts";
import { type Roles, roleIn } from "./role.ts";
import type { Message } from "./span.ts";

const KINDS: Roles = { workflow: "agent", agent: "agent", task: "wrapper", tool: "tool" };
const REQUESTS: Roles = { chat: "llm", completion: "llm", embedding: "embedding", rerank: "retrieval" };

const SESSION_KEYS = ["session_id", "conversation_id", "thread_id", "chat_id"].map((key) => `traceloop.association.properties.${key}`);

/** OpenLLMetry: decorators write `traceloop.*`; model calls are OTel `gen_ai.*` since 0.23 and flattened prompts before (see `flattened`). */
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
      inputMessages: responsesInput(reader.value("gen_ai.input.messages"), scope.name),
      input: input === undefined ? undefined : textOf(input),
      output: output === undefined ? undefined : textOf(output),
      ...(role === "tool" ? { tool: { name: entityName, arguments: input, result: output } } : {}),
      metadata: reader.rest("traceloop."),
    };
  },
};

/** `{args: […], kwargs: {…}}` as what was passed: the one argument, else the named ones, else both. */
function entityInput(value: AttributeValue | undefined): AttributeValue | undefined {
  if (!isObject(value)) return value;
  const { args, kwargs } = value;
  if (!Array.isArray(args) || !isObject(kwargs)) return value;
  const named = Object.keys(kwargs).length > 0;
  if (args.length === 0) return kwargs;
  return args.length === 1 && !named ? (args[0] as AttributeValue) : value;
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
