import { type AttributeReader, createAttributeReader, objectIn } from "./attribute-reader.ts";
import { finishReasonsFrom } from "./finish-reason.ts";
import { isObject, textOf } from "./json.ts";
import { first, firstText } from "./message-part.ts";
import { conversationIn, documentFrom, documentsIn, requestIn, responseIn } from "./payload.ts";
import type { Dialect, Reading } from "./ports.ts";
import type { Attributes, AttributeValue } from "./raw-span.ts";
import { type Roles, roleIn } from "./role.ts";
import type { SpanRole, Usage } from "./span.ts";
import { usageFrom, usageFromSplit } from "./usage.ts";

const ROLES: Roles = {
  model: "llm",
  "background-model": "llm",
  tool: "tool",
  "tool.v2": "tool",
  flow: "agent",
  agent: "agent",
  retriever: "retrieval",
  reranker: "retrieval",
  embedder: "embedding",
};

/** Genkit: `genkit:*`, where `genkit:metadata:subtype` says what a span is and `generate` around a model is a wrapper of subtype `util`. */
export const genkitDialect: Dialect = {
  name: "genkit",
  read({ span }) {
    const reader = createAttributeReader(span.attributes);
    const type = reader.text("genkit:type");
    const subtype = reader.text("genkit:metadata:subtype");
    if (type === undefined && subtype === undefined) return undefined;
    const isRoot = reader.value("genkit:isRoot") === true;
    const role = roleIn(ROLES, subtype ?? type) ?? (isRoot ? "agent" : "wrapper");
    const name = reader.text("genkit:name") ?? span.name;
    return {
      role,
      operation: subtype ?? type,
      // A bare call of a model is a run of its own, and "generate" is nobody's name.
      agentName: role === "agent" && type !== "util" ? name : undefined,
      conversationId: reader.text("genkit:sessionId", "genkit:metadata:sessionId"),
      ...(role === "llm" || role === "embedding" ? modelIn(name) : {}),
      ...contentOf(reader, role, name),
      failed: reader.text("genkit:state") === "error",
      metadata: reader.rest("genkit:"),
    };
  },
};

/** `googleai/gemini-2.5-flash`: the plugin, then the model. */
function modelIn(name: string): Reading {
  const slash = name.indexOf("/");
  const model = name.slice(slash + 1);
  return { ...(slash < 0 ? {} : { provider: name.slice(0, slash) }), model, requestModel: model };
}

function contentOf(reader: AttributeReader, role: SpanRole, name: string): Reading {
  const input = reader.json("genkit:input");
  const output = reader.json("genkit:output");
  if (role === "tool") return { tool: { name, arguments: input, result: output } };
  if (role === "llm") {
    const request = requestIn(input);
    const answer = objectIn(output);
    const response = responseIn(output);
    // The provider's own response, which knows what Genkit's form of it has no field for.
    const raw = objectIn(answer["raw"]);
    return {
      ...(firstText(raw, "model") === undefined ? {} : { model: firstText(raw, "model") }),
      responseId: firstText(raw, "id"),
      inputMessages: request.messages,
      outputMessages: response.messages,
      input: request.text,
      output: response.text,
      finishReasons: finishReasonsFrom(first(answer, "finishReason")),
      usage: withDetails(usageOf(answer["usage"]), objectIn(raw["usage"])),
    };
  }
  const question = conversationIn(input, "user");
  // Around a model stands what the model answered, with its request.
  const answer = isObject(output) && isObject(output["message"]) ? responseIn(output) : conversationIn(output, "assistant");
  return {
    inputMessages: question.messages,
    outputMessages: answer.messages,
    input: question.text,
    output: answer.text,
    ...(role === "retrieval" ? { retrieval: retrievalOf(input, output) } : {}),
  };
}

/** `{query: {content: [{text}]}}` or plain text. */
function retrievalOf(input: AttributeValue | undefined, output: AttributeValue | undefined): NonNullable<Reading["retrieval"]> {
  const query = isObject(input) ? (input["query"] ?? null) : (input ?? null);
  const text = isObject(query) ? documentFrom(query).content : query === null ? undefined : textOf(query);
  const documents = documentsIn(output);
  return { ...(text === undefined ? {} : { query: text }), ...(documents === undefined ? {} : { documents }) };
}

/** OpenAI's details, which lie inside the counts. */
function withDetails(usage: Usage | undefined, said: Attributes): Usage | undefined {
  const input = createAttributeReader(objectIn(said["prompt_tokens_details"]));
  const output = createAttributeReader(objectIn(said["completion_tokens_details"]));
  const details = usageFrom({ cacheReadTokens: input.number("cached_tokens"), reasoningTokens: output.number("reasoning_tokens") });
  return usage === undefined || details === undefined ? usage : { ...details, ...usage };
}

/** Gemini counts thoughts beside the output; the total tells, since other plugins count them inside. */
function usageOf(value: AttributeValue | undefined): Usage | undefined {
  const tokens = createAttributeReader(objectIn(value));
  const input = tokens.number("inputTokens");
  const output = tokens.number("outputTokens");
  const reasoning = tokens.number("thoughtsTokens");
  const cacheReadTokens = tokens.number("cachedContentTokens");
  const beside = tokens.number("totalTokens") === (input ?? 0) + (output ?? 0) + (reasoning ?? 0);
  const usage = beside
    ? usageFromSplit({ input, output, reasoning })
    : usageFrom({ inputTokens: input, outputTokens: output, reasoningTokens: reasoning });
  return cacheReadTokens === undefined ? usage : { ...usage, cacheReadTokens };
}
