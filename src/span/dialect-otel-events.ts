import { finishReasonsFrom } from "./finish-reason.ts";
import { isObject, type JsonObject, valueFrom } from "./json.ts";
import { messageFrom, messagesFrom } from "./messages.ts";
import type { Dialect, Occurrence } from "./ports.ts";
import type { AttributeValue } from "./raw-span.ts";
import type { Message } from "./span.ts";

const ROLES: { readonly [name: string]: string } = {
  "gen_ai.system.message": "system",
  "gen_ai.user.message": "user",
  "gen_ai.assistant.message": "assistant",
  "gen_ai.tool.message": "tool",
};

/** OTel up to 1.36: one event or log per message. Attributes of the span are those of the `otel` dialect. */
export const otelEventsDialect: Dialect = {
  name: "otel-events",
  read({ occurrences }) {
    const inputMessages: Message[] = [];
    const outputMessages: Message[] = [];
    const reasons: AttributeValue[] = [];
    let provider: string | undefined;
    let spoken = false;
    for (const occurrence of occurrences) {
      const { name, attributes } = occurrence;
      const role = Object.hasOwn(ROLES, name) ? ROLES[name] : undefined;
      if (role !== undefined) push(inputMessages, messageFrom(bodyOf(occurrence), role));
      else if (name === "gen_ai.choice") {
        const choice = bodyOf(occurrence);
        reasons.push(choice["finish_reason"] ?? null);
        push(outputMessages, messageFrom(messageIn(choice), "assistant"));
      } else if (name === "gen_ai.content.prompt")
        inputMessages.push(...(messagesFrom(attributes["gen_ai.prompt"], "user")?.messages ?? []));
      else if (name === "gen_ai.content.completion")
        outputMessages.push(...(messagesFrom(attributes["gen_ai.completion"], "assistant")?.messages ?? []));
      else continue;
      spoken = true;
      if (typeof attributes["gen_ai.system"] === "string") provider = attributes["gen_ai.system"];
    }
    if (!spoken) return undefined;
    return {
      provider,
      finishReasons: finishReasonsFrom(reasons),
      inputMessages,
      outputMessages,
    };
  },
};

function push(messages: Message[], message: Message | undefined): void {
  if (message !== undefined) messages.push(message);
}

/** Logs carry a structured body or its JSON text; span events carry the same fields as attributes, or as JSON in one of them. */
function bodyOf({ body, attributes }: Occurrence): JsonObject {
  const structured = valueFrom(body);
  if (isObject(structured)) return withCalls(structured);
  if (typeof structured === "string" && structured !== "") return { content: structured };
  const content = attributes["gen_ai.event.content"];
  const parsed = content === undefined ? undefined : valueFrom(content);
  if (isObject(parsed)) return withCalls(parsed);
  return withCalls(parsed === undefined ? attributes : { ...attributes, content: parsed });
}

function messageIn(choice: JsonObject): JsonObject {
  const message = valueFrom(choice["message"] ?? null);
  if (isObject(message)) return withCalls(message);
  return typeof message === "string" ? { ...choice, content: message } : choice;
}

function withCalls(fields: JsonObject): JsonObject {
  return typeof fields["tool_calls"] === "string" ? { ...fields, tool_calls: valueFrom(fields["tool_calls"]) } : fields;
}
