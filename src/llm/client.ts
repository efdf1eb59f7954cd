import type OpenAI from "openai";
import { z } from "zod";
import { LearnError } from "../base/error.ts";
import { redacted } from "../base/redact.ts";
import { callError, isBlank, openClient, requireServer } from "./openai-call.ts";

export interface LlmOptions {
  readonly model: string;
  /** Needed unless `baseUrl` names a server that wants none. Comes from configuration; the environment is not read here. */
  readonly apiKey?: string;
  /** Any server that speaks the OpenAI chat protocol. Default: OpenAI. */
  readonly baseUrl?: string;
  /** For one call, from request to last byte. Default 60,000. */
  readonly timeoutMs?: number;
  /** Most tokens of one answer, what it thinks included; an answer that needs more is cut off and refused. Default 8192. */
  readonly maxOutputTokens?: number;
  /** Runs the call where nobody traces it, so that learning does not show up as agent runs. */
  readonly suppress?: <T>(fn: () => T) => T;
}

export interface JsonRequest<T> {
  /** Both go out without secrets and personal data; see base/redact.ts. */
  readonly system: string;
  readonly user: string;
  /** Strict mode wants every field required: use nullable, not optional. */
  readonly schema: z.ZodType<T>;
  /** Letters, digits, `_` and `-`. */
  readonly schemaName: string;
  /** The part of the texts that is drawn anew for every request; two requests that differ in nothing else ask the same. */
  readonly nonce?: string;
  readonly signal?: AbortSignal;
}

/** Tokens of one call; absent when the server did not say. */
export interface LlmUsage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}

export interface Llm {
  readonly model: string;
  /** What one answer is held to. Default 8192. */
  readonly maxOutputTokens?: number;
  /**
   * One answer that fits the schema. Never repairs: output that is not JSON, does not fit, was refused or cut off rejects "invalid" and `isBadOutput`
   * is true for it. 429, 5xx and network faults reject "unavailable", the deadline "timeout", an aborted signal "cancelled"; other 4xx "invalid".
   * Does not retry: the caller knows what waiting costs.
   */
  json<T>(request: JsonRequest<T>): Promise<{ readonly value: T; readonly usage: LlmUsage }>;
}

/** Throws "invalid" when neither a key nor a base URL is there. Opens nothing until the first call. */
export function createLlm(options: LlmOptions): Llm {
  const { model, apiKey, baseUrl, timeoutMs = 60_000, maxOutputTokens = MAX_OUTPUT_TOKENS, suppress = (fn) => fn() } = options;
  requireServer(options, "language");
  if (isBlank(model)) throw new LearnError("invalid", "no language model is named", { hint: "set the model, for example gpt-4o-mini" });
  let client: Promise<OpenAI> | undefined;
  return {
    model,
    maxOutputTokens,
    json: async (request) => {
      const deadline = AbortSignal.timeout(timeoutMs);
      // The client's own timeout ends with the response headers; a body that never comes needs ours.
      const signal = request.signal === undefined ? deadline : AbortSignal.any([request.signal, deadline]);
      try {
        client ??= openClient({ apiKey, baseUrl, timeoutMs, maxAnswerBytes: MAX_ANSWER_BYTES });
        const openai = await client;
        const completion = await suppress(() => openai.chat.completions.create(bodyOf(model, maxOutputTokens, request), { signal }));
        return { value: checkedValue(completion, request), usage: usageOf(completion) };
      } catch (caught) {
        const cancelled = request.signal?.aborted === true;
        throw callError(caught, { model, apiKey, timeoutMs, cancelled, late: deadline.aborted, hint: STRICT_HINT });
      }
    },
  };
}

/** Of one answer where nothing else is said: above this only a model that repeats itself writes on. */
export const MAX_OUTPUT_TOKENS = 8_192;

/** An answer of 8192 tokens has 50 KB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const STRICT_HINT = "use a model that supports strict JSON schemas";

/** True for an answer that came and was refused here, as opposed to a call that failed. */
export function isBadOutput(caught: unknown): boolean {
  return typeof caught === "object" && caught !== null && badOutputs.has(caught);
}

/** What an answer cost that was refused here; empty when the server did not say. */
export function usageOfBadOutput(caught: unknown): LlmUsage {
  return (typeof caught === "object" && caught !== null ? badOutputs.get(caught) : undefined) ?? {};
}

const badOutputs = new WeakMap<object, LlmUsage>();

/** The schema as it is sent. */
export function jsonSchemaOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...sent } = z.toJSONSchema(schema) as Record<string, unknown>;
  return sent;
}

function bodyOf<T>(model: string, maxOutputTokens: number, request: JsonRequest<T>): OpenAI.Chat.ChatCompletionCreateParamsNonStreaming {
  return {
    model,
    max_completion_tokens: maxOutputTokens,
    messages: [
      // The one door to a model: whoever built the prompt, no secret and nobody's address leaves through it.
      { role: "system", content: redacted(request.system) },
      { role: "user", content: redacted(request.user) },
    ],
    response_format: { type: "json_schema", json_schema: { name: request.schemaName, strict: true, schema: jsonSchemaOf(request.schema) } },
  };
}

function checkedValue<T>(completion: OpenAI.Chat.ChatCompletion, request: JsonRequest<T>): T {
  // Of another content type it comes as text: a page of a proxy is no answer of a model, and no word on the run that was asked about.
  if (typeof completion !== "object" || completion === null) {
    throw new LearnError("unavailable", "what answered does not speak the OpenAI chat protocol", { hint: "check the base URL" });
  }
  const refused = (message: string, cause?: unknown): LearnError => badOutput(message, cause, usageOf(completion));
  const choice = completion.choices?.[0];
  if (choice?.message === undefined || choice.message === null) throw refused("the model answered without a message");
  if (typeof choice.message.refusal === "string" && choice.message.refusal !== "") {
    throw refused(`the model refused: ${choice.message.refusal.slice(0, 200)}`);
  }
  if (choice.finish_reason === "length" || choice.finish_reason === "content_filter") {
    throw refused(`the model's answer was cut off (${choice.finish_reason})`);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(choice.message.content ?? "");
  } catch (caught) {
    throw refused("the model's answer is not JSON", caught);
  }
  const checked = request.schema.safeParse(parsed);
  if (!checked.success) throw refused(`the model's answer does not fit the schema: ${issuesOf(checked.error)}`, checked.error);
  return checked.data;
}

function issuesOf(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.join(".") || "answer"}: ${issue.message}`)
    .join("; ")
    .slice(0, 300);
}

/** The error for an answer that came and can't be used; for callers that find so themselves, or tell it again. */
export function badOutput(message: string, cause?: unknown, usage: LlmUsage = {}): LearnError {
  const error = new LearnError("invalid", message, { hint: STRICT_HINT, cause });
  badOutputs.set(error, usage);
  return error;
}

function usageOf({ usage }: OpenAI.Chat.ChatCompletion): LlmUsage {
  return {
    ...(isTokens(usage?.prompt_tokens) ? { inputTokens: usage.prompt_tokens } : {}),
    ...(isTokens(usage?.completion_tokens) ? { outputTokens: usage.completion_tokens } : {}),
  };
}

/** No context is larger; what a server says above it, or below 0, says nothing. */
const MOST_TOKENS = 10_000_000;

function isTokens(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MOST_TOKENS;
}
