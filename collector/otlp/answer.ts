import type { LearnError } from "../../src/base/error.ts";
import type { OtlpContentType, OtlpResponse, OtlpSignal } from "../request.ts";
import { GRPC, otlpStatus, RETRY_AFTER_SECONDS } from "../status.ts";
import { messageField, stringField, varintField } from "./wire-writer.ts";

// Answers stay far below the 4 MiB an exporter reads: a message quotes at most this much.
const MAX_MESSAGE_CHARACTERS = 2_000;

const REJECTED_FIELD = { traces: "rejectedSpans", logs: "rejectedLogRecords", metrics: "rejectedDataPoints" } as const;

export interface StatusMessage {
  readonly grpcCode: number;
  readonly message: string;
  /** Adds google.rpc.RetryInfo. */
  readonly retryable: boolean;
}

export function statusOf(error: LearnError): StatusMessage {
  const { grpcCode, retryable } = otlpStatus(error.code);
  const message = error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
  return { grpcCode, retryable, message: message.slice(0, MAX_MESSAGE_CHARACTERS) };
}

/** Export<signal>ServiceResponse. On full success partial_success is unset: no bytes, or `{}`. */
export function encodeSuccess(
  signal: OtlpSignal,
  contentType: OtlpContentType,
  { rejected, message }: Extract<OtlpResponse, { kind: "accepted" }>,
): Uint8Array {
  const partial = rejected > 0 || message !== "";
  if (contentType === "application/json") {
    // 64-bit integers are decimal text in proto3 JSON.
    return json(partial ? { partialSuccess: { [REJECTED_FIELD[signal]]: String(rejected), errorMessage: message } } : {});
  }
  if (!partial) return new Uint8Array(0);
  return messageField(1, [...(rejected > 0 ? [varintField(1, rejected)] : []), ...(message === "" ? [] : [stringField(2, message)])]);
}

/** google.rpc.Status, with BadRequest or RetryInfo as its detail where one applies. */
export function encodeStatus(status: StatusMessage, contentType: OtlpContentType): Uint8Array {
  const { grpcCode, message, retryable } = status;
  const bad = grpcCode === GRPC.invalidArgument;
  if (contentType === "application/json") {
    const details = retryable
      ? [{ "@type": typeUrl("RetryInfo"), retryDelay: `${RETRY_AFTER_SECONDS}s` }]
      : bad
        ? [{ "@type": typeUrl("BadRequest"), fieldViolations: [{ field: "body", description: message }] }]
        : [];
    return json({ code: grpcCode, message, details });
  }
  const details = retryable
    ? [any("RetryInfo", messageField(1, [varintField(1, RETRY_AFTER_SECONDS)]))]
    : bad
      ? [any("BadRequest", messageField(1, [stringField(1, "body"), stringField(2, message)]))]
      : [];
  return Buffer.concat([varintField(1, grpcCode), stringField(2, message), ...details.map((detail) => messageField(3, [detail]))]);
}

function any(name: string, content: Uint8Array): Uint8Array {
  return Buffer.concat([stringField(1, typeUrl(name)), messageField(2, [content])]);
}

function typeUrl(name: string): string {
  return `type.googleapis.com/google.rpc.${name}`;
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value), "utf8");
}
