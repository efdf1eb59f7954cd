import { LearnError } from "../base/error.ts";
import { digest, newId } from "../base/id.ts";
import {
  badOutput,
  isBadOutput,
  type JsonRequest,
  jsonSchemaOf,
  type Llm,
  type LlmUsage,
  MAX_OUTPUT_TOKENS,
  usageOfBadOutput,
} from "../llm/client.ts";
import { answerToFailed } from "../llm/openai-call.ts";
import { type Prices, usdOf } from "../llm/prices.ts";
import type { CallCost, JournalEntry, LimitReached, Spending, SpendLimits, SpendStore } from "../store/ports.ts";

export interface LedgerOptions {
  readonly store: Pick<SpendStore, "reserveCall" | "settleCall" | "answerOf">;
  readonly cycleId: string;
  readonly limits: SpendLimits;
  readonly prices: Prices;
  /** Told of each answer that was there already. */
  readonly onReused?: () => void;
  /** Told of the limit that stops all further calls. */
  readonly onLimit?: (error: LearnError) => void;
}

/** Tokens around the text: roles, and what a server adds to a schema. */
const OVERHEAD_TOKENS = 256;

type Stored = { readonly value: unknown } | { readonly refused: string };

/**
 * The same model, where every call is booked at the most it can cost before it is made, and every answer is durable before anybody uses it: asked the
 * same again after a crash, it gives that answer and calls nobody. The n-th time a process asks the same it gets the n-th answer. Rejects "invalid" when a
 * limit forbids the call, or is in USD and nobody said what the model costs.
 */
export function withLedger(llm: Llm, options: LedgerOptions): Llm {
  const { store, cycleId, limits, prices } = options;
  const price = prices.get(llm.model);
  const asked = new Map<string, number>();
  return {
    ...llm,
    json: async <T>(request: JsonRequest<T>) => {
      const question = questionOf(llm.model, request);
      const turn = asked.get(question) ?? 0;
      const entry = { key: digest([question, String(turn)]), cycleId, step: request.schemaName };
      const known = await store.answerOf(entry.key);
      if (known !== undefined) {
        const checked = answerFrom(known.answer as Stored, request);
        if (checked !== undefined) {
          asked.set(question, turn + 1);
          options.onReused?.();
          if (checked instanceof LearnError) throw checked;
          return { value: checked.value, usage: {} };
        }
      }
      const most = { ...mostOf(llm, request) };
      const id = await reserve(most, request.schemaName);
      try {
        const { value, usage } = await llm.json(request);
        await settle(id, most, usage, { ...entry, answer: { value } });
        asked.set(question, turn + 1);
        return { value, usage };
      } catch (caught) {
        if (isBadOutput(caught)) {
          await settle(id, most, usageOfBadOutput(caught), { ...entry, answer: { refused: (caught as LearnError).message } });
          asked.set(question, turn + 1);
        } else if (answerToFailed(caught).status !== undefined) {
          // An answer that is an error is not charged for. Of a call that nobody answered nobody knows: it stays booked in full.
          await store.settleCall(id, { inputTokens: 0, outputTokens: 0, ...usdFor(0, 0), estimated: false });
        }
        throw caught;
      }
    },
  };

  function usdFor(inputTokens: number, outputTokens: number): { readonly usd?: number } {
    const usd = usdOf(price, inputTokens, outputTokens);
    return usd === undefined ? {} : { usd };
  }

  async function reserve(most: Omit<CallCost, "usd">, step: string): Promise<string> {
    const unpriced = unpricedFault(llm.model, options);
    if (unpriced !== undefined) throw stopped(options, unpriced);
    const call = { id: newId(), cycleId, step, model: llm.model, most: { ...most, ...usdFor(most.inputTokens, most.outputTokens) } };
    const reached = await store.reserveCall(call, limits);
    if (reached !== undefined) throw stopped(options, limitFault(reached));
    return call.id;
  }

  async function settle(id: string, most: Omit<CallCost, "usd">, usage: LlmUsage, entry: JournalEntry): Promise<void> {
    const { inputTokens = most.inputTokens, outputTokens = most.outputTokens } = usage;
    const estimated = usage.inputTokens === undefined || usage.outputTokens === undefined;
    await store.settleCall(id, { inputTokens, outputTokens, ...usdFor(inputTokens, outputTokens), estimated }, entry);
  }
}

