import { createAttributeReader } from "./attribute-reader.ts";
import { partFrom, toolCall, toolResponse } from "./message-part.ts";
import type { Attributes } from "./raw-span.ts";
import type { Message, Part } from "./span.ts";

/**
 * Messages from flattened attributes, one record per index. A message that lost its content there (the LangChain instrumentation drops
 * content lists), or its ids, gets them from the raw payload, where that has as many messages. `undefined` for no records.
 */
export function flattenedMessages(
  records: readonly Attributes[],
  raw: readonly Message[] | undefined,
  role: string,
): readonly Message[] | undefined {
  if (records.length === 0) return undefined;
  const spare = raw?.length === records.length ? raw : undefined;
  return records.map((record, index) => {
    const message = flattenedMessage(record, role);
    const whole = spare?.[index];
    return message.parts.length > 0 ? { ...message, parts: withIds(message.parts, whole?.parts ?? []) } : (whole ?? message);
  });
}

/** It also drops the ids of calls and answers, without which nothing can be joined. */
function withIds(parts: readonly Part[], whole: readonly Part[]): readonly Part[] {
  const same = (type: Part["type"]): readonly Part[] => whole.filter((part) => part.type === type);
  const at = { tool_call: 0, tool_call_response: 0 };
  return parts.map((part) => {
    if (part.type !== "tool_call" && part.type !== "tool_call_response") return part;
    const twin = same(part.type)[at[part.type]++];
    const id = twin?.type === part.type ? twin.id : undefined;
    return part.id !== undefined || id === undefined ? part : { ...part, id };
  });
}

function flattenedMessage(record: Attributes, fallbackRole: string): Message {
  const reader = createAttributeReader(record);
  const role = reader.text("message.role") ?? fallbackRole;
  const content = reader.value("message.content");
  const callId = reader.text("message.tool_call_id");
  const blocks = reader.list("message.contents").map((block) => partOf(block));
  const calls = reader.list("message.tool_calls").map((call) => callOf(call));
  if (role === "tool" && content !== undefined) {
    return { role, parts: [toolResponse({ content, ...(callId === undefined ? {} : { tool_call_id: callId }) })] };
  }
  const text = content === undefined || content === "" ? [] : [partFrom(content)];
  return { role, parts: [...text, ...blocks, ...calls].filter((part): part is Part => part !== undefined) };
}

function partOf(block: Attributes): Part | undefined {
  const reader = createAttributeReader(block);
  const text = reader.text("message_content.text");
  const type = reader.text("message_content.type");
  if (text === undefined) return { type: "other", value: block };
  return type === "reasoning" ? { type: "reasoning", content: text } : { type: "text", content: text };
}

function callOf(call: Attributes): Part {
  const reader = createAttributeReader(call);
  const id = reader.text("tool_call.id");
  const name = reader.text("tool_call.function.name");
  const given = reader.value("tool_call.function.arguments") ?? null;
  return toolCall({ ...(id === undefined ? {} : { id }), ...(name === undefined ? {} : { name }), arguments: given });
}
