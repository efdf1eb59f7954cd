import type { TimeUs } from "../base/clock.ts";
import { isLearnError, LearnError, messageOf } from "../base/error.ts";
import { decodeBody } from "../span/otlp/decode-body.ts";
import { topLevelKeys } from "./json-keys.ts";
import { MAX_PIECE_BYTES, type Message } from "./ports.ts";
import { protobufSignal } from "./protobuf-signal.ts";
import { isZstd, unzstdMessage } from "./zstd.ts";

const SIGNAL_OF_KEY: ReadonlyMap<string, "traces" | "logs"> = new Map([
  ["resourceSpans", "traces"],
  ["resourceLogs", "logs"],
]);
// Nothing to learn from, so passed over as the receiver does; a file exporter in several pipelines writes them between the others.
const PASSED_OVER: ReadonlySet<string> = new Set(["resourceMetrics", "resourceProfiles"]);

/** The requests in one piece of OTLP JSON; none for metrics and for `{}`. Throws "invalid" or "too-large", as mapping the body would. */
export function otlpJsonMessages(bytes: Uint8Array, nowUs: TimeUs): readonly Message[] {
  const keys = topLevelKeys(bytes);
  const signals = keys.flatMap((key) => SIGNAL_OF_KEY.get(key) ?? []);
  if (signals.length === 0) {
    if (keys.some((key) => PASSED_OVER.has(key))) return [];
    // Decoding says what is wrong with JSON that is none.
    otlpMessage("otlp-json", "traces", bytes, nowUs);
    if (keys.length === 0) return [];
    throw new LearnError("invalid", `it is no OTLP request: it has ${keys.slice(0, 5).join(", ")} and no resourceSpans or resourceLogs`);
  }
  return signals.map((signal, index) => otlpMessage("otlp-json", signal, index === 0 ? bytes : bytes.slice(), nowUs));
}

/** The request behind a length prefix: protobuf or JSON, perhaps compressed. */
export function frameMessages(given: Uint8Array, nowUs: TimeUs): readonly Message[] {
  const bytes = isZstd(given) ? unzstdMessage(given, MAX_PIECE_BYTES) : given;
  if (bytes[0] === 0x7b) return otlpJsonMessages(bytes, nowUs);
  const signal = protobufSignal(bytes);
  return signal === "empty" || signal === "metrics" ? [] : [otlpMessage("otlp-protobuf", signal, bytes, nowUs)];
}

/** A request as a body of the store. A request of which nothing is usable is "invalid", with the reason of its first span. */
export function otlpMessage(format: "otlp-json" | "otlp-protobuf", signal: "traces" | "logs", body: Uint8Array, nowUs: TimeUs): Message {
  const { batch, rejected, reason } = decoded(() => decodeBody({ format, signal, encoding: "identity", body }));
  const traceIds = new Set([...batch.spans, ...batch.logs].map(({ traceId }) => traceId));
  if (rejected > 0 && batch.spans.length === 0) throw new LearnError("invalid", `none of its ${rejected} spans can be used: ${reason}`);
  return {
    body: { format, signal, encoding: "identity", body, receivedAtUs: nowUs, traceIds: [...traceIds] },
    spans: batch.spans.length,
    logs: batch.logs.length,
    rejected,
  };
}

/** Decoders speak of the request they would answer; a reader of files also wants the position in the JSON. */
function decoded<T>(decode: () => T): T {
  try {
    return decode();
  } catch (caught) {
    if (!isLearnError(caught) || !(caught.cause instanceof SyntaxError)) throw caught;
    throw new LearnError("invalid", `it is not JSON: ${messageOf(caught.cause)}`, { cause: caught.cause });
  }
}
