import type { ErrorCode } from "../src/base/error.ts";

/** google.rpc.Code, as far as it is used. */
export const GRPC = {
  ok: 0,
  cancelled: 1,
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** 1: with 30 a stock exporter drops the batch, because the wait does not fit into the 10 s it has for all attempts. */
export const RETRY_AFTER_SECONDS = 1;

export interface OtlpStatus {
  readonly httpStatus: number;
  readonly grpcCode: number;
  /** The client is told to come back: `Retry-After` over HTTP, RetryInfo over both. */
  readonly retryable: boolean;
}

const RETRY: OtlpStatus = { httpStatus: 503, grpcCode: GRPC.unavailable, retryable: true };

/**
 * What an exporter hears. Exporters drop a batch on 500, 413 and any other 4xx, so only what can never work gets one of those;
 * everything else, also what nobody foresaw, is 503. RESOURCE_EXHAUSTED without RetryInfo means "never" in OTLP.
 */
export function otlpStatus(code: ErrorCode): OtlpStatus {
  if (code === "invalid") return { httpStatus: 400, grpcCode: GRPC.invalidArgument, retryable: false };
  if (code === "too-large") return { httpStatus: 413, grpcCode: GRPC.resourceExhausted, retryable: false };
  return RETRY;
}

const API_STATUS: { readonly [code in ErrorCode]: 400 | 404 | 409 | 413 | 500 | 503 } = {
  invalid: 400,
  "not-found": 404,
  conflict: 409,
  "too-large": 413,
  unavailable: 503,
  timeout: 503,
  cancelled: 503,
  // A fault of ours that will not pass by itself; the API has no exporters that would drop data on it.
  internal: 500,
};

/** HTTP status of an API error. */
export function apiStatus(code: ErrorCode): 400 | 404 | 409 | 413 | 500 | 503 {
  return API_STATUS[code];
}
