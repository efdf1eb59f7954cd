import { type AttributeReader, createAttributeReader } from "./attribute-reader.ts";
import { finishReasonsFrom } from "./finish-reason.ts";
import { textOf, valueFrom } from "./json.ts";
import { plainText } from "./message-part.ts";
import type { Dialect, Occurrence, Reading } from "./ports.ts";
import type { Attributes, AttributeValue, RawSpan } from "./raw-span.ts";
import { type Roles, roleIn } from "./role.ts";
import type { Message, Part } from "./span.ts";
import { usageFromSplit } from "./usage.ts";

const PREFIX = "claude_code.";
const SCOPE = "com.anthropic.claude_code";

const ROLES: Roles = {
  interaction: "agent",
  llm_request: "llm",
  tool: "tool",
  // The part of a tool that ran, after permission was given. It alone knows of a failure.
  "tool.execution": "tool",
  "tool.blocked_on_user": "wrapper",
  hook: "wrapper",
};

// What tells the arguments of a tool where its whole input is not captured.
const DETAILS = ["full_command", "file_path", "skill_name", "subagent_type"] as const;

/** Claude Code and its Agent SDK: `span.type`, and bare keys that say nothing without it. */
export const claudeCodeDialect: Dialect = {
  name: "claude-code",
  read({ span, occurrences }) {
    const type = typeOf(span);
    if (type === undefined) return undefined;
    const role = roleIn(ROLES, type) ?? "wrapper";
    const reader = createAttributeReader(span.attributes);
    const error = reader.text("error");
    return {
      role,
      operation: type,
      conversationId: reader.text("session.id"),
      userId: reader.text("user.id"),
      ...(role === "agent" ? interaction(reader, occurrences) : {}),
      ...(role === "llm" ? modelCall(reader) : {}),
      ...(role === "tool" ? toolUse(reader, occurrences) : {}),
      costUsd: costIn(occurrences),
      failed: reader.value("success") === false || error !== undefined,
      errorText: error,
      // The keys are bare, so everything that no rule maps is this dialect's.
      metadata: restOf(reader),
    };
  },
};

/** `tool` and `claude_code.tool` both occur; a bare one needs a second witness, for anybody may write `span.type`. */
function typeOf({ attributes, name, scope }: RawSpan): string | undefined {
  const said = attributes["span.type"];
  if (typeof said !== "string") return undefined;
  if (said.startsWith(PREFIX)) return said.slice(PREFIX.length);
  return name.startsWith(PREFIX) || scope.name.startsWith(SCOPE) ? said : undefined;
}

/**
 * An interaction's logs stand on its own span, those of its calls and tools too. Where detailed tracing is off, which is the rule, the answer and
 * the arguments of tools are told there alone.
 */
function interaction(reader: AttributeReader, occurrences: readonly Occurrence[]): Reading {
  const said = (name: string, key: string): string | undefined =>
    captured(textIn(occurrences.findLast((occurrence) => isEvent(occurrence, name))?.attributes[key]));
  const calls = occurrences.flatMap((occurrence) => (isEvent(occurrence, "tool_result") ? (callIn(occurrence.attributes) ?? []) : []));
  const answer = said("assistant_response", "response");
  if (answer !== undefined) calls.push({ type: "text", content: answer });
  return {
    input: captured(reader.text("user_prompt")) ?? said("user_prompt", "prompt"),
    outputMessages: calls.length === 0 ? undefined : [{ role: "assistant", parts: calls }],
  };
}

function callIn(attributes: Attributes): Part | undefined {
  const name = textIn(attributes["tool_name"]);
  const given = textIn(attributes["tool_input"]);
  const id = textIn(attributes["tool_use_id"]);
  if (name === undefined || given === undefined || id === undefined) return undefined;
  return { type: "tool_call", id, name, arguments: valueFrom(given) };
}

/** With its prefix or without: both occur. */
function isEvent({ name }: Occurrence, wanted: string): boolean {
  return name === wanted || name === PREFIX + wanted;
}

