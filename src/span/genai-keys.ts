import { EVALUATION_SOURCE } from "../telemetry/attributes.ts";
import type { RawLog } from "./raw-span.ts";

const PREFIXES: readonly string[] = [
  ...[
    "agentlearn.",
    "ai.",
    "anthropic.",
    "claude_code.",
    "embedding.",
    "gen_ai.",
    "genkit:",
    "gcp.vertex.agent.",
    "llm.",
    "langfuse.",
    "lk.",
  ],
  ...["mcp.", "mastra.", "mlflow.", "openinference.", "openai_agents.", "span.type", "traceloop."],
];

// First and third letter sort out nearly all keys of other spans (http., url., db., server., client.) by one look into a table, 5 ns a key of the
// SDK's spans. By the first two letters it was 10, because client. then begins as claude_code. does; by the first one, as text, 15 and more.
const LETTER_BITS = 7;
const START_MASK = 2 ** (2 * LETTER_BITS) - 1;
const isStart = new Uint8Array(START_MASK + 1);
for (const prefix of PREFIXES) isStart[startOf(prefix)] = 1;

/** True for an attribute key, or an event name, of any GenAI vocabulary or of ours. */
export function isGenAiKey(key: string): boolean {
  return isStart[startOf(key)] === 1 && hasPrefix(key);
}

/** True when some key is; one pass, no copy. */
export function hasGenAiKey(attributes: object): boolean {
  // Text, lists and buffers have a key per element.
  if (typeof attributes !== "object" || Array.isArray(attributes) || ArrayBuffer.isView(attributes) || attributes instanceof String)
    return false;
  for (const key in attributes) if (isGenAiKey(key)) return true;
  return false;
}

/** Of a shorter key, and of letters beyond ASCII, any number below the size of the table. */
function startOf(key: string): number {
  return ((key.charCodeAt(0) << LETTER_BITS) + key.charCodeAt(2)) & START_MASK;
}

function hasPrefix(key: string): boolean {
  for (const prefix of PREFIXES) if (key.startsWith(prefix)) return true;
  return false;
}

/**
 * True for log records with GenAI content. An application's other logs carry trace ids as well and say nothing about its agent; our own judgements are known
 * here, and taking them in would open their runs again.
 */
export function isGenAiLog(log: Pick<RawLog, "eventName" | "attributes"> & { readonly body?: RawLog["body"] }): boolean {
  if (EVALUATION_SOURCE in log.attributes) return false;
  if (log.eventName !== undefined && isGenAiKey(log.eventName)) return true;
  const named = log.attributes["event.name"];
  if ((typeof named === "string" && isGenAiKey(named)) || hasGenAiKey(log.attributes)) return true;
  return typeof log.body === "object" && log.body !== null && hasGenAiKey(log.body);
}
