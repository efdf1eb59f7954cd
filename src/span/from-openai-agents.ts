import { digest } from "../base/id.ts";
import { objectIn } from "./attribute-reader.ts";
import { type Copier, createCopier } from "./copy-value.ts";
import { isObject } from "./json.ts";
import { llmAttributes } from "./openai-agents-llm.ts";
import type { OuterRun } from "./ports.ts";
import type { Attributes, AttributeValue, RawSpan } from "./raw-span.ts";

/** What is read of a trace object of `@openai/agents`, which is not imported. */
export interface AgentsTraceLike {
  readonly traceId: string;
  /** The workflow. */
  readonly name?: string | undefined;
  /** Links the traces of one conversation. */
  readonly groupId?: string | null | undefined;
  readonly metadata?: object | undefined;
}

/** What is read of a finished span object. Its `toJSON()` leaves out the messages of a response, so the live object is read. */
export interface AgentsSpanLike {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId?: string | null | undefined;
  /** ISO text, whole milliseconds. */
  readonly startedAt?: string | null | undefined;
  readonly endedAt?: string | null | undefined;
  readonly spanData: object;
  readonly error?: { readonly message: string; readonly data?: object | undefined } | null | undefined;
  readonly traceMetadata?: object | undefined;
}

/** What a span does not say itself. */
export interface AgentsSpanContext {
  readonly trace?: AgentsTraceLike | undefined;
  /** The agent that a task began with. */
  readonly agentName?: string | undefined;
  /** Takes the place of the trace's own ids, and of a missing parent. */
  readonly outer?: OuterRun | undefined;
  readonly resource?: Attributes | undefined;
}

const SCOPE = { name: "@openai/agents" };
const MICROSECONDS_PER_MILLISECOND = 1000;
const INTERNAL = 1;
const CLIENT = 3;

/** "trace_<32 hex>" as it is; any other id by its digest. Ids of zeros are invalid in W3C. */
export function traceIdFromAgents(id: string): string {
  return hexId(id, /^trace_([0-9a-f]{32})$/, 32);
}

/** The first 16 of the 24 hex characters of "span_…": 64 random bits, as many as any span id has. */
export function spanIdFromAgents(id: string): string {
  return hexId(id, /^span_([0-9a-f]{16})[0-9a-f]{8}$/, 16);
}

function hexId(id: string, shape: RegExp, length: number): string {
  const hex = shape.exec(id)?.[1];
  return hex === undefined || /^0+$/.test(hex) ? digest([id], length) : hex;
}

/** The same span in attributes of OTel GenAI; what OTel has no word for is kept under `openai_agents.`. */
export function rawSpanFromAgents(span: AgentsSpanLike, context: AgentsSpanContext = {}, copier: Copier = createCopier()): RawSpan {
  const data = copier.attributes(span.spanData);
  const type = text(data["type"]) ?? "unknown";
  const { outer } = context;
  const startTimeUs = timeUs(span.startedAt);
  const parentSpanId = typeof span.parentId === "string" && span.parentId !== "" ? spanIdFromAgents(span.parentId) : outer?.spanId;
  const problem = problemOf(copier.attributes(span.error ?? {}));
  const { name, attributes } = contentOf(type, data, context);
  return {
    traceId: outer?.spanId === undefined ? traceIdFromAgents(span.traceId) : outer.traceId,
    spanId: spanIdFromAgents(span.spanId),
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    kind: type === "generation" || type === "response" ? CLIENT : INTERNAL,
    startTimeUs,
    endTimeUs: timeUs(span.endedAt) || startTimeUs,
    attributes: {
      "openai_agents.span.type": type,
      ...attributes,
      ...runAttributes(copier.attributes(context.trace?.metadata ?? span.traceMetadata ?? {}), context.trace, type),
      ...problem?.attributes,
      ...(span.parentId ? {} : outer?.attributes()),
    },
    events: [],
    links: [],
    status: problem === undefined ? { code: 0 } : { code: 2, message: problem.message },
    resource: context.resource ?? {},
    scope: SCOPE,
  };
}

