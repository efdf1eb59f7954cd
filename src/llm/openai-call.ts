import type OpenAI from "openai";
import { isLearnError, LearnError, messageOf } from "../base/error.ts";
import { boundedFetch } from "./bounded-fetch.ts";

/** What every call to an OpenAI-compatible server needs, for answers and for embeddings. */
export interface ServerOptions {
  /** Needed unless `baseUrl` names a server that wants none. */
  readonly apiKey?: string | undefined;
  /** Default: OpenAI. */
  readonly baseUrl?: string | undefined;
  /** For one call, from request to last byte. */
  readonly timeoutMs: number;
  /** What sends more is broken or hostile, and would be held in memory whole. */
  readonly maxAnswerBytes: number;
}

/** Throws "invalid" when neither a key nor a base URL is there. `what` is the kind of model that can't be called: "language" or "embedding". */
export function requireServer({ apiKey, baseUrl }: Pick<ServerOptions, "apiKey" | "baseUrl">, what: string): void {
  if (!isBlank(apiKey) || !isBlank(baseUrl)) return;
  throw new LearnError("invalid", `no ${what} model can be called: there is neither an API key nor a base URL`, {
    hint: "set OPENAI_API_KEY, or OPENAI_BASE_URL for a server that needs no key",
  });
}

export async function openClient({ apiKey, baseUrl, timeoutMs, maxAnswerBytes }: ServerOptions): Promise<OpenAI> {
  // Loaded on first use: most processes never call a model.
  const { OpenAI } = await import("openai");
  return new OpenAI({
    // Every value is given, because the client reads the environment for each one that is not.
    apiKey: isBlank(apiKey) ? "none" : (apiKey ?? "none"),
    baseURL: isBlank(baseUrl) ? "https://api.openai.com/v1" : (baseUrl ?? null),
    organization: null,
    project: null,
    webhookSecret: null,
    timeout: timeoutMs,
    fetch: boundedFetch(maxAnswerBytes),
    // Its pauses between retries do not listen to the signal and follow Retry-After of any length.
    maxRetries: 0,
    logLevel: "off",
  });
}

export interface CallContext {
  readonly model: string;
  readonly apiKey?: string | undefined;
  readonly timeoutMs: number;
  /** The caller's signal was aborted. */
  readonly cancelled: boolean;
  /** Our own deadline passed. */
  readonly late: boolean;
  /** What to try when the server calls the request wrong. */
  readonly hint: string;
}

/** The error of a call that failed: 408, 409, 429, 5xx and network faults "unavailable", the deadline "timeout", an aborted signal "cancelled", other 4xx "invalid". */
export function callError(caught: unknown, context: CallContext): LearnError {
  const { model, apiKey, timeoutMs } = context;
  if (isLearnError(caught)) return caught;
  const {
    cause: inner,
    status,
    constructor: made,
  } = (caught ?? {}) as { cause?: unknown; status?: unknown; constructor?: { name?: string } };
  if (isLearnError(inner)) return inner;
  if (context.cancelled) return new LearnError("cancelled", `the call to ${model} was cancelled`, { cause: caught });
  if (context.late || made?.name === "APIConnectionTimeoutError") {
    const message = `${model} did not answer within ${timeoutMs} ms`;
    return new LearnError("timeout", message, { hint: "try again, or raise the timeout", cause: caught });
  }
  const said = isBlank(apiKey) ? messageOf(caught) : messageOf(caught).replaceAll(apiKey ?? "", "***");
  const message = `the call to ${model} failed: ${said.slice(0, 300)}`;
  if (typeof status !== "number")
    return new LearnError("unavailable", message, { hint: "check the base URL and the network", cause: caught });
  if (status === 408 || status === 409 || status === 429 || status >= 500)
    return new LearnError("unavailable", message, { hint: "try again later", cause: caught });
  return new LearnError("invalid", message, { hint: hintFor(status, context.hint), cause: caught });
}

function hintFor(status: number, otherwise: string): string {
  if (status === 401 || status === 403) return "check OPENAI_API_KEY";
  return status === 404 ? "check the model name and the base URL" : otherwise;
}

/** What the server itself said to a call that failed: its status, and how long to wait. Empty for a call that no answer came to. */
export function answerToFailed(caught: unknown): { readonly status?: number; readonly retryAfterMs?: number } {
  const { status, headers } = ((caught as { cause?: unknown } | undefined)?.cause ?? {}) as { status?: unknown; headers?: unknown };
  if (typeof status !== "number") return {};
  const after = headers instanceof Headers ? headers.get("retry-after") : null;
  const seconds =
    after === null ? Number.NaN : /^\d+(?:\.\d+)?$/u.test(after.trim()) ? Number(after) : (Date.parse(after) - Date.now()) / 1000;
  return { status, ...(Number.isFinite(seconds) ? { retryAfterMs: Math.max(0, Math.round(seconds * 1000)) } : {}) };
}

export function isBlank(text: string | undefined): boolean {
  return text === undefined || text.trim() === "";
}
