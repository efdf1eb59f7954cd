import type { AttributeValue } from "../span/raw-span.ts";
import type { Message } from "../span/span.ts";

/** Text as it is, nothing for null (content that was not captured arrives so), anything else as JSON. */
export function textOf(value: AttributeValue | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The text parts of a message, joined by newlines; "" when it has none. */
export function textPartsOf(message: Message): string {
  return message.parts.flatMap((part) => (part.type === "text" && part.content !== "" ? [part.content] : [])).join("\n");
}

/** A message for people: text, calls as `name(arguments)`, results as they are. Reasoning is left out. */
export function renderMessage(message: Message): string {
  const lines = message.parts.flatMap((part) => {
    if (part.type === "text") return part.content === "" ? [] : [part.content];
    if (part.type === "tool_call") return [`${part.name}(${textOf(part.arguments)})`];
    if (part.type === "tool_call_response") return [textOf(part.response)];
    return part.type === "other" ? [textOf(part.value)] : [];
  });
  return lines.join("\n");
}

/** The newest text of a user; tool results that some emitters send with role "user" carry no text part and do not count. */
export function lastUserText(messages: readonly Message[] | undefined): string {
  const message = messages?.findLast((candidate) => candidate.role === "user" && textPartsOf(candidate) !== "");
  return message === undefined ? "" : textPartsOf(message);
}

/** JSON text parsed, everything else unchanged; text that is not JSON stays text. */
export function parsedValue(value: AttributeValue | undefined): AttributeValue | undefined {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value) as AttributeValue;
  } catch {
    return value;
  }
}
