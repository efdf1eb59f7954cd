import { type AttributeReader, createAttributeReader, objectIn } from "./attribute-reader.ts";
import { finishReasonsFrom } from "./finish-reason.ts";
import { textOf, valueFrom } from "./json.ts";
import { firstText } from "./message-part.ts";
import { messagesFrom } from "./messages.ts";
import type { Dialect } from "./ports.ts";
import type { Attributes, AttributeValue } from "./raw-span.ts";
import type { Message, SpanRole } from "./span.ts";
import { usageFrom } from "./usage.ts";

/** AI SDK 3 to 6, and 7 in its legacy mode: `ai.*`. AI SDK 7 proper speaks OTel and has no `ai.operationId`. */
export const vercelAiDialect: Dialect = {
  name: "vercel-ai",
  read({ span: { attributes } }) {
    const reader = createAttributeReader(attributes);
    const operation = reader.text("ai.operationId");
    if (operation === undefined) return undefined;
    const role = roleOf(operation);
    const prompt = objectIn(reader.value("ai.prompt"));
    const asked = reader.json("ai.prompt.messages") ?? prompt["messages"] ?? prompt["prompt"];
    const inputMessages = messagesFrom(asked, "user")?.messages;
    const text = reader.text("ai.response.text", "ai.response.object", "ai.result.text", "ai.result.object");
    const calls = reader.json("ai.response.toolCalls", "ai.result.toolCalls");
    const outputMessages = answer(text, reader.text("ai.response.reasoning"), calls);
    const args = reader.json("ai.toolCall.args");
    const result = reader.json("ai.toolCall.result");
    return {
      role,
      operation,
      // Provider and API in one, also under OTel's key: "openai.chat", "openai.responses".
      provider: reader.text("gen_ai.system", "ai.model.provider")?.split(".")[0],
      model: reader.text("gen_ai.response.model", "ai.response.model", "ai.model.id"),
      requestModel: reader.text("gen_ai.request.model", "ai.model.id"),
      responseId: reader.text("gen_ai.response.id", "ai.response.id"),
      finishReasons: finishReasonsFrom(reader.json("ai.response.finishReason", "ai.finishReason")),
      usage: usageFrom({
        inputTokens: reader.number("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
        outputTokens: reader.number("ai.usage.outputTokens", "ai.usage.completionTokens"),
        cacheReadTokens: reader.number("ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens"),
        cacheWriteTokens: reader.number("ai.usage.inputTokenDetails.cacheWriteTokens"),
        reasoningTokens: reader.number("ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens"),
      }),
      timeToFirstTokenMs: reader.number("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk"),
      system: firstText(prompt, "system"),
      inputMessages,
      outputMessages,
      input: embedded(reader),
      ...(role === "tool"
        ? { tool: { name: reader.text("ai.toolCall.name"), callId: reader.text("ai.toolCall.id"), arguments: args, result } }
        : {}),
      errorText: role === "tool" && result !== undefined ? textOf(result) : undefined,
      agentName: reader.text("ai.telemetry.functionId"),
      conversationId: reader.text(...stamped("sessionId", "conversationId", "threadId", "chatId")),
      userId: reader.text(...stamped("userId")),
      metadata: restOf(reader),
    };
  },
};

// Where applications put what they know: AI SDK 3 to 6, then 7.
const CONTEXTS = ["ai.telemetry.metadata.", "ai.settings.context."] as const;

function stamped(...names: readonly string[]): readonly string[] {
  return names.flatMap((name) => CONTEXTS.map((prefix) => prefix + name));
}

/** What was embedded: one value, or one JSON text per value. */
function embedded(reader: AttributeReader): string | undefined {
  const one = reader.json("ai.value");
  const many = reader.value("ai.values");
  if (one !== undefined) return textOf(one);
  return Array.isArray(many) ? (many as AttributeValue[]).map((value) => textOf(valueFrom(value))).join("\n") : undefined;
}

/** A vector is no reading matter, and thousands of numbers would be kept with every call. */
function restOf(reader: AttributeReader): Attributes {
  reader.value("ai.embedding", "ai.embeddings");
  return reader.rest("ai.");
}

/** The outer spans hold the calls; only `…doGenerate`, `…doStream`, `…doEmbed` and `…doRerank` are calls themselves. */
function roleOf(operation: string): SpanRole {
  if (operation === "ai.toolCall") return "tool";
  if (operation.endsWith(".doEmbed")) return "embedding";
  if (operation.endsWith(".doRerank")) return "retrieval";
  return operation.endsWith(".doGenerate") || operation.endsWith(".doStream") ? "llm" : "wrapper";
}

function answer(
  text: string | undefined,
  reasoning: string | undefined,
  calls: AttributeValue | undefined,
): readonly Message[] | undefined {
  const content: AttributeValue[] = reasoning === undefined ? [] : [{ type: "reasoning", text: reasoning }];
  if (text !== undefined) content.push({ type: "text", text });
  if (Array.isArray(calls))
    content.push(...(calls as AttributeValue[]).map((call) => (typeof call === "object" ? { ...call, type: "tool-call" } : call)));
  return content.length === 0 ? undefined : messagesFrom([{ role: "assistant", content }], "assistant")?.messages;
}
