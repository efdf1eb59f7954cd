import type { AttributeValue } from "./raw-span.ts";

// Deeper JSON is kept as text: recursive walkers further on (JSON.stringify first among them) overflow the stack at a few thousand levels.
const MAX_DEPTH = 64;

export interface ParsedJson {
  readonly value: AttributeValue;
  /** True when the text was cut off (attribute length limits do that) and `value` is what could be saved of it. */
  readonly truncated: boolean;
}

/** Parses JSON text, also when it was cut off in the middle. `undefined` when it is no JSON. Never throws. */
export function parseJson(text: string): ParsedJson | undefined {
  const value = tryParse(text);
  if (value !== undefined) return { value, truncated: false };
  const saved = salvage(text);
  return saved === undefined ? undefined : { value: saved, truncated: true };
}

/** A value that may have been written as JSON text: the value where the text parses whole, else the text as it came. */
export function valueFrom(value: AttributeValue): AttributeValue {
  if (typeof value !== "string") return value;
  const parsed = tryParse(value);
  if (parsed === undefined) return value;
  // A number that does not print back is an identifier ("007", 20 digits): parsing would change it.
  if (typeof parsed === "number" && String(parsed) !== value.trim()) return value;
  return parsed;
}

/** Text for people and prompts: a string as it is, anything else as JSON. */
export function textOf(value: AttributeValue): string {
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}

export type JsonObject = { readonly [key: string]: AttributeValue };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function tryParse(text: string): AttributeValue | undefined {
  try {
    const value = JSON.parse(text) as AttributeValue;
    return isDeeperThan(value, MAX_DEPTH) ? undefined : value;
  } catch {
    return undefined;
  }
}

function isDeeperThan(value: AttributeValue, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth === 0) return true;
  for (const child of Object.values(value)) if (isDeeperThan(child, depth - 1)) return true;
  return false;
}

/** Closes what is open at the cut, or goes back to the last comma or bracket and closes there. */
function salvage(text: string): AttributeValue | undefined {
  const first = text.trimStart()[0];
  if (first !== "[" && first !== "{") return undefined;
  let closers = "";
  let inString = false;
  let safeLength = 0;
  let safeClosers = "";
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (inString) {
      if (character === "\\") index++;
      else if (character === '"') inString = false;
      continue;
    }
    if (character === '"') inString = true;
    else if (character === "{" || character === "[") {
      closers = (character === "{" ? "}" : "]") + closers;
      if (closers.length > MAX_DEPTH) return undefined;
      [safeLength, safeClosers] = [index + 1, closers];
    } else if (character === "}" || character === "]") {
      if (closers[0] !== character) return undefined;
      closers = closers.slice(1);
    } else if (character === ",") [safeLength, safeClosers] = [index, closers];
  }
  if (closers === "") return undefined;
  const tail = inString ? text.replace(/\\(?:u[0-9a-fA-F]{0,3})?$/, "") : text;
  return tryParse(tail + (inString ? '"' : "") + closers) ?? tryParse(text.slice(0, safeLength) + safeClosers);
}
