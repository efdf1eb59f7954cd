import type { AttributeValue } from "../span/raw-span.ts";
import type { SpanError } from "../span/span.ts";
import { parsedValue, textOf } from "./message-text.ts";

/**
 * Reads an error out of a tool result, for tools whose span does not say. It is a heuristic, so what it finds is marked `inferred`. The rule:
 *
 * - an object with `isError` / `is_error` true, or with an `error` key that is not null, false or "";
 * - text (or the text parts of a content list) that starts, in any case, with the word "error", "exception" or "traceback",
 *   or with a name that ends in Error or Exception and a colon ("sqlite3.OperationalError: ...").
 *
 * "errors: 0" and "0 errors" are not errors.
 */
export function errorInResult(result: AttributeValue | undefined): SpanError | undefined {
  const value = parsedValue(result);
  if (value === undefined || value === null) return undefined;
  if (isRecord(value)) return errorInObject(value);
  const text = Array.isArray(value) ? contentText(value) : textOf(value);
  return STARTS_LIKE_ERROR.test(text) ? { message: text.trim() } : undefined;
}

// Anchored and without nested quantifiers: linear on hostile text.
const STARTS_LIKE_ERROR = /^\s*(?:(?:error|exception|traceback)\b|[A-Za-z_][\w.]{0,120}(?:Error|Exception):)/i;

function errorInObject(value: { readonly [key: string]: AttributeValue }): SpanError | undefined {
  const said = value["error"];
  if (said !== undefined && said !== null && said !== false && said !== "") {
    return { message: isRecord(said) && typeof said["message"] === "string" ? said["message"] : textOf(said) };
  }
  const content = value["content"];
  const text = Array.isArray(content) ? contentText(content) : typeof content === "string" ? content : "";
  if (value["isError"] === true || value["is_error"] === true) return { message: text === "" ? textOf(value) : text };
  return STARTS_LIKE_ERROR.test(text) ? { message: text.trim() } : undefined;
}

/** The text of an MCP or Anthropic content list; "" for any other list. */
function contentText(parts: readonly AttributeValue[]): string {
  const texts = parts.flatMap((part) => (isRecord(part) && typeof part["text"] === "string" ? [part["text"]] : []));
  return texts.join("\n");
}

function isRecord(value: AttributeValue): value is { readonly [key: string]: AttributeValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
