import { isObject } from "./json.ts";
import type { Occurrence } from "./ports.ts";
import type { AttributeValue, RawLog, RawSpan } from "./raw-span.ts";

/** Span events and logs as one list in time order; equal times keep their order, span events first. */
export function occurrencesOf(span: RawSpan, logs: readonly RawLog[]): readonly Occurrence[] {
  const fromEvents = span.events.map((event) => ({ name: event.name, timeUs: event.timeUs, attributes: event.attributes, body: null }));
  const fromLogs = logs.map((log) => ({ name: nameOf(log), timeUs: log.timeUs, attributes: log.attributes, body: log.body }));
  return [...fromEvents, ...fromLogs].sort((a, b) => a.timeUs - b.timeUs);
}

/** The `eventName` field, or, as SDKs before it wrote it, the attribute `event.name`; else what its shape shows. */
function nameOf(log: RawLog): string {
  const named: AttributeValue | undefined = log.eventName ?? log.attributes["event.name"];
  return typeof named === "string" && named !== "" ? named : nameByShape(log);
}

const DETAILS = ["gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions"] as const;
const MESSAGE_ROLES: readonly string[] = ["system", "user", "assistant", "tool"];

/** Python emitters send events without a name. Only a shape that nothing else has is taken for one. */
function nameByShape({ attributes, body }: RawLog): string {
  const fields = isObject(body) ? body : {};
  const has = (key: string): boolean => Object.hasOwn(attributes, key) || Object.hasOwn(fields, key);
  if (DETAILS.some(has)) return "gen_ai.client.inference.operation.details";
  if (has("gen_ai.evaluation.name")) return "gen_ai.evaluation.result";
  if (!has("gen_ai.system") && !has("gen_ai.provider.name")) return "";
  if (fields["message"] !== undefined && (fields["finish_reason"] !== undefined || fields["index"] !== undefined)) return "gen_ai.choice";
  const role = fields["role"];
  if (typeof role === "string" && MESSAGE_ROLES.includes(role)) return `gen_ai.${role}.message`;
  return fields["tool_calls"] === undefined ? "" : "gen_ai.assistant.message";
}
