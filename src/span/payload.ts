import { isObject, type JsonObject, textOf } from "./json.ts";
import { first, firstText, partFrom } from "./message-part.ts";
import { messagesFrom } from "./messages.ts";
import type { AttributeValue } from "./raw-span.ts";
import type { Message, RetrievedDocument } from "./span.ts";

/** One side of a span whose emitter writes the input, or the output, of any step as one JSON value. */
export interface PayloadReading {
  readonly messages?: readonly Message[] | undefined;
  /** The same as plain text; absent when the emitter wrote nothing. */
  readonly text?: string | undefined;
}

// Where frameworks keep a conversation inside a request or a response.
const LISTS = ["messages", "contents", "prompt", "input"] as const;
const ANSWERS = ["message", "content", "output", "text"] as const;

/** What a model was sent. Plain text counts as a user's message. */
export function requestIn(value: AttributeValue | undefined): PayloadReading {
  if (value === undefined || value === null) return {};
  const said = isObject(value) && !isMessage(value) ? first(value, ...LISTS) : value;
  return { messages: said === undefined ? undefined : messagesFrom(said, "user")?.messages, text: textOf(value) };
}

/** What a model answered: a message, a list of them, choices, or plain text. */
export function responseIn(value: AttributeValue | undefined): PayloadReading {
  if (value === undefined || value === null) return {};
  const said = answerOf(value);
  const messages = messagesFrom(said, "assistant")?.messages;
  // `{text: "", toolCalls: []}`, of a call that failed or lost its calls: the wrapping is no answer.
  const isEmpty = said === "" || messages?.every((message) => message.parts.length === 0) === true;
  return { messages, text: isEmpty ? undefined : textOf(value) };
}

/** What an agent or a workflow was given: messages where it is a conversation, plain text where it is anything else. */
export function conversationIn(value: AttributeValue | undefined, role: string): PayloadReading {
  if (value === undefined || value === null) return {};
  const said = isObject(value) && !isMessage(value) ? value["messages"] : value;
  const list = Array.isArray(said) ? (said as readonly AttributeValue[]) : [said];
  const isConversation = list.length > 0 && list.every((item) => isObject(item) && isMessage(item));
  const messages = isConversation ? messagesFrom(list as AttributeValue[], role)?.messages : undefined;
  const only = isObject(value) ? onlyText(value) : undefined;
  return { messages, text: only ?? textOf(value) };
}

function isMessage(value: JsonObject): boolean {
  return firstText(value, "role") !== undefined || value["lc"] === 1;
}

/** `{text: "…"}`, `{prompt: "…"}` and the like: the words are what people read, not their wrapping. */
function onlyText(value: JsonObject): string | undefined {
  const said = firstText(value, "text");
  if (said !== undefined) return said;
  const fields = Object.values(value);
  return fields.length === 1 && typeof fields[0] === "string" ? fields[0] : undefined;
}

function answerOf(value: AttributeValue): AttributeValue {
  if (!isObject(value) || isMessage(value)) return value;
  const choices = value["choices"] ?? value["candidates"];
  if (Array.isArray(choices)) return (choices as AttributeValue[]).map((choice) => (isObject(choice) ? answerOf(choice) : choice));
  const calls = first(value, "toolCalls", "tool_calls");
  if (Array.isArray(calls) && calls.length > 0) return { role: "assistant", content: contentWith(value, calls as AttributeValue[]) };
  const answer = first(value, ...ANSWERS);
  return isObject(answer) ? { role: "assistant", ...answer } : (answer ?? value);
}

function contentWith(value: JsonObject, calls: readonly AttributeValue[]): AttributeValue {
  const text = firstText(value, "text", "content");
  const tagged = calls.map((call) => (isObject(call) && !isObject(call["function"]) ? { ...call, type: "tool-call" } : call));
  return [...(text === undefined || text === "" ? [] : [{ type: "text", text }]), ...tagged];
}

/** Documents in any spelling: OTel, OpenInference, LangChain, LlamaIndex, Genkit. `undefined` for what is no list. */
export function documentsIn(value: AttributeValue | undefined): readonly RetrievedDocument[] | undefined {
  const list = isObject(value) ? first(value, "documents", "results", "nodes") : value;
  return Array.isArray(list) ? (list as AttributeValue[]).map(documentFrom) : undefined;
}

export function documentFrom(value: AttributeValue): RetrievedDocument {
  if (!isObject(value)) return { content: textOf(value) };
  const inner = isObject(value["document"]) ? value["document"] : value;
  const metadata = first(inner, "metadata");
  const id = first(inner, "id", "document_id", "docId") ?? first(value, "id");
  const score = first(value, "score", "relevance_score", "relevanceScore") ?? (isObject(metadata) ? metadata["score"] : undefined);
  const content = first(inner, "content", "page_content", "pageContent", "text");
  return {
    ...(id === undefined ? {} : { id: textOf(id) }),
    ...(typeof score === "number" ? { score } : {}),
    ...(content === undefined ? {} : { content: contentText(content) }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

function contentText(content: AttributeValue): string {
  if (!Array.isArray(content)) return textOf(content);
  const parts = (content as readonly AttributeValue[]).map(partFrom);
  return parts.every((part) => part?.type === "text") ? parts.map((part) => part.content).join("\n") : textOf(content);
}
