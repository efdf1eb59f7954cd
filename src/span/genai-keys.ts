import type { RawLog } from "./raw-span.ts";

// First letters sort out nearly all keys of other spans (http., url., db., net., server.) with one comparison.
const PREFIXES: { readonly [letter: string]: readonly string[] } = {
  a: ["agentlearn.", "ai.", "anthropic."],
  c: ["claude_code."],
  e: ["embedding."],
  g: ["gen_ai.", "genkit:", "gcp.vertex.agent."],
  l: ["llm.", "langfuse.", "lk."],
  m: ["mcp.", "mastra.", "mlflow."],
  o: ["openinference.", "openai_agents."],
  s: ["span.type"],
  t: ["traceloop."],
};

/** True for an attribute key, or an event name, of any GenAI vocabulary or of ours. */
export function isGenAiKey(key: string): boolean {
  const prefixes = PREFIXES[key.charAt(0)];
  if (prefixes === undefined) return false;
  for (const prefix of prefixes) if (key.startsWith(prefix)) return true;
  return false;
}

/** True when some key is; one pass, no copy. */
export function hasGenAiKey(attributes: object): boolean {
  // Text, lists and buffers have a key per element.
  if (typeof attributes !== "object" || Array.isArray(attributes) || ArrayBuffer.isView(attributes) || attributes instanceof String)
    return false;
  for (const key in attributes) if (isGenAiKey(key)) return true;
  return false;
}

/** True for log records with GenAI content. An application's other logs carry trace ids as well and say nothing about its agent. */
export function isGenAiLog(log: Pick<RawLog, "eventName" | "attributes"> & { readonly body?: RawLog["body"] }): boolean {
  if (log.eventName !== undefined && isGenAiKey(log.eventName)) return true;
  const named = log.attributes["event.name"];
  if ((typeof named === "string" && isGenAiKey(named)) || hasGenAiKey(log.attributes)) return true;
  return typeof log.body === "object" && log.body !== null && hasGenAiKey(log.body);
}
