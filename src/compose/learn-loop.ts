import { systemClock } from "../base/clock.ts";
import { isLearnError, LearnError } from "../base/error.ts";
import type { Config } from "../config/config.ts";
import { onlineSetting } from "../knowledge/online-setting.ts";
import { retire } from "../learner/retire.ts";
import type { Store, StoreStatus } from "../store/ports.ts";
import { createReporter } from "../telemetry/report.ts";
import { gateSettings } from "./from-config.ts";
import { underLearnLease } from "./learn-lease.ts";

export interface LearnLoopOptions {
  readonly store: Store;
  readonly config: Config;
  /** For the spread of the pauses. */
  readonly random?: () => number;
}

const MAX_PAUSE_MS = 86_400_000;
/** Runs that are given what harms go on until somebody looks. */
const MOST_BETWEEN_LOOKS_MS = 10_000;

/** Throws "invalid" where full cycles are asked for and can't be: without a model, or without a limit on what nobody watches. */
export function checkLearnSchedule(config: Config): void {
  if (config.learnWithModelEveryMs === 0) return;
  if (config.openaiApiKey === undefined && config.openaiBaseUrl === undefined) {
    throw new LearnError("invalid", "learnWithModelEveryMs is set, and no model is configured", {
      hint: "set OPENAI_API_KEY or OPENAI_BASE_URL, or leave learnWithModelEveryMs at 0",
    });
  }
  const budgets = [config.budgetUsdPerDay, config.budgetTokensPerDay, config.budgetCallsPerDay];
  if (budgets.every((budget) => budget === undefined)) {
    throw new LearnError("invalid", "learnWithModelEveryMs is set without a daily budget, so nothing would stop what it spends", {
      hint: "set budgetUsdPerDay (with modelPrices), budgetTokensPerDay or budgetCallsPerDay",
    });
  }
}

/**
 * Learns beside the receiver. Every `learnEveryMs`: mines new traces and takes items out of use that harm, without a model. Every
 * `learnWithModelEveryMs`, when that is set: a full cycle within its budgets, after a failure later and later. Returns what ends it: a cycle under way
 * stops at the next call, and the next process goes on with it.
 */
export function startLearnLoop({ store, config, random = Math.random }: LearnLoopOptions): () => Promise<void> {
  const reporter = createReporter("learner");
  const abort = new AbortController();
  const { signal } = abort;
  let running: Promise<unknown> = Promise.resolve();
  const mineAndRetire = createRounds({ store, config, signal, report: reporter.failure });
  const timer = setInterval(() => {
    running = running.then(mineAndRetire).catch((caught: unknown) => {
      if (!signal.aborted) reporter.failure("a learn cycle failed", caught);
    });
  }, config.learnEveryMs);
  timer.unref();

  // On a chain of its own: a cycle with the model may take minutes, and harm is stopped before.
  const validateOnline = createOnlineRounds({ store, config, signal, report: reporter.failure });
  let trying: Promise<unknown> = Promise.resolve();
  const onlineTimer = setInterval(
    () => {
      trying = trying.then(validateOnline).catch((caught: unknown) => {
        if (!signal.aborted) reporter.failure("trials on live runs could not be looked at", caught);
      });
    },
    Math.min(config.learnEveryMs, MOST_BETWEEN_LOOKS_MS),
  );
  onlineTimer.unref();

  let failures = 0;
  let next: NodeJS.Timeout | undefined;
  const schedule = (): void => {
    if (signal.aborted || config.learnWithModelEveryMs === 0) return;
    const pauseMs = Math.min(MAX_PAUSE_MS, config.learnWithModelEveryMs * 2 ** Math.min(failures, 10));
    // Collectors that were started together do not ask together.
    next = setTimeout(
      () => {
        running = running.then(full).finally(schedule);
      },
      pauseMs * (0.8 + 0.4 * random()),
    );
    next.unref();
  };
  const full = async (): Promise<void> => {
    if (signal.aborted) return;
    try {
      const { fullCycle } = await import("./full-cycle.ts");
      const { analyzerFailures = [], stopped } = await fullCycle({ store, config, who: "agentlearn up", waitMs: 0, drain: false, signal });
      if (stopped !== undefined) reporter.failure(`learning stopped: ${stopped.reason}`);
      const [fault] = analyzerFailures.filter(({ message }) => message !== stopped?.reason);
      if (fault !== undefined) reporter.failure(`${fault.analyzer} could not run`, new Error(fault.message));
      failures = fault === undefined ? 0 : failures + 1;
    } catch (caught) {
      // Somebody else learns: that is what was wanted.
      if (signal.aborted || (isLearnError(caught) && caught.code === "conflict")) return;
      failures += 1;
      reporter.failure("a learn cycle with the model failed", caught);
    }
  };
  schedule();

  return async () => {
    clearInterval(timer);
    clearInterval(onlineTimer);
    clearTimeout(next);
    abort.abort();
    await Promise.all([running, trying]).catch(() => undefined);
  };
}

