import { createExposureLedger, withRun } from "../agent/run-context.ts";
import { systemClock } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { newTraceId } from "../base/id.ts";
import type { Config } from "../config/config.ts";
import type { Scorer } from "../evaluation/ports.ts";
import type { Blame } from "../knowledge/blame.ts";
import type { HumanInLoopValidator } from "../knowledge/human-validator.ts";
import type { AgentRunner } from "../knowledge/ports.ts";
import { blame } from "../learner/blame.ts";
import { learn } from "../learner/cycle.ts";
import type { LearnProgress, LearnReport } from "../learner/ports.ts";
import type { Analyzer } from "../lesson/ports.ts";
import type { OutcomeSignal, TraceCheck } from "../outcome/ports.ts";
import type { Store } from "../store/ports.ts";
import { withoutTracing } from "../telemetry/suppress.ts";
import type { EvalDesk } from "./eval-desk.ts";
import { defaultAnalyzers, defaultConflictJudge } from "./from-config.ts";
import { judgeFrom, signalsFrom } from "./outcomes.ts";
import { outcomeTeller } from "./tell-outcomes.ts";

/** What only code can say about how runs are judged and read. */
export interface LearnParts {
  /** User-supplied checks on every run, applied when learning. */
  readonly checks?: readonly TraceCheck[];
  /** How runs are judged when learning, beside the checks. Default: the judge, with `judge: "on"`. */
  readonly outcomes?: readonly OutcomeSignal[];
  /** Default: what `analyzer` says, RecoveryAnalyzer alone when neither a key nor a base URL is configured. */
  readonly analyzers?: readonly Analyzer[];
  /** Asked about items that wait for a person: `createHumanInLoopValidator({ approve })`. Default: they wait for `agentlearn knowledge approve`. */
  readonly human?: HumanInLoopValidator;
  readonly onProgress?: (progress: LearnProgress) => void;
}

export interface LearnCallOptions {
  readonly onProgress?: (progress: LearnProgress) => void;
  readonly signal?: AbortSignal;
  readonly concurrency?: number;
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
  learn(options?: LearnCallOptions): Promise<LearnReport>;
  blame(traceId: string, options?: BlameCallOptions): Promise<Blame>;
}

export interface LearnDeskOptions {
  readonly store: Store;
  /** Throws where `what` can't be done here, since the store is elsewhere. */
  readonly needStore: (what: string) => void;
  /** Resolves once what this process traced can be read. */
  readonly flush: () => Promise<void>;
  readonly evals: Pick<EvalDesk, "list" | "validationCases" | "scorerFor">;
  readonly config: Config;
  readonly parts: LearnParts;
}

export function createLearnDesk({ store, needStore, flush, evals, config, parts }: LearnDeskOptions): LearnDesk {
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
      runner = (task, knowledge, signal) =>
        withoutTracing(() =>
          withRun({ traceId: newTraceId(), fixedText: knowledge, exposures: createExposureLedger() }, () => agent(task, knowledge, signal)),
        );
    },

    async learn(options = {}) {
      needStore("learn()");
      await flush();
      const { outcomes, checks } = parts;
      const onProgress = options.onProgress ?? parts.onProgress;
      const judge = judgeFrom(config, store, await evals.list());
      const onJudged = outcomeTeller(config, store);
      const conflictJudge = defaultConflictJudge(config);
      return await learn({
        store,
        clock: systemClock,
        analyzers: parts.analyzers ?? defaultAnalyzers(config),
        signals: signalsFrom({ outcomes, checks, judge }),
        ...(onJudged === undefined ? {} : { onJudged }),
        ...(conflictJudge === undefined ? {} : { conflictJudge }),
        ...(runner === undefined ? {} : { runner }),
        ...(config.agentName === undefined ? {} : { agentName: config.agentName }),
        ...(await evals.validationCases(judge)),
        activation: config.activation,
        alpha: config.alpha,
        minimumGain: config.minimumGain,
        hibernateDays: config.hibernateDays,
        passScore: config.passScore,
        concurrency: options.concurrency ?? config.concurrency,
        confirmReplicates: config.confirmReplicates,
        maxRounds: config.maxRounds,
        ...(config.agentName === undefined ? {} : { runnerName: config.agentName }),
        ...(parts.human === undefined ? {} : { human: parts.human }),
        ...(onProgress === undefined ? {} : { onProgress }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
    },

    async blame(traceId, options = {}) {
      needStore("blame()");
      await flush();
      const { alpha } = config;
      return blame(traceId, options.replay === true ? { store, alpha, replay: await replayOf(traceId, options) } : { store, alpha });
    },
  };
}
