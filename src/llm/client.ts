import type OpenAI from "openai";
import { z } from "zod";
import { isLearnError, LearnError, messageOf } from "../base/error.ts";

export interface LlmOptions {
  readonly model: string;
  /** Needed unless `baseUrl` names a server that wants none. Comes from configuration; the environment is not read here. */
  readonly apiKey?: string;
  /** Any server that speaks the OpenAI chat protocol. Default: OpenAI. */
  readonly baseUrl?: string;
  /** For one call, from request to last byte. Default 60,000. */
  readonly timeoutMs?: number;
  /** Runs the call where nobody traces it, so that learning does not show up as agent runs. */
  readonly suppress?: <T>(fn: () => T) => T;
}

export interface JsonRequest<T> {
  readonly system: string;
  readonly user: string;
  /** Strict mode wants every field required: use nullable, not optional. */
  readonly schema: z.ZodType<T>;
  /** Letters, digits, `_` and `-`. */
  readonly schemaName: string;
  readonly signal?: AbortSignal;
}

/** Tokens of one call; absent when the server did not say. */
export interface LlmUsage {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}

export interface Llm {
  readonly model: string;
  /**
   * One answer that fits the schema. Never repairs: output that is not JSON, does not fit, was refused or cut off rejects "invalid" and `isBadOutput`
   * is true for it. 429, 5xx and network faults reject "unavailable", the deadline "timeout", an aborted signal "cancelled"; other 4xx "invalid".
   * Does not retry: the caller knows what waiting costs.
   */
  json<T>(request: JsonRequest<T>): Promise<{ readonly value: T; readonly usage: LlmUsage }>;
}

/** Throws "invalid" when neither a key nor a base URL is there. Opens nothing until the first call. */
export function createLlm(options: LlmOptions): Llm {
  const { model, apiKey, baseUrl, timeoutMs = 60_000, suppress = (fn) => fn() } = options;
  if (isBlank(apiKey) && isBlank(baseUrl)) {
    throw new LearnError("invalid", "no language model can be called: there is neither an API key nor a base URL", {
      hint: "set OPENAI_API_KEY, or OPENAI_BASE_URL for a server that needs no key",
    });
  }
  if (isBlank(model)) throw new LearnError("invalid", "no language model is named", { hint: "set the model, for example gpt-4o-mini" });
  let client: Promise<OpenAI> | undefined;
  return {
    model,
    json: async (request) => {
      const deadline = AbortSignal.timeout(timeoutMs);
      // The client's own timeout ends with the response headers; a body that never comes needs ours.
      const signal = request.signal === undefined ? deadline : AbortSignal.any([request.signal, deadline]);
      try {
        client ??= openClient(apiKey, baseUrl, timeoutMs);
        const openai = await client;
        const completion = await suppress(() => openai.chat.completions.create(bodyOf(model, request), { signal }));
        return { value: checkedValue(completion, request), usage: usageOf(completion) };
      } catch (caught) {
        throw errorOf(caught, { model, apiKey, timeoutMs, cancelled: request.signal?.aborted === true, late: deadline.aborted });
      }
    },
  };
}

/** True for an answer that came and was refused here, as opposed to a call that failed. */
export function isBadOutput(caught: unknown): boolean {
  return typeof caught === "object" && caught !== null && badOutputs.has(caught);
}

const badOutputs = new WeakSet<object>();

async function openClient(apiKey: string | undefined, baseUrl: string | undefined, timeoutMs: number): Promise<OpenAI> {
  // Loaded on first use: most commands never call a model.
  const { OpenAI } = await import("openai");
  return new OpenAI({
    // Every value is given, because the client reads the environment for each one that is not.
    apiKey: isBlank(apiKey) ? "none" : (apiKey ?? "none"),
    baseURL: isBlank(baseUrl) ? "https://api.openai.com/v1" : (baseUrl ?? null),
    organization: null,
    project: null,
    webhookSecret: null,
    timeout: timeoutMs,
    // Its pauses between retries do not listen to the signal and follow Retry-After of any length.
    maxRetries: 0,
    logLevel: "off",
  });
}