/** Books a call that was made elsewhere at what it did cost, whatever the limits; rejects as a metered call would be refused from now on. */
export async function countCall(
  { model, inputTokens, outputTokens }: { readonly model: string; readonly inputTokens: number; readonly outputTokens: number },
  options: Pick<LedgerOptions, "cycleId" | "limits" | "prices" | "onLimit"> & {
    readonly store: Pick<SpendStore, "reserveCall" | "settleCall" | "spending">;
  },
): Promise<void> {
  const { store, cycleId, limits, prices } = options;
  if (model.trim() === "" || ![inputTokens, outputTokens].every((tokens) => Number.isSafeInteger(tokens) && tokens >= 0)) {
    throw new LearnError("invalid", `a call of model "${model}" with ${inputTokens} tokens in and ${outputTokens} out can't be counted`, {
      hint: "give the name of the model, and whole numbers of tokens",
    });
  }
  const usd = usdOf(prices.get(model), inputTokens, outputTokens);
  const cost = { inputTokens, outputTokens, ...(usd === undefined ? {} : { usd }) };
  const id = newId();
  await store.reserveCall({ id, cycleId, step: "counted", model, most: cost }, {});
  await store.settleCall(id, { ...cost, estimated: false });
  const fault = unpricedFault(model, options) ?? passedFault(limits, await store.spending("today"), await store.spending({ cycleId }));
  if (fault !== undefined) throw stopped(options, fault);
}

function stopped({ onLimit }: Pick<LedgerOptions, "onLimit">, error: LearnError): LearnError {
  onLimit?.(error);
  return error;
}

function unpricedFault(model: string, { limits, prices }: Pick<LedgerOptions, "limits" | "prices">): LearnError | undefined {
  const inUsd = limits.usdPerDay !== undefined ? "budgetUsdPerDay" : limits.usdPerCycle !== undefined ? "budgetUsdPerCycle" : undefined;
  if (prices.has(model) || inUsd === undefined) return undefined;
  return new LearnError("invalid", `the price of model ${model} is unknown, so ${inUsd} can't be kept`, {
    hint: `set modelPrices, like ${model}=INPUT/OUTPUT in USD per million tokens`,
  });
}

function passedFault(limits: SpendLimits, day: Spending, cycle: Spending): LearnError | undefined {
  const spentOf = (limit: keyof SpendLimits): number => {
    const { usd, inputTokens, outputTokens, calls } = limit.endsWith("Day") ? day : cycle;
    return limit.startsWith("usd") ? usd : limit.startsWith("tokens") ? inputTokens + outputTokens : calls;
  };
  const limit = (Object.keys(limits) as (keyof SpendLimits)[]).find((one) => spentOf(one) >= (limits[one] ?? Number.POSITIVE_INFINITY));
  return limit === undefined ? undefined : limitFault({ limit, allowed: limits[limit] ?? 0, spent: spentOf(limit) });
}

function limitFault(reached: LimitReached): LearnError {
  return new LearnError("invalid", reachedText(reached), { hint: hintFor(reached) });
}

/** What one request can cost at most, in tokens: a token has at least one byte, and the answer is held to its length. */
export function mostOf<T>(
  llm: Pick<Llm, "maxOutputTokens">,
  request: Pick<JsonRequest<T>, "system" | "user" | "schema">,
): Omit<CallCost, "usd"> {
  const text = request.system + request.user + JSON.stringify(jsonSchemaOf(request.schema));
  return { inputTokens: Buffer.byteLength(text) + OVERHEAD_TOKENS, outputTokens: llm.maxOutputTokens ?? MAX_OUTPUT_TOKENS };
}

function questionOf<T>(model: string, { system, user, schema, schemaName, nonce }: JsonRequest<T>): string {
  const bare = (text: string): string => (nonce === undefined || nonce === "" ? text : text.replaceAll(nonce, "\u0001"));
  return digest(["model", model, schemaName, JSON.stringify(jsonSchemaOf(schema)), bare(system), bare(user)], 64);
}

/** Undefined for an answer that is none, as an older version may have left it. */
function answerFrom<T>(stored: Stored, request: JsonRequest<T>): { readonly value: T } | LearnError | undefined {
  if ("refused" in stored) return badOutput(stored.refused);
  const checked = request.schema.safeParse(stored.value);
  return checked.success ? { value: checked.data } : undefined;
}

function reachedText({ limit, allowed, spent }: LimitReached): string {
  const [, unit = "", span] = /^(usd|tokens|calls)Per(Day|Cycle)$/u.exec(limit) ?? [];
  const show = (value: number): string => (unit === "usd" ? `$${value.toFixed(value < 0.1 && value > 0 ? 4 : 2)}` : `${value} ${unit}`);
  return `${span === "Day" ? "daily budget" : "budget of a cycle"} of ${show(allowed)} reached: ${show(spent)} are spent, and the next call could go beyond`;
}

function hintFor({ limit }: LimitReached): string {
  const setting = `budget${limit.charAt(0).toUpperCase()}${limit.slice(1)}`;
  return limit.endsWith("Day") ? `learn again tomorrow (UTC), or raise ${setting}` : `learn again, or raise ${setting}`;
}
