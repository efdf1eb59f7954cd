import { objectIn } from "./attribute-reader.ts";
import { isObject } from "./json.ts";
import type { Attributes, AttributeValue } from "./raw-span.ts";

export interface LlmContent {
  readonly name: string;
  readonly attributes: Attributes;
}

/** A model call of the Agents SDK: `generation` holds Chat messages and completions, `response` a Responses request and its answer. */
export function llmAttributes(type: "generation" | "response", data: Attributes): LlmContent {
  const fields = type === "generation" ? fromGeneration(data) : fromResponse(data);
  const model = fields["gen_ai.request.model"] ?? fields["gen_ai.response.model"];
  const attributes = { "gen_ai.operation.name": "chat", ...said(fields) };
  return { name: typeof model === "string" ? `chat ${model}` : "chat", attributes };
}

type Fields = { readonly [key: string]: AttributeValue | undefined };

function fromGeneration(data: Attributes): Fields {
  const outputs = listIn(data["output"]);
  const completion = objectIn(outputs.find((output) => isObject(output) && Array.isArray(output["choices"])));
  const choices = listIn(completion["choices"]).filter(isObject);
  const config = objectIn(data["model_config"]);
  return {
    "gen_ai.request.model": data["model"],
    "gen_ai.response.model": completion["model"],
    "gen_ai.response.id": completion["id"],
    "gen_ai.input.messages": messages(data["input"]),
    // Models that are no OpenAI client answer in items of the SDK's own, which read like those of the Responses API.
    "gen_ai.output.messages": choices.length > 0 ? choices.map((choice) => choice["message"] ?? null) : messages(data["output"]),
    "gen_ai.response.finish_reasons": choices.flatMap((choice) => choice["finish_reason"] ?? []),
    ...usage(objectIn(data["usage"]), objectIn(completion["usage"])),
    "openai_agents.model_config": Object.keys(config).length === 0 ? undefined : config,
  };
}

function fromResponse(data: Attributes): Fields {
  const response = objectIn(data["_response"]);
  const id = response["id"] ?? response["responseId"] ?? data["response_id"];
  return {
    "gen_ai.response.model": response["model"],
    "gen_ai.response.id": id,
    "gen_ai.system_instructions": response["instructions"],
    "gen_ai.input.messages": messages(data["_input"]),
    "gen_ai.output.messages": messages(response["output"]),
    "gen_ai.response.finish_reasons": reasonsOf(response),
    ...usage(objectIn(response["usage"])),
    "gen_ai.request.previous_response.id": response["previous_response_id"],
    "gen_ai.request.max_tokens": response["max_output_tokens"],
    "gen_ai.request.temperature": response["temperature"],
    "gen_ai.request.top_p": response["top_p"],
    "gen_ai.request.reasoning.level": objectIn(response["reasoning"])["effort"],
    "user.id": response["user"],
  };
}

/** A plain string is what the user said; JSON text must not be mistaken for messages. */
function messages(value: AttributeValue | undefined): AttributeValue | undefined {
  return typeof value === "string" ? [{ role: "user", parts: [{ type: "text", content: value }] }] : value;
}

/** "completed" is also said of an answer that asks for a tool, and "incomplete" has its reason elsewhere. */
function reasonsOf(response: Attributes): readonly AttributeValue[] | undefined {
  const status = response["status"];
  if (typeof status !== "string") return undefined;
  const asksTool = listIn(response["output"]).some((item) => isObject(item) && item["type"] === "function_call");
  if (status === "completed") return [asksTool ? "tool_call" : "stop"];
  const reason = objectIn(response["incomplete_details"])["reason"];
  return [reason ?? (status === "failed" ? "error" : status)];
}

/** The words of Chat, of Responses and of the SDK itself; the first object that says a number counts. */
function usage(...reports: readonly Attributes[]): Fields {
  const found = (...keys: readonly string[]): AttributeValue | undefined =>
    reports.flatMap((report) => keys.map((key) => report[key])).find((count) => typeof count === "number");
  const detail = (group: readonly string[], key: string): AttributeValue | undefined =>
    reports.flatMap((report) => group.map((name) => objectIn(report[name])[key])).find((count) => typeof count === "number");
  const INPUT = ["input_tokens_details", "prompt_tokens_details", "inputTokensDetails", "details"];
  const OUTPUT = ["output_tokens_details", "completion_tokens_details", "outputTokensDetails", "details"];
  return {
    "gen_ai.usage.input_tokens": found("input_tokens", "prompt_tokens", "inputTokens"),
    "gen_ai.usage.output_tokens": found("output_tokens", "completion_tokens", "outputTokens"),
    "gen_ai.usage.cache_read.input_tokens": detail(INPUT, "cached_tokens"),
    "gen_ai.usage.reasoning.output_tokens": detail(OUTPUT, "reasoning_tokens"),
  };
}

function listIn(value: AttributeValue | undefined): readonly AttributeValue[] {
  return Array.isArray(value) ? (value as readonly AttributeValue[]) : [];
}

function said(fields: Fields): Attributes {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && !isEmptyList(value));
  return Object.fromEntries(entries) as Attributes;
}

function isEmptyList(value: AttributeValue | undefined): boolean {
  return Array.isArray(value) && value.length === 0;
}
