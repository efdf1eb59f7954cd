import type { AttributeValue } from "./raw-span.ts";

const NORMAL: { readonly [said: string]: string } = {
  tool_calls: "tool_call",
  tool_call: "tool_call",
  tool_use: "tool_call",
  function_call: "tool_call",
  stop: "stop",
  completed: "stop",
  end_turn: "stop",
  stop_sequence: "stop",
  length: "length",
  max_tokens: "length",
  max_output_tokens: "length",
  content_filter: "content_filter",
  error: "error",
};

/** One spelling per reason, whatever the provider said; unknown reasons stay as they came. */
export function normaliseFinishReason(said: string): string {
  const key = said.trim().toLowerCase().replaceAll("-", "_");
  return Object.hasOwn(NORMAL, key) ? (NORMAL[key] as string) : said;
}

/** Reasons from an array or a single string. `undefined` when none is given. */
export function finishReasonsFrom(value: AttributeValue | undefined): readonly string[] | undefined {
  const said = Array.isArray(value) ? value : [value];
  const reasons = said.filter((reason): reason is string => typeof reason === "string" && reason !== "").map(normaliseFinishReason);
  return reasons.length === 0 ? undefined : reasons;
}
