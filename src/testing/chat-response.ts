import { digest } from "../base/id.ts";
import type { ChatReply, ChatRequest } from "./chat.ts";

/** A `chat.completion` body. Ids depend on the request alone, so the same request gives the same answer. */
export function chatCompletion(request: ChatRequest, reply: ChatReply, createdS: number): object {
  const id = completionId(request);
  const message =
    reply.type === "text"
      ? { role: "assistant", content: reply.text, refusal: null }
      : { role: "assistant", content: null, refusal: null, tool_calls: [toolCall(id, reply)] };
  return {
    id,
    object: "chat.completion",
    created: createdS,
    model: request.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(reply) }],
    usage: usageOf(request, reply),
  };
}

/** The same as `chat.completion.chunk` bodies, in order. A text comes in two deltas so that a reader has to join them. */
export function chatCompletionChunks(request: ChatRequest, reply: ChatReply, createdS: number): readonly object[] {
  const id = completionId(request);
  const base = { id, object: "chat.completion.chunk", created: createdS, model: request.model };
  const chunk = (delta: object, finish: string | null = null): object => ({
    ...base,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  });
  const chunks = [chunk({ role: "assistant", content: reply.type === "text" ? "" : null })];
  if (reply.type === "text") {
    const middle = Math.ceil(reply.text.length / 2);
    for (const content of [reply.text.slice(0, middle), reply.text.slice(middle)]) if (content !== "") chunks.push(chunk({ content }));
  } else {
    const call = toolCall(id, reply);
    chunks.push(chunk({ tool_calls: [{ index: 0, ...call, function: { name: reply.name, arguments: "" } }] }));
    chunks.push(chunk({ tool_calls: [{ index: 0, function: { arguments: call.function.arguments } }] }));
  }
  chunks.push(chunk({}, finishReason(reply)));
  if (request.includeUsage) chunks.push({ ...base, choices: [], usage: usageOf(request, reply) });
  return chunks;
}

function completionId(request: ChatRequest): string {
  return `chatcmpl-${digest([request.model, JSON.stringify(request.messages)], 24)}`;
}

function toolCall(id: string, reply: Extract<ChatReply, { type: "tool-call" }>) {
  const text = JSON.stringify(reply.arguments);
  return { id: `call_${digest([id, reply.name, text], 20)}`, type: "function", function: { name: reply.name, arguments: text } };
}

function finishReason(reply: ChatReply): string {
  return reply.type === "text" ? "stop" : "tool_calls";
}

/** Four characters a token: near enough to what tokenizers give on English and SQL for a cost report to have a shape. */
function usageOf(request: ChatRequest, reply: ChatReply): object {
  const prompt = request.messages.reduce((sum, message) => {
    const calls = message.toolCalls.reduce((length, call) => length + call.name.length + call.arguments.length, 0);
    return sum + 4 + Math.ceil((message.content.length + calls) / 4);
  }, 0);
  const text = reply.type === "text" ? reply.text : reply.name + JSON.stringify(reply.arguments);
  const completion = Math.max(1, Math.ceil(text.length / 4));
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}
