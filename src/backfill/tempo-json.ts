import type { TimeUs } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { type Json, listOf, objectOf, textOf } from "../span/otlp/json-value.ts";
import { otlpMessage } from "./otlp-message.ts";
import { parsedDocument } from "./parsed-document.ts";
import type { Message } from "./ports.ts";

const KINDS = [
  "SPAN_KIND_UNSPECIFIED",
  "SPAN_KIND_INTERNAL",
  "SPAN_KIND_SERVER",
  "SPAN_KIND_CLIENT",
  "SPAN_KIND_PRODUCER",
  "SPAN_KIND_CONSUMER",
];
const STATUSES = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

/**
 * A trace as Tempo's API gives it, `{"batches": …}` or `{"trace": {"resourceSpans": …}}`, and as Grafana downloads it. It is OTLP put through
 * protobuf's own JSON mapping: ids are base64, enums are names, and old versions say instrumentation library for scope.
 */
export function tempoMessages(bytes: Uint8Array, nowUs: TimeUs): readonly Message[] {
  const document = parsedDocument(bytes);
  const trace = objectOf(document["trace"]);
  const batches = document["batches"] ?? trace["resourceSpans"] ?? trace["batches"] ?? document["resourceSpans"];
  if (!Array.isArray(batches)) throw new LearnError("invalid", "it is no trace of Tempo: it has neither batches nor trace.resourceSpans");
  if (batches.length === 0) return [];
  const request = { resourceSpans: batches.map((batch) => resourceSpansOf(objectOf(batch))) };
  return [otlpMessage("otlp-json", "traces", new Uint8Array(Buffer.from(JSON.stringify(request))), nowUs)];
}

function resourceSpansOf(batch: Json): object {
  const scopes = listOf(batch["scopeSpans"] ?? batch["instrumentationLibrarySpans"]).map(objectOf);
  return {
    resource: batch["resource"],
    scopeSpans: scopes.map((scope) => ({
      scope: scope["scope"] ?? scope["instrumentationLibrary"],
      spans: listOf(scope["spans"]).map((span) => spanOf(objectOf(span))),
    })),
  };
}

function spanOf(span: Json): object {
  const status = objectOf(span["status"]);
  return {
    ...span,
    traceId: idOf(span["traceId"], 16),
    spanId: idOf(span["spanId"], 8),
    parentSpanId: idOf(span["parentSpanId"], 8),
    kind: enumOf(span["kind"], KINDS),
    status: { ...status, code: enumOf(status["code"], STATUSES) },
    links: listOf(span["links"]).map((given) => {
      const link = objectOf(given);
      return { ...link, traceId: idOf(link["traceId"], 16), spanId: idOf(link["spanId"], 8) };
    }),
  };
}

/** Hex or base64: an id of 8 or 16 bytes has another length in each. Hex may have lost leading zeros. */
function idOf(value: unknown, bytes: number): string {
  const id = textOf(value);
  const isHex = /^[0-9a-f]+$/i.test(id);
  if (id === "" || (isHex && id.length === 2 * bytes)) return id;
  const decoded = Buffer.from(id, "base64");
  if (decoded.length === bytes) return decoded.toString("hex");
  return isHex ? id.padStart(2 * bytes, "0") : id;
}

function enumOf(value: unknown, names: readonly string[]): number {
  return typeof value === "number" ? value : Math.max(0, names.indexOf(textOf(value)));
}
