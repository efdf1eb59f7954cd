import { createAttributeReader, objectIn } from "./attribute-reader.ts";
import { finishReasonsFrom } from "./finish-reason.ts";
import { textOf } from "./json.ts";
import { firstText } from "./message-part.ts";
import { messagesFrom } from "./messages.ts";
import type { Dialect } from "./ports.ts";
import type { AttributeValue } from "./raw-span.ts";
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
    const inputMessages = messagesFrom(reader.json("ai.prompt.messages") ?? prompt["messages"] ?? prompt["prompt"], "user")?.messages;
    const text = reader.text("ai.response.text", "ai.response.object", "ai.result.text");
    const outputMessages = answer(text, reader.json("ai.response.toolCalls"));
    const args = reader.json("ai.toolCall.args");
    const result = reader.json("ai.toolCall.result");
    return {
      role,
      operation,
      provider: reader.text("gen_ai.system") ?? reader.text("ai.model.provider")?.split(".")[0],
      model: reader.text("gen_ai.response.model", "ai.response.model", "ai.model.id"),
      responseId: reader.text("gen_ai.response.id", "ai.response.id"),
      finishReasons: finishReasonsFrom(reader.json("ai.response.finishReason", "ai.finishReason")),
      usage: usageFrom({
        inputTokens: reader.number("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
        outputTokens: reader.number("ai.usage.outputTokens", "ai.usage.completionTokens"),
        cacheReadTokens: reader.number("ai.usage.cachedInputTokens"),
        reasoningTokens: reader.number("ai.usage.reasoningTokens"),
      }),
      system: firstText(prompt, "system"),
      inputMessages,
      outputMessages,
      ...(role === "tool"
        ? { tool: { name: reader.text("ai.toolCall.name"), callId: reader.text("ai.toolCall.id"), arguments: args, result } }
        : {}),
      errorText: role === "tool" && result !== undefined ? textOf(result) : undefined,
      agentName: reader.text("ai.telemetry.functionId"),
      conversationId: reader.text("ai.telemetry.metadata.sessionId", "ai.settings.context.sessionId"),
      userId: reader.text("ai.telemetry.metadata.userId", "ai.settings.context.userId"),
      metadata: reader.rest("ai.telemetry.metadata.", "ai.settings."),
    };
  },
};

/** The outer spans hold the calls; only `…doGenerate`, `…doStream` and `…doEmbed` are calls themselves. */
function roleOf(operation: string): SpanRole {
  if (operation === "ai.toolCall") return "tool";
  if (operation.endsWith(".doEmbed")) return "embedding";
  return operation.endsWith(".doGenerate") || operation.endsWith(".doStream") ? "llm" : "wrapper";
}

function answer(text: string | undefined, calls: AttributeValue | undefined): readonly Message[] | undefined {
  const content: AttributeValue[] = text === undefined ? [] : [{ type: "text", text }];
  if (Array.isArray(calls))
    content.push(...(calls as AttributeValue[]).map((call) => (typeof call === "object" ? { ...call, type: "tool-call" } : call)));
  return content.length === 0 ? undefined : messagesFrom([{ role: "assistant", content }], "assistant")?.messages;
}
