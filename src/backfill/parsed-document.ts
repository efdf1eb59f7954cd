import { LearnError, messageOf } from "../base/error.ts";
import { scanJson } from "../span/otlp/json-scan.ts";
import type { Json } from "../span/otlp/json-value.ts";

const MAX_ITEMS = 1_000_000;

/** A document that is converted as a whole. Throws "invalid" for what is no JSON object, "too-large" before too much would be built. */
export function parsedDocument(bytes: Uint8Array): Json {
  scanJson(bytes, MAX_ITEMS);
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  } catch (cause) {
    throw new LearnError("invalid", `it is not JSON: ${messageOf(cause)}`, { cause });
  }
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed as Json;
  throw new LearnError("invalid", "it is JSON, but no object");
}