interface RoundsOptions extends LearnLoopOptions {
  readonly signal: AbortSignal;
  readonly report: (what: string, caught?: unknown) => void;
}

/** One round without a model: apart from what is tried on live runs, nothing is promoted, since that needs somebody to ask for it. */
function createRounds({ store, config, signal, report }: RoundsOptions): () => Promise<void> {
  const { minimumGain, hibernateDays, effectAlpha: alpha } = config;
  let [seen, lookAgainAt] = ["", 0];
  /** Only when runs or verdicts came. Reading all evidence takes its time in a large store; it may take 2 % of the time there is. */
  const lookForHarm = async ({ traces }: StoreStatus): Promise<void> => {
    const now = JSON.stringify(traces);
    const began = performance.now();
    if (now === seen || began < lookAgainAt) return;
    const { reported } = await retire({ store, clock: systemClock, alpha, minimumGain, hibernateDays, signal });
    for (const { itemId, reason } of reported) report(`item ${itemId.slice(0, 8)}`, new Error(reason));
    seen = now;
    lookAgainAt = performance.now() + 50 * (performance.now() - began);
  };
  return async () => {
    const status = await store.status();
    await lookForHarm(status);
    if (status.unanalyzed === 0) return;
    // A start does not wait for what is first needed seconds later.
    const [{ learn }, { recoveryAnalyzer }] = await Promise.all([import("../learner/cycle.ts"), import("../lesson/recovery-analyzer.ts")]);
    await learn({
      store,
      clock: systemClock,
      analyzers: [recoveryAnalyzer()],
      activation: "approval",
      lessonScope: config.lessonScope,
      ...gateSettings(config),
      retires: false,
      signal,
      drain: false,
    });
  };
}

const FORGET_MS = 600_000;
const MOST_UNLOOKED_MS = 60_000;

/**
 * Trials on live runs. Looking needs no lease, and must not wait for one: a cycle with the agent may take hours, and harm is stopped before. With the setting off
 * it only ends what an earlier setting left behind, once.
 */
function createOnlineRounds({ store, config, signal, report }: RoundsOptions): () => Promise<void> {
  const setting = onlineSetting(config);
  const known = new Map<string, string>();
  let [seen, forgotAtMs, lookAgainAtMs, isDone] = ["", performance.now(), 0, false];
  return async () => {
    if (isDone || signal.aborted) return;
    const { traces, knowledge } = await store.status();
    const now = JSON.stringify([traces, knowledge]);
    if (setting !== undefined && (knowledge["candidate"] ?? 0) === 0) return;
    const { beginTrials, lookAtTrials } = await import("../learner/online.ts");
    const { createOnlineSafetyCheck } = await import("../learner/safety-check.ts");
    const { activation, alpha, minimumGain, passScore } = config;
    const options = {
      ...{ store, clock: systemClock, activation, alpha, minimumGain, signal, known, brief: true },
      ...(setting === undefined ? { endsAll: true } : { setting }),
      testSet: createOnlineSafetyCheck({ store, passScore }),
    };
    // Outcomes come of age, a trial ends, and models change by the time that passes too.
    if (now === seen && performance.now() < lookAgainAtMs) return;
    for (const { item, validation } of await lookAtTrials(options)) {
      const why = validation?.online?.why;
      if (why === "harms" || why === "mismatch") report(`item ${item.id.slice(0, 8)}`, new Error(validation?.reason));
    }
    [seen, lookAgainAtMs, isDone] = [now, performance.now() + MOST_UNLOOKED_MS, setting === undefined];
    if (performance.now() - forgotAtMs > FORGET_MS) {
      known.clear();
      forgotAtMs = performance.now();
    }
    if (isDone || signal.aborted) return;
    try {
      await underLearnLease({ store, who: "agentlearn up", waitMs: 0, signal }, () => beginTrials(options));
    } catch (caught) {
      // Who learns now begins them itself.
      if (!isLearnError(caught) || caught.code !== "conflict") throw caught;
    }
  };
}
