import { setTimeout as sleep } from "node:timers/promises";
import type OpenAI from "openai";
import { isLearnError, LearnError } from "../base/error.ts";
import { redacted } from "../base/redact.ts";
import { answerToFailed, callError, openClient, requireServer } from "../llm/openai-call.ts";
import type { EmbeddingModel } from "./embedding-model.ts";
import { embedFilled } from "./filled-texts.ts";
import { unitVector } from "./unit-vector.ts";

export interface OpenAiModelOptions {
  /** For example text-embedding-3-small. */
  readonly model: string;
  /** Needed for a model whose dimensions are not known here. For text-embedding-3 a smaller number is asked of the server. */
  readonly dimensions?: number;
  /** Needed unless `baseUrl` names a server that wants none. Comes from configuration; the environment is not read here. */
  readonly apiKey?: string;
  /** Any server that speaks the OpenAI embeddings protocol. Default: OpenAI. */
  readonly baseUrl?: string;
  /** For one request, from its start to its last byte. Default 20,000. */
  readonly timeoutMs?: number;
  /** Texts in one request. Default 128. */
  readonly batchTexts?: number;
  /** Further tries of a request that failed in passing (429, 5xx, network, timeout). Default 2. */
  readonly maxRetries?: number;
  /** Pause before the first further try; each next one is twice as long. A shorter or longer Retry-After wins, up to 10 s. Default 250. */
  readonly retryDelayMs?: number;
  /** Runs the call where nobody traces it, so that learning does not show up as agent runs. */
  readonly suppress?: <T>(fn: () => T) => T;
}

const KNOWN_DIMENSIONS: Readonly<Record<string, number>> = {
  "text-embedding-3-small": 1536,
  "text-embedding-3-large": 3072,
  "text-embedding-ada-002": 1536,
};
// The protocol's limit is 8,192 tokens a text, and a character is seldom more than one.
const MAX_TEXT_LENGTH = 8_000;
const MAX_PAUSE_MS = 10_000;
/** Of an answer, beside the numbers: names, indexes, usage. */
const ANSWER_BYTES = 1024 * 1024;
/** A double needs at most 25 characters of JSON; some servers indent. */
const BYTES_PER_NUMBER = 64;

/** A model behind an OpenAI-compatible `/embeddings`. Throws "invalid" when something needed is missing. Opens nothing until the first call. */
export function createOpenAiModel(options: OpenAiModelOptions): EmbeddingModel {
  const { model, apiKey, baseUrl, timeoutMs = 20_000, batchTexts = 128 } = options;
  requireServer(options, "embedding");
  const known = KNOWN_DIMENSIONS[model];
  const dimensions = options.dimensions ?? known;
  if (dimensions === undefined || !Number.isInteger(dimensions) || dimensions < 1) {
    throw new LearnError("invalid", `the dimensions of the embedding model ${model} are not known`, {
      hint: "set dimensions to the length of its vectors",
    });
  }
  const shortened = known !== undefined && dimensions !== known;
  let client: Promise<OpenAI> | undefined;
  const maxAnswerBytes = ANSWER_BYTES + batchTexts * dimensions * BYTES_PER_NUMBER;
  const call: Call = {
    options: { ...options, timeoutMs },
    dimensions,
    shortened,
    client: () => (client ??= openClient({ apiKey, baseUrl, timeoutMs, maxAnswerBytes })),
  };
  return {
    id: `openai/${model}/${dimensions}`,
    dimensions,
    embed: (texts, signal) =>
      embedFilled(
        texts,
        dimensions,
        async (filled) => {
          const vectors: Float32Array[] = [];
          for (let from = 0; from < filled.length; from += batchTexts) {
            const batch = filled.slice(from, from + batchTexts).map((text) => wellFormed(text.slice(0, MAX_TEXT_LENGTH)));
            vectors.push(...(await embedBatch(call, batch, signal)));
          }
          return vectors;
        },
        signal,
      ),
  };
}

interface Call {
  readonly options: OpenAiModelOptions & { readonly timeoutMs: number };
  readonly dimensions: number;
  /** Whether the server is asked for fewer dimensions than the model has. */
  readonly shortened: boolean;
  readonly client: () => Promise<OpenAI>;
}

async function embedBatch(call: Call, batch: readonly string[], signal: AbortSignal | undefined): Promise<readonly Float32Array[]> {
  const { maxRetries = 2, retryDelayMs = 250 } = call.options;
  for (let tries = 0; ; tries++) {
    try {
      return await embedOnce(call, batch, signal);
    } catch (caught) {
      if (!isLearnError(caught) || !caught.retryable || tries >= maxRetries) throw caught;
      const pauseMs = Math.min(MAX_PAUSE_MS, answerToFailed(caught).retryAfterMs ?? retryDelayMs * 2 ** tries);
      await sleep(pauseMs, undefined, signal === undefined ? {} : { signal }).catch((cause: unknown) => {
        throw new LearnError("cancelled", `the call to ${call.options.model} was cancelled`, { cause });
      });
    }
  }
}

async function embedOnce(call: Call, batch: readonly string[], signal: AbortSignal | undefined): Promise<readonly Float32Array[]> {
  const { model, apiKey, timeoutMs, suppress = (fn) => fn() } = call.options;
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const openai = await call.client();
    const { data } = await suppress(() =>
      openai.embeddings.create(
        // Floats, not the client's base64: some compatible servers answer floats whatever they were asked for.
        { model, input: batch.map(redacted), encoding_format: "float", ...(call.shortened ? { dimensions: call.dimensions } : {}) },
        { signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]) },
      ),
    );
    return inOrder(data, batch.length, model).map((vector) => unitVector(vector, call.dimensions, model));
  } catch (caught) {
    const cancelled = signal?.aborted === true;
    throw callError(caught, { model, apiKey, timeoutMs, cancelled, late: deadline.aborted, hint: "check the model name and the base URL" });
  }
}

/** Servers may answer out of order; the index of each vector says which text it belongs to. */
function inOrder(data: readonly OpenAI.Embedding[] | undefined, count: number, model: string): readonly ArrayLike<number>[] {
  const vectors: (ArrayLike<number> | undefined)[] = new Array(count).fill(undefined);
  for (const [position, entry] of (Array.isArray(data) ? data : []).entries()) {
    const index = typeof entry?.index === "number" ? entry.index : position;
    if (Array.isArray(entry?.embedding) && index < count) vectors[index] = entry.embedding;
  }
  const given = vectors.filter((vector) => vector !== undefined);
  if (given.length !== count)
    throw new LearnError("invalid", `${model} gave ${given.length} vectors for ${count} texts`, { hint: "check the base URL" });
  return given;
}

/** Half a character would become one that no text has, or a refusal, depending on the server. */
function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, "\ufffd");
}