function bodyOf<T>(model: string, request: JsonRequest<T>): OpenAI.Chat.ChatCompletionCreateParamsNonStreaming {
  const { $schema: _, ...schema } = z.toJSONSchema(request.schema) as Record<string, unknown>;
  return {
    model,
    messages: [
      { role: "system", content: request.system },
      { role: "user", content: request.user },
    ],
    response_format: { type: "json_schema", json_schema: { name: request.schemaName, strict: true, schema } },
  };
}

function checkedValue<T>(completion: OpenAI.Chat.ChatCompletion, request: JsonRequest<T>): T {
  const choice = completion.choices?.[0];
  if (choice?.message === undefined) throw badOutput("the model answered without a message");
  if (typeof choice.message.refusal === "string" && choice.message.refusal !== "") {
    throw badOutput(`the model refused: ${choice.message.refusal.slice(0, 200)}`);
  }
  if (choice.finish_reason === "length" || choice.finish_reason === "content_filter") {
    throw badOutput(`the model's answer was cut off (${choice.finish_reason})`);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(choice.message.content ?? "");
  } catch (caught) {
    throw badOutput("the model's answer is not JSON", caught);
  }
  const checked = request.schema.safeParse(parsed);
  if (!checked.success) throw badOutput(`the model's answer does not fit the schema: ${issuesOf(checked.error)}`, checked.error);
  return checked.data;
}

function issuesOf(error: z.ZodError): string {
  return error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.join(".") || "answer"}: ${issue.message}`)
    .join("; ")
    .slice(0, 300);
}

/** The error for an answer that came and can't be used; for callers that find so themselves. */
export function badOutput(message: string, cause?: unknown): LearnError {
  const error = new LearnError("invalid", message, { hint: "use a model that supports strict JSON schemas", cause });
  badOutputs.add(error);
  return error;
}

function usageOf({ usage }: OpenAI.Chat.ChatCompletion): LlmUsage {
  return {
    ...(typeof usage?.prompt_tokens === "number" ? { inputTokens: usage.prompt_tokens } : {}),
    ...(typeof usage?.completion_tokens === "number" ? { outputTokens: usage.completion_tokens } : {}),
  };
}

interface CallContext {
  readonly model: string;
  readonly apiKey: string | undefined;
  readonly timeoutMs: number;
  readonly cancelled: boolean;
  readonly late: boolean;
}

function errorOf(caught: unknown, { model, apiKey, timeoutMs, cancelled, late }: CallContext): LearnError {
  if (isLearnError(caught)) return caught;
  if (cancelled) return new LearnError("cancelled", `the call to ${model} was cancelled`, { cause: caught });
  const name = (caught as { constructor?: { name?: string } } | undefined)?.constructor?.name;
  if (late || name === "APIConnectionTimeoutError") {
    return new LearnError("timeout", `${model} did not answer within ${timeoutMs} ms`, {
      hint: "try again, or raise the timeout",
      cause: caught,
    });
  }
  const status = (caught as { status?: unknown } | undefined)?.status;
  const said = isBlank(apiKey) ? messageOf(caught) : messageOf(caught).replaceAll(apiKey ?? "", "***");
  const message = `the call to ${model} failed: ${said.slice(0, 300)}`;
  if (typeof status !== "number")
    return new LearnError("unavailable", message, { hint: "check the base URL and the network", cause: caught });
  if (status === 408 || status === 409 || status === 429 || status >= 500)
    return new LearnError("unavailable", message, { hint: "try again later", cause: caught });
  const hint =
    status === 401 || status === 403
      ? "check OPENAI_API_KEY"
      : status === 404
        ? "check the model name and the base URL"
        : "use a model that supports strict JSON schemas";
  return new LearnError("invalid", message, { hint, cause: caught });
}

function isBlank(text: string | undefined): boolean {
  return text === undefined || text.trim() === "";
}
