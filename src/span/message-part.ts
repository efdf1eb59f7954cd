import { isObject, type JsonObject, valueFrom } from "./json.ts";
import type { AttributeValue } from "./raw-span.ts";
import type { Part } from "./span.ts";

/**
 * One part, whoever named it: OTel GenAI, OpenAI Chat and Responses, Anthropic blocks, AI SDK and LangChain parts.
 * Emitters copy provider payloads through, so one reader for all spellings finds more than one reader per dialect.
 */
export function partFrom(value: AttributeValue): Part | undefined {
  if (typeof value === "string") return { type: "text", content: value };
  if (!isObject(value)) return value === null ? undefined : { type: "other", value };
  const type = value["type"];
  switch (type) {
    case "text":
    case "input_text":
    case "output_text": {
      const content = firstText(value, "content", "text");
      return content === undefined ? uncaptured(value) : { type: "text", content };
    }
    case "reasoning":
    case "thinking": {
      const content = firstText(value, "content", "text", "thinking");
      return content === undefined ? uncaptured(value) : { type: "reasoning", content };
    }
    case "tool_call":
    case "function_call":
    case "tool_use":
    case "tool-call":
      return toolCall(value);
    case "tool_call_response":
    case "function_call_output":
    case "function_call_result":
    case "tool_result":
    case "tool-result":
      return toolResponse(value);
    default:
      // OpenAI Chat: {id, type: "function", function: {name, arguments}}; AI SDK: {type: "function", toolCallId, ...}.
      if (isObject(value["function"]) || typeof value["toolName"] === "string") return toolCall(value);
      return (type === undefined ? keyedPart(value) : undefined) ?? { type: "other", value };
  }
}

/** Gemini and Genkit name a part by its key: `{text}`, `{functionCall}`, `{toolResponse}`. */
function keyedPart(value: JsonObject): Part | undefined {
  const call = first(value, "functionCall", "function_call", "toolRequest");
  if (isObject(call)) return toolCall(call);
  const answer = first(value, "functionResponse", "function_response", "toolResponse");
  if (isObject(answer)) return toolResponse(answer);
  const thought = firstText(value, "reasoning");
  if (thought !== undefined) return { type: "reasoning", content: thought };
  const content = firstText(value, "text");
  if (content === undefined) return undefined;
  return { type: value["thought"] === true ? "reasoning" : "text", content };
}

/** `{type: "text"}` and nothing else: content capture is off. */
function uncaptured(value: JsonObject): Part | undefined {
  return Object.keys(value).length <= 1 ? undefined : { type: "other", value };
}

/** A tool call in any spelling; a call without a name is kept as it came. */
export function toolCall(value: JsonObject): Part {
  const inner = isObject(value["function"]) ? value["function"] : value;
  const name = firstText(inner, "name", "toolName", "tool_name");
  if (name === undefined) return { type: "other", value };
  const given = first(inner, "arguments", "input", "args");
  return { type: "tool_call", ...idOf(value), name, arguments: given === undefined ? null : valueFrom(given) };
}

export function toolResponse(value: JsonObject): Part {
  return {
    type: "tool_call_response",
    ...idOf(value),
    response: unwrapped(plainText(first(value, "response", "result", "output", "content") ?? null)),
  };
}

/**
 * AI SDK 5 and later say what kind of output it is: `{type: "json", value}`, `{type: "error-text", value}`. So do the Agents SDKs of OpenAI:
 * `{type: "text", text}`.
 */
function unwrapped(output: AttributeValue): AttributeValue {
  if (!isObject(output) || Object.keys(output).length !== 2) return output;
  const type = output["type"];
  if (type === "text" && typeof output["text"] === "string") return output["text"];
  if (output["value"] === undefined) return output;
  if (type === "error-text" || type === "error-json") return { error: output["value"] };
  return type === "text" || type === "json" || type === "content" ? plainText(output["value"]) : output;
}

/** Several text blocks and nothing else are one text: so a tool's answer reads the same from every provider. */
export function plainText(value: AttributeValue): AttributeValue {
  if (!Array.isArray(value) || value.length === 0) return value;
  const texts: string[] = [];
  for (const block of value as readonly AttributeValue[]) {
    // A row of data may well be `{text}`; only what says that it is a content block counts.
    const part = isObject(block) && block["type"] !== undefined ? partFrom(block) : undefined;
    if (part?.type !== "text") return value;
    texts.push(part.content);
  }
  return texts.join("\n");
}

/** `call_id` before `id`: the Responses API numbers the item (`fc_…`) apart from the call, and answers name the call. */
function idOf(value: JsonObject): { readonly id?: string } {
  const id = firstText(value, "call_id", "tool_call_id", "tool_use_id", "toolCallId", "callId", "id", "ref");
  return id === undefined ? {} : { id };
}

export function first(value: JsonObject, ...keys: readonly string[]): AttributeValue | undefined {
  for (const key of keys) {
    const found = Object.hasOwn(value, key) ? value[key] : undefined;
    if (found !== undefined && found !== null) return found;
  }
  return undefined;
}

export function firstText(value: JsonObject, ...keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const found = Object.hasOwn(value, key) ? value[key] : undefined;
    if (typeof found === "string") return found;
  }
  return undefined;
}