function textIn(value: AttributeValue | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function modelCall(reader: AttributeReader): Reading {
  const context = captured(reader.text("new_context"));
  return {
    provider: reader.text("gen_ai.provider.name", "gen_ai.system"),
    model: reader.text("gen_ai.response.model", "gen_ai.request.model", "model"),
    requestModel: reader.text("gen_ai.request.model"),
    responseId: reader.text("gen_ai.response.id", "request_id"),
    finishReasons: finishReasonsFrom(reader.value("stop_reason")),
    system: reader.text("user_system_prompt", "system_prompt_preview"),
    input: context,
    inputMessages: context === undefined ? undefined : messagesIn(context),
    output: captured(reader.text("response.model_output")),
    timeToFirstTokenMs: reader.number("ttft_ms"),
    usage: usageFromSplit({
      input: reader.number("input_tokens"),
      cacheRead: reader.number("cache_read_tokens"),
      cacheWrite: reader.number("cache_creation_tokens"),
      output: reader.number("output_tokens"),
    }),
  };
}

const HEADING = /^\[(?:(USER|ASSISTANT)|TOOL RESULT: ([^\]\n]{1,200}))\]$/;
// What the harness adds below the answer of a tool, of its own.
const REMINDER = "<system-reminder>";

/** `[USER]` or `[TOOL RESULT: toolu_1]` on a line of its own, and below it what is new since the call before. */
function messagesIn(context: string): readonly Message[] | undefined {
  const sections: { readonly role: string; readonly callId: string | undefined; readonly lines: string[] }[] = [];
  for (const line of context.split("\n")) {
    const [isHeading, speaker, callId] = HEADING.exec(line) ?? [];
    if (isHeading !== undefined) sections.push({ role: speaker?.toLowerCase() ?? "tool", callId, lines: [] });
    else sections.at(-1)?.lines.push(line);
  }
  return sections.length === 0 ? undefined : sections.map(messageOf);
}

function messageOf({ role, callId, lines }: { role: string; callId: string | undefined; lines: readonly string[] }): Message {
  const text = lines.join("\n").trim();
  if (callId === undefined) return { role, parts: [{ type: "text", content: text }] };
  const answer = plainText(valueFrom(text));
  const reminder = typeof answer === "string" ? answer.indexOf(REMINDER) : -1;
  const response = typeof answer === "string" && reminder >= 0 ? answer.slice(0, reminder).trim() : answer;
  return {
    role,
    parts: [{ type: "tool_call_response", id: callId, response: typeof response === "string" ? valueFrom(response) : response }],
  };
}

function toolUse(reader: AttributeReader, occurrences: readonly Occurrence[]): Reading {
  const body = occurrences.findLast((occurrence) => occurrence.name === "tool.output")?.attributes ?? {};
  const given = reader.text("tool_input") ?? body["input"];
  const { input: _input, ...left } = body;
  const answer = left["output"] ?? left["content"] ?? left["result"] ?? (Object.keys(left).length > 0 ? left : undefined);
  return {
    tool: {
      name: reader.text("tool_name"),
      callId: reader.text("gen_ai.tool.call.id", "tool_use_id"),
      arguments: given === undefined ? detailsOf(reader) : valueFrom(withoutHeading(given)),
      result: answer === undefined ? undefined : valueFrom(withoutHeading(answer)),
    },
  };
}

function detailsOf(reader: AttributeReader): Attributes | undefined {
  const details = DETAILS.flatMap((key) => {
    const value = reader.text(key);
    return value === undefined ? [] : [[key === "full_command" ? "command" : key, value] as const];
  });
  return details.length === 0 ? undefined : Object.fromEntries(details);
}

/** Detailed tracing writes a line such as `[TOOL INPUT: Bash]` above the JSON. */
function withoutHeading(value: AttributeValue): AttributeValue {
  return typeof value === "string" ? value.replace(/^\[TOOL [A-Z]+[^\]\n]{0,200}\]\n/, "") : value;
}

function captured(text: string | undefined): string | undefined {
  return text === "<REDACTED>" ? undefined : text;
}

/** Prices stand in the logs of requests, one each. */
function costIn(occurrences: readonly Occurrence[]): number | undefined {
  const costs = occurrences.flatMap((occurrence) => {
    const cost = isEvent(occurrence, "api_request") ? Number(textOf(occurrence.attributes["cost_usd"] ?? "")) : 0;
    return cost > 0 ? [cost] : [];
  });
  return costs.length === 0 ? undefined : costs.reduce((sum, cost) => sum + cost, 0);
}

/** Without OTel's keys, which have a dialect of their own. */
function restOf(reader: AttributeReader): Attributes {
  reader.value("span.type", "success");
  return Object.fromEntries(Object.entries(reader.rest("")).filter(([key]) => !key.startsWith("gen_ai.")));
}
