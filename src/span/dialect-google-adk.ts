import { createAttributeReader, objectIn } from "./attribute-reader.ts";
import { finishReasonsFrom } from "./finish-reason.ts";
import { isObject, textOf, valueFrom } from "./json.ts";
import { first, firstText } from "./message-part.ts";
import { messagesFrom } from "./messages.ts";
import { requestIn, responseIn } from "./payload.ts";
import type { Dialect, Occurrence, Reading } from "./ports.ts";
import type { Attributes, AttributeValue } from "./raw-span.ts";
import type { Part, SpanRole, Usage } from "./span.ts";
import { usageFromSplit } from "./usage.ts";

const PREFIX = "gcp.vertex.agent.";

/** Google ADK: `gcp.vertex.agent.*` beside OTel `gen_ai.*`, with Gemini's JSON, in camel case (JavaScript) or snake case (Python). */
export const googleAdkDialect: Dialect = {
  name: "google-adk",
  read({ span: { attributes }, occurrences }) {
    if (!Object.keys(attributes).some((key) => key.startsWith(PREFIX))) return undefined;
    const reader = createAttributeReader(attributes);
    // Tool spans carry an empty request and response, so these tell nothing where they are `{}`.
    const request = objectIn(reader.value(`${PREFIX}llm_request`));
    const response = objectIn(reader.value(`${PREFIX}llm_response`));
    const toolArguments = reader.json(`${PREFIX}tool_call_args`);
    const toolResult = reader.json(`${PREFIX}tool_response`);
    return {
      role: reader.has("gen_ai.operation.name") ? undefined : roleOf(request, toolArguments !== undefined),
      conversationId: reader.text("gen_ai.conversation.id", `${PREFIX}session_id`),
      ...modelCall(request, response),
      ...streamed(occurrences),
      ...(toolArguments === undefined && toolResult === undefined ? {} : { tool: { arguments: toolArguments, result: toolResult } }),
      metadata: reader.rest(PREFIX),
    };
  },
};

function roleOf(request: Attributes, isTool: boolean): SpanRole | undefined {
  if (isTool) return "tool";
  return Object.keys(request).length > 0 ? "llm" : undefined;
}

function modelCall(request: Attributes, response: Attributes): Reading {
  if (Object.keys(request).length === 0 && Object.keys(response).length === 0) return {};
  const config = isObject(request["config"]) ? request["config"] : {};
  const system = first(config, "systemInstruction", "system_instruction");
  const message = firstText(response, "errorMessage", "error_message");
  return {
    model: firstText(request, "model"),
    requestModel: firstText(request, "model"),
    system: system === undefined ? undefined : systemText(system),
    inputMessages: requestIn(request["contents"]).messages,
    outputMessages: responseIn(response["content"]).messages,
    finishReasons: finishReasonsFrom(first(response, "finishReason", "finish_reason")),
    usage: usageOf(objectIn(first(response, "usageMetadata", "usage_metadata"))),
    failed: first(response, "errorCode", "error_code") !== undefined,
    errorText: message,
  };
}

/** The details of a streamed call hold one message per chunk, and only the last of them has a reason to finish. */
function streamed(occurrences: readonly Occurrence[]): Reading {
  const details = occurrences.findLast(({ name }) => name === "gen_ai.client.inference.operation.details");
  const chunks = valueFrom(details?.attributes["gen_ai.output.messages"] ?? null);
  if (!Array.isArray(chunks) || !chunks.some((chunk) => isObject(chunk) && chunk["finish_reason"] === "")) return {};
  const parts: Part[] = [];
  for (const part of messagesFrom(chunks as AttributeValue[], "assistant")?.messages.flatMap((message) => message.parts) ?? []) {
    const last = parts.at(-1);
    if (last !== undefined && (part.type === "text" || part.type === "reasoning") && last.type === part.type) {
      parts[parts.length - 1] = { ...part, content: last.content + part.content };
    } else parts.push(part);
  }
  return { outputMessages: [{ role: "assistant", parts }] };
}

function systemText(value: AttributeValue): string {
  const parts = isObject(value) ? (requestIn({ role: "system", ...value }).messages?.[0]?.parts ?? []) : [];
  const texts = parts.flatMap((part) => (part.type === "text" ? [part.content] : []));
  return texts.length === 0 ? textOf(value) : texts.join("\n");
}

/** Gemini counts the cache inside the prompt, and thoughts beside the candidates. */
function usageOf(counts: Attributes): Usage | undefined {
  const reader = createAttributeReader(counts);
  const usage = usageFromSplit({
    input: reader.number("promptTokenCount", "prompt_token_count"),
    output: reader.number("candidatesTokenCount", "candidates_token_count"),
    reasoning: reader.number("thoughtsTokenCount", "thoughts_token_count"),
  });
  const cacheReadTokens = reader.number("cachedContentTokenCount", "cached_content_token_count");
  return cacheReadTokens === undefined ? usage : { ...usage, cacheReadTokens };
}
