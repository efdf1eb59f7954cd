import { isGenAiKey } from "./genai-keys.ts";
import { parseJson } from "./json.ts";
import type { Attributes, AttributeValue, RawLog, RawSpan } from "./raw-span.ts";

// How emitters say so themselves.
const SAID = ["anthropic.content.truncated"] as const;

/**
 * True when the emitter cut content of the span or of its logs: it left out attributes, events or links at a limit of its SDK, it says so, or a
 * GenAI value is JSON that stops in the middle. Plain text cut at an attribute length limit cannot be told from text that ends there.
 */
export function isTruncated(span: RawSpan, logs: readonly RawLog[]): boolean {
  if ((span.droppedCount ?? 0) > 0 || logs.some((log) => (log.droppedCount ?? 0) > 0)) return true;
  if (isCut(span.attributes) || span.events.some(({ attributes }) => isCut(attributes))) return true;
  return logs.some(({ attributes, body }) => isCut(attributes) || isCutJson(body));
}

function isCut(attributes: Attributes): boolean {
  for (const key of SAID) if (attributes[key] === true || attributes[key] === "true") return true;
  for (const key of Object.keys(attributes)) if (isStructured(key) && isCutJson(attributes[key] ?? null)) return true;
  return false;
}

/** OpenInference writes JSON to two names that nobody else's prefix covers. */
function isStructured(key: string): boolean {
  return isGenAiKey(key) || key === "input.value" || key === "output.value";
}

function isCutJson(value: AttributeValue): boolean {
  return typeof value === "string" && /^\s*[[{]/.test(value) && parseJson(value)?.truncated === true;
}