interface Content {
  readonly name: string;
  readonly attributes: Attributes;
}

function contentOf(type: string, data: Attributes, context: AgentsSpanContext): Content {
  const named = text(data["name"]);
  switch (type) {
    case "generation":
    case "response":
      return llmAttributes(type, data);
    case "function":
      return {
        name: `execute_tool ${named ?? ""}`.trimEnd(),
        attributes: given({
          "gen_ai.operation.name": "execute_tool",
          "gen_ai.tool.name": named,
          "gen_ai.tool.call.arguments": data["input"],
          "gen_ai.tool.call.result": data["output"],
          "openai_agents.mcp_data": data["mcp_data"],
        }),
      };
    case "handoff": {
      const to = text(data["to_agent"]);
      return {
        name: `handoff to ${to ?? "nobody"}`,
        attributes: given({ "openai_agents.from_agent": data["from_agent"], "openai_agents.to_agent": to }),
      };
    }
    case "task": {
      const usage = objectIn(data["usage"]);
      return {
        name: named ?? "task",
        attributes: given({
          "gen_ai.agent.name": context.agentName,
          "gen_ai.usage.input_tokens": usage["input_tokens"],
          "gen_ai.usage.output_tokens": usage["output_tokens"],
          "gen_ai.usage.cache_read.input_tokens": usage["cached_input_tokens"],
          "gen_ai.usage.cache_write.input_tokens": usage["cache_write_input_tokens"],
          "openai_agents.requests": usage["requests"],
        }),
      };
    }
    case "turn":
      return {
        name: `turn ${typeof data["turn"] === "number" ? data["turn"] : ""}`.trimEnd(),
        attributes: given({ "gen_ai.agent.name": data["agent_name"], "openai_agents.turn": data["turn"] }),
      };
    case "agent":
      return {
        name: `invoke_agent ${named ?? ""}`.trimEnd(),
        attributes: given({ "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": named, ...kept(data, "type", "name") }),
      };
    default:
      return { name: named ?? type, attributes: kept(data, "type", "name") };
  }
}

/** Who the run is for, on each of its spans; all else that the application noted, on the topmost. */
function runAttributes(metadata: Attributes, trace: AgentsTraceLike | undefined, type: string): Attributes {
  const { userId, user_id, ...noted } = metadata;
  return given({
    "gen_ai.conversation.id": text(trace?.groupId),
    "user.id": text(userId) ?? text(user_id),
    ...(type === "task" ? { "openai_agents.workflow": text(trace?.name) } : {}),
    ...(type === "task" && Object.keys(noted).length > 0 ? { "openai_agents.metadata": noted } : {}),
  });
}

/** "Error in agent run" heads what went wrong; the words of the failure itself are in its data. */
function problemOf(error: Attributes): { readonly message: string; readonly attributes: Attributes } | undefined {
  const heading = text(error["message"]);
  if (heading === undefined) return undefined;
  const { error: said, tool_name: _repeated, ...more } = isObject(error["data"]) ? error["data"] : {};
  const [, type, message] = /^(\w{1,80}(?:Error|Exception)|Error): ([\s\S]+)$/.exec(text(said) ?? heading) ?? [];
  return {
    message: message ?? text(said) ?? heading,
    attributes: given({
      "error.type": type,
      "openai_agents.error": said === undefined ? undefined : heading,
      "openai_agents.error_data": Object.keys(more).length === 0 ? undefined : more,
    }),
  };
}

function kept(data: Attributes, ...known: readonly string[]): Attributes {
  return Object.fromEntries(
    Object.entries(data)
      .filter(([key]) => !known.includes(key))
      .map(([key, value]) => [`openai_agents.${key}`, value]),
  );
}

/** Without what was not said. */
export function given(fields: { readonly [key: string]: AttributeValue | undefined }): Attributes {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)) as Attributes;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function timeUs(iso: string | null | undefined): number {
  const parsed = typeof iso === "string" ? Date.parse(iso) : Number.NaN;
  return Number.isNaN(parsed) ? 0 : parsed * MICROSECONDS_PER_MILLISECOND;
}
