import { LearnError } from "../base/error.ts";
import type { Config } from "../config/config.ts";
import type { Scorer } from "../evaluation/ports.ts";
import type { Blame } from "../knowledge/blame.ts";
import type { HumanInLoopValidator } from "../knowledge/human-validator.ts";
import type { AgentRunner } from "../knowledge/ports.ts";
import { blame } from "../learner/blame.ts";
import { type LearnPlan, planCycle } from "../learner/plan-cycle.ts";
import type { LearnProgress, LearnReport } from "../learner/ports.ts";
import type { SafetyCheck } from "../learner/safety-check.ts";
import type { Analyzer } from "../lesson/ports.ts";
import { pricesFrom } from "../llm/prices.ts";
import type { RetryOptions } from "../llm/with-retry.ts";
import type { OutcomeSignal, TraceCheck } from "../outcome/ports.ts";
import type { Store } from "../store/ports.ts";
import type { Made } from "./cycle-tools.ts";
import type { EvalDesk } from "./eval-desk.ts";
import { hasModel } from "./from-config.ts";
import { fullCycle, limitsFrom } from "./full-cycle.ts";
import { safetyFrom } from "./safety-from.ts";
import { trialRunner } from "./trial-runner.ts";

/** What only code can say about how runs are judged and read. */
export interface LearnParts {
  /** User-supplied checks on every run, applied when learning. */
  readonly checks?: readonly TraceCheck[];
  /** How runs are judged when learning, beside the checks. Default: the judge, with `judge: "on"`. Ones that ask a model: as a function of `CycleTools`. */
  readonly outcomes?: Made<OutcomeSignal>;
  /** Default: what `analyzer` says, RecoveryAnalyzer alone when neither a key nor a base URL is configured. Ones that ask a model: as a function of `CycleTools`. */
  readonly analyzers?: Made<Analyzer>;
  /** Asked about items that wait for a person: `createHumanInLoopValidator({ approve })`. Default: they wait for `agentlearn knowledge approve`. */
  readonly human?: HumanInLoopValidator;
  readonly onProgress?: (progress: LearnProgress) => void;
  /** How models are asked again after faults that may pass. */
  readonly retry?: RetryOptions;
}

export interface LearnCallOptions {
  readonly onProgress?: (progress: LearnProgress) => void;
  readonly signal?: AbortSignal;
  readonly concurrency?: number;
  /** How long to wait for another process that learns on this store, before "conflict". Default 25,000. */
  readonly waitMs?: number;
}

export interface BlameCallOptions {
  /** Runs the agent again, `replicates` times with everything and as often without each item. */
  readonly replay?: boolean;
  readonly scorer?: Scorer;
  /** Default 8. */
  readonly replicates?: number;
  readonly signal?: AbortSignal;
}

/** What needs the agent itself: testing candidates, and finding the item that made a run fail. */
export interface LearnDesk {
  setRunner(runner: AgentRunner): void;
  /** Asks the safety cases of everything active and this item; says so where there is no runner. */
  readonly safety: SafetyCheck;
  learn(options?: LearnCallOptions): Promise<LearnReport>;
  /** What `learn` would do now. Writes nothing and asks no model. */
  plan(): Promise<LearnPlan>;
  blame(traceId: string, options?: BlameCallOptions): Promise<Blame>;
}

export interface LearnDeskOptions {
  readonly store: Store;
  /** As other learners on the store are told of it. */
  readonly who: string;
  /** Throws where `what` can't be done here, since the store is elsewhere. */
  readonly needStore: (what: string) => void;
  /** Resolves once what this process traced can be read. */
  readonly flush: () => Promise<void>;
  readonly evals: Pick<EvalDesk, "validationCases" | "scorerFor">;
  readonly config: Config;
  readonly parts: LearnParts;
}

export function createLearnDesk({ store, who, needStore, flush, evals, config, parts }: LearnDeskOptions): LearnDesk {
  let runner: AgentRunner | undefined;

  async function replayOf(traceId: string, { scorer, replicates, signal }: BlameCallOptions) {
    const { passScore, concurrency } = config;
    const score = scorer ?? (await evals.scorerFor((await store.getTrace(traceId)).task));
    if (runner === undefined)
      throw new LearnError("invalid", "a replay needs an agent", { hint: "call setAgentRunner first, or give --agent" });
    if (score === undefined) {
      throw new LearnError("invalid", "a replay needs to know what a good answer to this task is", {
        hint: "add an eval case with this task (learn.eval.add), or pass { scorer }",
      });
    }
    return {
      runner,
      score,
      passScore,
      concurrency,
      ...(replicates === undefined ? {} : { replicates }),
      ...(signal === undefined ? {} : { signal }),
    };
  }

  return {
    setRunner(agent) {
      runner = trialRunner(agent);
    },

    safety: safetyFrom({ store, config, evals, runner: () => runner }),

    async learn(options = {}) {
      needStore("learn()");
      await flush();
      const { outcomes, checks, analyzers, human, retry } = parts;
      return await fullCycle({
        store,
        config,
        who,
        analyzers,
        outcomes,
        checks,
        human,
        runner,
        evals,
        waitMs: options.waitMs,
        concurrency: options.concurrency,
        onProgress: options.onProgress ?? parts.onProgress,
        signal: options.signal,
        retry,
      });
    },

    async plan() {
      needStore("plan()");
      const { cases = [], obstacle } = await evals.validationCases();
      const why = runner === undefined ? "needs an agent runner (setAgentRunner, or --agent)" : obstacle;
      return planCycle({
        store,
        limits: limitsFrom(config),
        prices: pricesFrom(config.modelPrices),
        cases: cases.length,
        analyzer: config.analyzer,
        lessonScope: config.lessonScope,
        ...(hasModel(config) && config.analyzer !== "recovery" ? { model: config.model } : {}),
        ...(why === undefined ? {} : { obstacle: why }),
      });
    },

    async blame(traceId, options = {}) {
      needStore("blame()");
      await flush();
      const { effectAlpha: alpha } = config;
      return blame(traceId, options.replay === true ? { store, alpha, replay: await replayOf(traceId, options) } : { store, alpha });
    },
  };
}
