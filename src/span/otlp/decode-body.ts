import { deserialize } from "node:v8";
import { splitChunks } from "../../base/chunks.ts";
import { LearnError, messageOf } from "../../base/error.ts";
import { unflatten } from "../../base/flat.ts";
import { checkedBatch } from "./checked-batch.ts";
import type { DecodeOptions, DecodeResult, Signal } from "./decode.ts";
import { decodeJson } from "./decode-json.ts";
import { decodeProtobuf } from "./decode-protobuf.ts";
import { type BodyEncoding, inflateBody } from "./inflate.ts";
import { type Json, objectOf } from "./json-value.ts";

/** The fields of a stored request body that decoding needs. */
export interface EncodedBody {
  /** `batch`: a v8-serialised RawBatch, as it is or flat, or several of them, each behind its length in four bytes, big endian. */
  readonly format: "otlp-protobuf" | "otlp-json" | "batch";
  readonly signal: Signal;
  readonly encoding: BodyEncoding;
  readonly body: Uint8Array;
}

export interface DecodeBodyOptions extends DecodeOptions {
  /** Bound on the size after decompression. More throws "too-large". Default: MAX_STORED_BYTES. */
  readonly maxBytes?: number;
}

/** The most that a receiver may be set to take, so that what was answered with success can always be mapped. */
export const MAX_STORED_BYTES: number = 256 * 1024 * 1024;

/**
 * The same for what is in a body. Receivers count a million items by the schema; an attribute with its value is one there and two here, and
 * JSON has at most 2.7 million of these in the brackets and commas it may have.
 */
export const MAX_STORED_ITEMS = 3_000_000;

/** Any stored body as one result. Throws LearnError "invalid" or "too-large" and nothing else; the same body always gives the same. */
export function decodeBody(encoded: EncodedBody, options: DecodeBodyOptions = {}): DecodeResult {
  const bytes = plainBytes(encoded, options.maxBytes ?? MAX_STORED_BYTES);
  switch (encoded.format) {
    case "otlp-protobuf":
      return decodeProtobuf(bytes, encoded.signal, options);
    case "otlp-json":
      return decodeJson(bytes, encoded.signal, options);
    case "batch":
      return checkedBatch(batchFrom(bytes), options);
    default:
      throw new LearnError("invalid", `body has unknown format ${JSON.stringify(encoded.format)}`);
  }
}

function plainBytes({ encoding, body }: EncodedBody, maxBytes: number): Uint8Array {
  if (body.length > maxBytes)
    throw new LearnError("too-large", `the body is larger than ${maxBytes} bytes`, { hint: "send smaller batches" });
  return inflateBody(body, encoding, maxBytes);
}

/** What V8 serialises begins with 0xff; the length of a chunk never does. */
function batchFrom(bytes: Uint8Array): unknown {
  if (bytes[0] === 0xff) return deserialized(bytes);
  const batches = splitChunks(bytes).map((chunk) => objectOf(deserialized(chunk)));
  const isWhole = ({ spans, logs }: Json): boolean => Array.isArray(spans) && Array.isArray(logs);
  if (batches.length === 0 || !batches.every(isWhole)) return undefined;
  return { spans: batches.flatMap(({ spans }) => spans), logs: batches.flatMap(({ logs }) => logs) };
}

function deserialized(bytes: Uint8Array): unknown {
  try {
    const value: unknown = deserialize(bytes);
    return Array.isArray(value) ? unflatten(value) : value;
  } catch (cause) {
    throw new LearnError("invalid", `body is not a v8-serialised batch: ${messageOf(cause)}`, { cause });
  }
}
