import { finishReasonsFrom } from "./finish-reason.ts";
import { isObject, type JsonObject, parseJson } from "./json.ts";
import { first, firstText, partFrom, toolCall, toolResponse } from "./message-part.ts";
import type { AttributeValue } from "./raw-span.ts";
import type { Message, Part } from "./span.ts";

export interface ReadMessages {
  readonly messages: readonly Message[];
  /** Reasons found on the messages themselves, in order. */
  readonly finishReasons?: readonly string[];
  /** True when the text was cut off and the messages are what could be saved, or the raw text. */
  readonly truncated: boolean;
}

/**
 * Messages from JSON text, a list or one message. Text that is no JSON becomes one message of `role`, so that nothing is lost.
 * `undefined` when there is nothing in it.
 */
export function messagesFrom(value: AttributeValue | undefined, role: string): ReadMessages | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") return collect(value, role, false);
  const parsed = parseJson(value);
  const read = parsed === undefined ? undefined : collect(parsed.value, role, parsed.truncated);
  return read ?? { messages: [{ role, parts: [{ type: "text", content: value }] }], truncated: looksLikeJson(value) };
}

/** True for text that was meant to be JSON. */
function looksLikeJson(text: string): boolean {
  return /^\s*[[{]/.test(text);
}

function collect(value: AttributeValue, role: string, truncated: boolean): ReadMessages | undefined {
  const items = unnested(value);
  const messages: Message[] = [];
  const reasons: AttributeValue[] = [];
  for (const item of items) {
    const message = messageFrom(item, role);
    if (message === undefined) continue;
    messages.push(message);
    if (isObject(item)) reasons.push(first(item, "finish_reason", "finishReason") ?? null);
  }
  if (messages.length === 0) return undefined;
  const finishReasons = finishReasonsFrom(reasons);
  return { messages, truncated, ...(finishReasons === undefined ? {} : { finishReasons }) };
}

/** LangChain writes one list of messages per prompt: `[[...]]`. */
function unnested(value: AttributeValue): readonly AttributeValue[] {
  if (!Array.isArray(value)) return [value];
  const items = value as readonly AttributeValue[];
  return items.length > 0 && items.every(Array.isArray) ? (items[0] as readonly AttributeValue[]) : items;
}

/** One message: OTel `parts`, OpenAI and Anthropic `content` and `tool_calls`, a Responses item, or a serialised LangChain message. */
export function messageFrom(value: AttributeValue, fallbackRole: string): Message | undefined {
  if (typeof value === "string") return { role: fallbackRole, parts: [{ type: "text", content: value }] };
  if (!isObject(value)) return undefined;
  const langChain = langChainMessage(value);
  if (langChain !== undefined) return messageFrom(langChain, fallbackRole);
  const said = firstText(value, "role") ?? fallbackRole;
  const role = Object.hasOwn(PROVIDER_ROLES, said) ? (PROVIDER_ROLES[said] ?? said) : said;
  if (Array.isArray(value["parts"])) return { role, parts: partsOf(value["parts"]) };
  const type = value["type"];
  if (type === "function_call") return { role: "assistant", parts: [toolCall(value)] };
  if (type === "function_call_output" || type === "function_call_result") return { role: "tool", parts: [toolResponse(value)] };
  if (type === "reasoning") return { role: "assistant", parts: partsOf([value]) };
  const content = first(value, "content", "text");
  // Gemini's content is a message itself: `{content: {role, parts}}`.
  if (isObject(content) && Array.isArray(content["parts"])) return messageFrom(content, role);
  const calls = value["tool_calls"];
  if (content === undefined && !Array.isArray(calls) && firstText(value, "role") === undefined) return undefined;
  if (role === "tool" && !holdsResponses(content)) return { role, parts: [toolResponse(value)] };
  const parts = content === undefined ? [] : partsOf(content);
  if (Array.isArray(calls)) parts.push(...(calls as AttributeValue[]).filter(isObject).map(toolCall));
  return { role, parts };
}

// Gemini and Genkit call the assistant "model"; OpenAI called the tool "function" before it had tools.
const PROVIDER_ROLES: { readonly [role: string]: string } = { model: "assistant", function: "tool" };

function holdsResponses(content: AttributeValue | undefined): boolean {
  if (!Array.isArray(content)) return false;
  return (content as AttributeValue[]).some((part) => isObject(part) && partFrom(part)?.type === "tool_call_response");
}

function partsOf(content: AttributeValue): Part[] {
  const values = Array.isArray(content) ? (content as readonly AttributeValue[]) : [content];
  return values.map(partFrom).filter((part): part is Part => part !== undefined && !(part.type === "text" && part.content === ""));
}

const LANG_CHAIN_ROLES: { readonly [name: string]: string } = {
  SystemMessage: "system",
  HumanMessage: "user",
  AIMessage: "assistant",
  AIMessageChunk: "assistant",
  ToolMessage: "tool",
};

/** `{lc: 1, type: "constructor", id: [..., "AIMessage"], kwargs}` as a plain message. */
export function langChainMessage(value: JsonObject): JsonObject | undefined {
  if (value["lc"] !== 1 || !isObject(value["kwargs"]) || !Array.isArray(value["id"])) return undefined;
  const name = (value["id"] as AttributeValue[]).at(-1);
  const role = typeof name === "string" && Object.hasOwn(LANG_CHAIN_ROLES, name) ? LANG_CHAIN_ROLES[name] : undefined;
  if (role === undefined) return undefined;
  // Its own `id` numbers the message; the answer to a tool call is joined on `tool_call_id`.
  const { content, tool_calls: calls, tool_call_id: callId } = value["kwargs"];
  return {
    role,
    content: content ?? null,
    ...(calls === undefined ? {} : { tool_calls: calls }),
    ...(callId === undefined ? {} : { tool_call_id: callId }),
  };
}

/** The text of the system messages, joined; `undefined` when there are none. */
export function systemTextOf(messages: readonly Message[] | undefined): string | undefined {
  const texts = (messages ?? []).filter((message) => message.role === "system" || message.role === "developer").map(textOfMessage);
  return texts.length === 0 ? undefined : texts.join("\n");
}

export function textOfMessage(message: Message): string {
  return message.parts.flatMap((part) => (part.type === "text" ? [part.content] : [])).join("\n");
}
