import type { Config } from "../config/config.ts";
import type { SpendMeter } from "../learner/spend-meter.ts";
import type { Llm } from "../llm/client.ts";
import type { Outcome } from "../outcome/outcome.ts";
import type { OutcomeStore } from "../outcome/ports.ts";
import { hasModel, llmFrom } from "./from-config.ts";

/** What a model of the user's own client was asked. */
export interface CountedCall {
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What functions that make `analyzers` or `outcomes` are given, once a cycle. What goes through it is in the budgets and is paid for once. */
export interface CycleTools {
  /** The configured model, `judgeModel` for outcomes; absent where there is neither a key nor a base URL. */
  readonly llm?: Llm;
  /** Any other model with the limits, the journal and the retries of this cycle. */
  metered(llm: Llm): Llm;
  /**
   * Books what a call cost that was made with another client. Rejects "invalid" as a metered call does once a limit is reached: make no more calls then.
   * What was booked stays booked. It is in no journal: after a crash such a call is made again.
   */
  count(call: CountedCall): Promise<void>;
  /** For `createLlmJudge`: without it a judge that was killed half way asks the second question anew. */
  readonly newNonce: (about: string) => string;
  /** Everything that was said of a run, feedback of people among it. For `humanFeedback` and `createLlmJudge`. */
  outcomesOf(traceId: string): Promise<readonly Outcome[]>;
}

export async function openCycleTools(
  config: Config,
  model: string | undefined,
  store: Pick<OutcomeStore, "outcomesOf">,
  meter: SpendMeter,
): Promise<CycleTools> {
  return {
    ...(hasModel(config) ? { llm: meter.metered(llmFrom(config, model)) } : {}),
    metered: (llm) => meter.metered(llm),
    count: (call) => meter.count(call),
    newNonce: await meter.nonces(),
    outcomesOf: (traceId) => store.outcomesOf(traceId),
  };
}

/** A list, or what makes one once the tools of a cycle are there. */
export type Made<T> = readonly T[] | ((tools: CycleTools) => readonly T[]);

export async function made<T>(parts: Made<T> | undefined, tools: () => Promise<CycleTools>): Promise<readonly T[] | undefined> {
  return typeof parts === "function" ? parts(await tools()) : parts;
}
