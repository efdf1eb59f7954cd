import type { LearnError } from "../base/error.ts";
import type { AgentRunner } from "../knowledge/ports.ts";
import type { Llm } from "../llm/client.ts";
import type { Prices } from "../llm/prices.ts";
import { type RetryOptions, withRetry } from "../llm/with-retry.ts";
import type { SpendLimits, SpendStore } from "../store/ports.ts";
import { journalledNonces } from "./journalled-nonces.ts";
import { journalledRunner } from "./journalled-runner.ts";
import type { LearnCost } from "./ports.ts";
import { countCall, withLedger } from "./with-ledger.ts";

export interface SpendMeterOptions {
  readonly store: Pick<SpendStore, "reserveCall" | "settleCall" | "saveAnswer" | "answerOf" | "spending">;
  readonly cycleId: string;
  readonly limits: SpendLimits;
  readonly prices: Prices;
  readonly retry?: RetryOptions;
}

/** Everything of one cycle that costs goes through here. */
export interface SpendMeter {
  /** With journal, limits and retries. */
  metered(llm: Llm): Llm;
  journalled(runner: AgentRunner): AgentRunner;
  /** Books a call that was made elsewhere. Rejects "invalid" where a limit is reached by now. */
  count(call: { readonly model: string; readonly inputTokens: number; readonly outputTokens: number }): Promise<void>;
  /** The same nonce for the same question, also after a crash; see journalled-nonces.ts. */
  nonces(): Promise<(about: string) => string>;
  cost(): Promise<LearnCost>;
  /** The first limit that was reached. */
  stopped(): LearnError | undefined;
  /** Told after each answer how many there were, and in words. */
  watch(onAnswer: (answers: number, detail: string) => void): void;
}

export function createSpendMeter({ store, cycleId, limits, prices, retry }: SpendMeterOptions): SpendMeter {
  const models = new Set<string>();
  let [answers, reused, agentRuns] = [0, 0, 0];
  let stop: LearnError | undefined;
  const onLimit = (error: LearnError): void => {
    stop ??= error;
  };
  let tell: (answers: number, detail: string) => void = () => {};
  const answered = (): void => {
    answers += 1;
    tell(answers, `${answers} answers of a model${reused === 0 ? "" : `, ${reused} of them paid for before`}`);
  };

  return {
    metered(llm) {
      models.add(llm.model);
      const ledger = withLedger(llm, {
        store,
        cycleId,
        limits,
        prices,
        onReused: () => {
          reused += 1;
        },
        onLimit,
      });
      const retried = withRetry(ledger, retry);
      return {
        ...retried,
        json: async (request) => {
          const answer = await retried.json(request);
          answered();
          return answer;
        },
      };
    },

    journalled: (runner) =>
      journalledRunner(runner, {
        store,
        cycleId,
        onRun: (again) => {
          if (again) reused += 1;
          else agentRuns += 1;
        },
      }),

    count(call) {
      models.add(call.model);
      return countCall(call, { store, cycleId, limits, prices, onLimit });
    },

    nonces: () => journalledNonces(store, cycleId),

    async cost() {
      const { usd, unpriced, ...sums } = await store.spending({ cycleId });
      const { calls, inputTokens, outputTokens, estimated } = sums;
      const priced = unpriced === 0 && [...models].every((model) => prices.has(model));
      return { calls, inputTokens, outputTokens, ...(priced ? { usd } : {}), estimated, reused, agentRuns };
    },

    stopped: () => stop,

    watch(onAnswer) {
      tell = onAnswer;
    },
  };
}
