import { systemClock } from "../base/clock.ts";
import type { Config } from "../config/config.ts";
import type { HumanInLoopValidator } from "../knowledge/human-validator.ts";
import { onlineSetting } from "../knowledge/online-setting.ts";
import type { AgentRunner } from "../knowledge/ports.ts";
import { learn } from "../learner/cycle.ts";
import { openCycle } from "../learner/open-cycle.ts";
import type { LearnProgress, LearnReport } from "../learner/ports.ts";
import { createSpendMeter } from "../learner/spend-meter.ts";
import type { Analyzer } from "../lesson/ports.ts";
import { pricesFrom } from "../llm/prices.ts";
import type { RetryOptions } from "../llm/with-retry.ts";
import type { OutcomeSignal, TraceCheck } from "../outcome/ports.ts";
import type { SpendLimits, Store } from "../store/ports.ts";
import { type Made, made, openCycleTools } from "./cycle-tools.ts";
import type { EvalDesk } from "./eval-desk.ts";
import { defaultAnalyzers, defaultConflictJudge, gateSettings } from "./from-config.ts";
import { underLearnLease } from "./learn-lease.ts";
import { judgeFrom, signalsFrom } from "./outcomes.ts";
import { safetyCasesFrom } from "./safety-from.ts";
import { outcomeTeller } from "./tell-outcomes.ts";

export interface FullCycleOptions {
  readonly store: Store;
  readonly config: Config;
  /** As other learners are told of it. */
  readonly who: string;
  /** In the place of what the setting `analyzer` says. What a list asks of models is not counted; what a function makes with its tools is. */
  readonly analyzers?: Made<Analyzer> | undefined;
  /** In the place of the judge. Counted as `analyzers` are. */
  readonly outcomes?: Made<OutcomeSignal> | undefined;
  readonly checks?: readonly TraceCheck[] | undefined;
  /** Asked about items that wait for a person. */
  readonly human?: HumanInLoopValidator | undefined;
  readonly runner?: AgentRunner | undefined;
  /** What candidates are tested on. Without it none is tested. */
  readonly evals?: Pick<EvalDesk, "validationCases">;
  /** See `LearnLeaseOptions`. */
  readonly waitMs?: number | undefined;
  readonly drain?: boolean;
  readonly concurrency?: number | undefined;
  readonly onProgress?: ((progress: LearnProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly retry?: RetryOptions | undefined;
}

/**
 * One learn cycle with everything that is configured: alone on its store, going on where a dead one stopped, within the limits. Rejects "conflict" while
 * another process learns, and "cancelled" on abort; the next call then goes on with this cycle.
 */
export async function fullCycle(options: FullCycleOptions): Promise<LearnReport> {
  const { store, config, onProgress, evals, checks } = options;
  const onWait = (holder: string): void => onProgress?.({ phase: "collect", done: 0, total: 0, detail: `waiting for ${holder}` });
  const { waitMs, signal: asked, who } = options;
  const lease = { store, who, onWait, ...(waitMs === undefined ? {} : { waitMs }), ...(asked === undefined ? {} : { signal: asked }) };
  return underLearnLease(lease, async (signal) => {
    const cycle = await openCycle(store, systemClock);
    const meter = createSpendMeter({
      store,
      cycleId: cycle.id,
      limits: limitsFrom(config),
      prices: pricesFrom(config.modelPrices),
      ...(options.retry === undefined ? {} : { retry: options.retry }),
    });
    const newNonce = config.judge === "on" ? await meter.nonces() : undefined;
    const judge = judgeFrom(config, store, await store.listEvalCases(), meter.metered, newNonce);
    const outcomes = await made(options.outcomes, () => openCycleTools(config, config.judgeModel, store, meter));
    const analyzers = await made(options.analyzers, () => openCycleTools(config, config.model, store, meter));
    const onJudged = outcomeTeller(config, store);
    const conflictJudge = defaultConflictJudge(config, meter.metered);
    return await learn({
      store,
      clock: systemClock,
      cycle,
      meter,
      analyzers: analyzers ?? defaultAnalyzers(config, meter.metered),
      signals: signalsFrom({ outcomes, checks, judge }),
      ...(onJudged === undefined ? {} : { onJudged }),
      ...(conflictJudge === undefined ? {} : { conflictJudge }),
      ...(options.runner === undefined ? {} : { runner: meter.journalled(options.runner) }),
      ...(config.agentName === undefined ? {} : { agentName: config.agentName }),
      ...(evals === undefined ? {} : await evals.validationCases(judge)),
      safetyCases: safetyCasesFrom(config),
      activation: config.activation,
      online: { setting: onlineSetting(config) },
      effectAlpha: config.effectAlpha,
      lessonScope: config.lessonScope,
      hibernateDays: config.hibernateDays,
      ...gateSettings(config),
      ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
      ...(config.agentName === undefined ? {} : { runnerName: config.agentName }),
      ...(options.human === undefined ? {} : { human: options.human }),
      signal,
      ...(options.drain === undefined ? {} : { drain: options.drain }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
  });
}

/** The budgets of the settings. */
export function limitsFrom(config: Config): SpendLimits {
  const given = {
    usdPerDay: config.budgetUsdPerDay,
    usdPerCycle: config.budgetUsdPerCycle,
    tokensPerDay: config.budgetTokensPerDay,
    tokensPerCycle: config.budgetTokensPerCycle,
    callsPerDay: config.budgetCallsPerDay,
    callsPerCycle: config.budgetCallsPerCycle,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
