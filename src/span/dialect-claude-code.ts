import { type AttributeReader, createAttributeReader } from "./attribute-reader.ts";
import { finishReasonsFrom } from "./finish-reason.ts";
import { textOf, valueFrom } from "./json.ts";
import type { Dialect, Occurrence, Reading } from "./ports.ts";
import type { Attributes, AttributeValue, RawSpan } from "./raw-span.ts";
import { type Roles, roleIn } from "./role.ts";
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
      ...(role === "agent" ? { input: captured(reader.text("user_prompt")) } : {}),
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

function modelCall(reader: AttributeReader): Reading {
  return {
    provider: reader.text("gen_ai.provider.name", "gen_ai.system"),
    model: reader.text("gen_ai.response.model", "gen_ai.request.model", "model"),
    requestModel: reader.text("gen_ai.request.model"),
    responseId: reader.text("gen_ai.response.id", "request_id"),
    finishReasons: finishReasonsFrom(reader.value("stop_reason")),
    system: reader.text("user_system_prompt", "system_prompt_preview"),
    input: captured(reader.text("new_context")),
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
  const costs = occurrences.flatMap(({ name, attributes }) => {
    const cost = name === "api_request" || name === `${PREFIX}api_request` ? Number(textOf(attributes["cost_usd"] ?? "")) : 0;
    return cost > 0 ? [cost] : [];
  });
  return costs.length === 0 ? undefined : costs.reduce((sum, cost) => sum + cost, 0);
}

/** Without OTel's keys, which have a dialect of their own. */
function restOf(reader: AttributeReader): Attributes {
  reader.value("span.type", "success");
  return Object.fromEntries(Object.entries(reader.rest("")).filter(([key]) => !key.startsWith("gen_ai.")));
}
