import { isBalanced, topLevelKeys } from "./json-keys.ts";
import { withoutBom } from "./json-lines.ts";
import { type FileFormat, MAX_PIECE_BYTES } from "./ports.ts";
import { isZstd } from "./zstd.ts";

// The first key that is known decides: an OTLP request has nothing beside it, Jaeger and Tempo have counts and metrics around theirs.
const FORMAT_OF_KEY: ReadonlyMap<string, "otlp" | "jaeger-json" | "tempo-json"> = new Map([
  ["resourceSpans", "otlp"],
  ["resourceLogs", "otlp"],
  ["resourceMetrics", "otlp"],
  ["resourceProfiles", "otlp"],
  ["data", "jaeger-json"],
  ["processes", "jaeger-json"],
  ["batches", "tempo-json"],
  ["trace", "tempo-json"],
]);

/** What a file is, by its first decompressed bytes and never by its name. Undefined: none of the kinds that can be read. */
export function detectFormat(head: Uint8Array): FileFormat | undefined {
  const text = trimmed(head);
  if (text[0] !== 0x7b) return isFramed(head) ? "otlp-frames" : undefined;
  const kind = topLevelKeys(text)
    .map((key) => FORMAT_OF_KEY.get(key))
    .find((found) => found !== undefined);
  if (kind !== "otlp") return kind;
  return isLines(text) ? "otlp-json-lines" : "otlp-json";
}

function trimmed(head: Uint8Array): Uint8Array {
  const bytes = withoutBom(head);
  const start = bytes.findIndex((byte) => !(byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)));
  return start === -1 ? bytes.subarray(bytes.length) : bytes.subarray(start);
}

/** Pretty-printed JSON breaks its first line inside an object. So does a first line that was cut off, but then the next one begins a request. */
function isLines(text: Uint8Array): boolean {
  const newline = text.indexOf(0x0a);
  if (newline === -1 || isBalanced(text.subarray(0, newline))) return true;
  return Buffer.from(text).includes('\n{"resource');
}

function isFramed(head: Uint8Array): boolean {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let at = 0;
  while (at + 4 < head.length && view.getUint32(at) === 0) at += 4;
  if (at + 4 >= head.length || view.getUint32(at) > MAX_PIECE_BYTES) return false;
  const first = head[at + 4];
  // Field 1 of every export request is a message; JSON and zstd frames stand behind lengths too.
  return first === 0x0a || first === 0x7b || isZstd(head.subarray(at + 4));
}
