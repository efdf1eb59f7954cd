import { setTimeout as sleep } from "node:timers/promises";
import { isLearnError, LearnError } from "../base/error.ts";
import type { Llm } from "./client.ts";
import { answerToFailed } from "./openai-call.ts";

export interface RetryOptions {
  /** Requests for one answer. Default 3. */
  readonly attempts?: number;
  /** The longest a server may make us wait; one that asks for more is tried again by the next cycle. Default 30,000. */
  readonly maxWaitMs?: number;
  readonly random?: () => number;
  /** Rejects when the signal aborts. */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

const FIRST_WAIT_MS = 1_000;

/** Asks again after faults that may pass, as long after as the server says, else after 1 s and 2 s, each up to half longer so that many do not come at once. */
export function withRetry(llm: Llm, options: RetryOptions = {}): Llm {
  const { attempts = 3, maxWaitMs = 30_000, random = Math.random, wait = pause } = options;
  return {
    ...llm,
    json: async (request) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await llm.json(request);
        } catch (caught) {
          const { retryAfterMs } = answerToFailed(caught);
          const waitMs = retryAfterMs ?? FIRST_WAIT_MS * 2 ** (attempt - 1) * (1 + random() / 2);
          if (!isLearnError(caught) || !caught.retryable || attempt >= attempts || waitMs > maxWaitMs) throw caught;
          await wait(waitMs, request.signal);
        }
      }
    },
  };
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (cause) {
    throw new LearnError("cancelled", "the wait for the model was cancelled", { cause });
  }
}
