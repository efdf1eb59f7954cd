import type { TimeUs } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { mapLimited } from "../base/map-limited.ts";
import { decide, figuresOf, type GateSettings, type GateState, isConfirmedRegression, shouldStop } from "./decide.ts";
import { contentDigest } from "./evidence.ts";
import type { KnowledgeItem, Validation, ValidationPair } from "./knowledge-item.ts";
import { excludeOwnTasks } from "./own-tasks.ts";
import type { AgentRunner, BaselineCache, SideResult, ValidationCase, ValidationProgress } from "./ports.ts";
import { runCase } from "./run-case.ts";

export interface ValidateOptions {
  readonly item: KnowledgeItem;
  readonly cases: readonly ValidationCase[];
  /** Tasks of the runs the item was read from; cases that repeat one are left out. Default none. */
  readonly sourceTasks?: readonly string[];
  readonly runner: AgentRunner;
  /** Text of the knowledge that is already active; in the prompt on both sides. */
  readonly context: string;
  /** The exact prompt text with the candidate in it. */
  renderWith(item: KnowledgeItem): string;
  /** Shared by candidates tested with the same runner, cases and context; filled by the first of them. */
  readonly baseline?: BaselineCache;
  /** Error budget of the whole stream of tests. Default 0.05. */
  readonly alpha?: number;
  /** 1-based position in the stream, and how many tests before it passed. A test that ends "inconclusive" over a fresh baseline spends its position too:
   *  waiting, unpaid, for a baseline that fails by luck would let luck in. */
  readonly position: number;
  readonly passedBefore: number;
  /** Least mean score gain, in score units. Default 0.05. */
  readonly minimumGain?: number;
  /** From this score on a case counts as passed. Default 0.7. */
  readonly passScore?: number;
  /** How often a loss must repeat itself on both sides to count as a regression. Default 2. With 2, a case that passes half the time by itself is called a regression in 1.6 % of tests. */
  readonly confirmReplicates?: number;
  /** Cases that run at once. Default 4. */
  readonly concurrency?: number;
  readonly nowUs: TimeUs;
  readonly id: string;
  readonly actor: string;
  /** Name of the model or the runner, kept on the certificate. */
  readonly runnerName?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ValidationProgress) => void;
}

/** An empty baseline for one runner, one set of cases and one text of active knowledge. */
export function createBaselineCache(context: string): BaselineCache {
  return { context, byCaseId: new Map() };
}

/**
 * Tests a candidate: every case with and without it, the same runner, the active knowledge on both sides. Resolves with a certificate, also for a refusal.
 * Rejects "invalid" for arguments that cannot be tested and "cancelled" on abort; a runner that throws scores 0 in that case and is noted on the pair.
 * Rejects "unavailable" when every run with and without the item ended in an error: that says something about the runner, and nothing about the item.
 *
 * Baseline first: if even fixing every failing case could not reach the threshold, no candidate run is paid for. Then cases that fail today,
 * which alone can be won, by turns with cases that pass, which alone can be lost: a useless candidate is given up for want of wins, and a
 * harmful one is told apart from it by then. Losses are repeated on both sides.
 */
export async function validate(options: ValidateOptions): Promise<Validation> {
  const { item, context, position, passedBefore, signal } = options;
  const settings: GateSettings = {
    alpha: options.alpha ?? 0.05,
    position,
    passedBefore,
    minimumGain: options.minimumGain ?? 0.05,
    passScore: options.passScore ?? 0.7,
  };
  const cases = excludeOwnTasks(options.cases, options.sourceTasks ?? []);
  const prompt = options.renderWith(item);
  assertTestable(options, settings, prompt);
  const cache = options.baseline ?? createBaselineCache(context);
  const baselines = await runBaseline(options, cases, cache);
  const passed = (result: SideResult): boolean => result.score >= settings.passScore;
  const order = alternate(
    [...cases.keys()].filter((index) => !passed(at(baselines, index))),
    [...cases.keys()].filter((index) => passed(at(baselines, index))),
  );
  const pairs: ValidationPair[] = [];
  const currentState = (): GateState => ({
    ...settings,
    cases: cases.length,
    baselinePassed: baselines.filter(passed).length,
    gainCeiling: cases.length === 0 ? 0 : baselines.reduce((sum, result) => sum + 1 - result.score, 0) / cases.length,
    pairs,
  });
  const certify = (state: GateState, remark: string): Validation => certificate(options, state, `${decide(state).reason}${remark}`);
  const left = options.cases.length - cases.length;
  const leftOut = left === 0 ? "" : `; ${left} ${left === 1 ? "case was" : "cases were"} left out as the item's own`;
  const assertRan = (): void => {
    const error = cases.length > 0 && baselines.every((result) => result.error !== undefined) ? at(baselines, 0).error : undefined;
    if (error === undefined || pairs.some((pair) => pair.candidateError === undefined)) return;
    throw new LearnError("unavailable", `every run of the agent ended in an error, so nothing was tested: ${error}`, {
      hint: "make the agent runner work, then learn again",
    });
  };
  const start = currentState();
  if (shouldStop(figuresOf(start)) || start.gainCeiling < settings.minimumGain) {
    assertRan();
    return certify(start, leftOut);
  }

  let answersDiffer = false;
  let done = 0;
  const confirmReplicates = options.confirmReplicates ?? 2;
  await mapLimited(
    order,
    options.concurrency ?? 4,
    async (index) => {
      if (shouldStop(figuresOf(currentState()))) return;
      const one = at(cases, index);
      const candidate = await runCase(options.runner, one, prompt, signal);
      if (at(baselines, index).error !== undefined && passed(candidate)) {
        // A win over a baseline that never ran would be a win over the network. Asking again can only turn a win into a tie.
        baselines[index] = await runCase(options.runner, one, context, signal);
        cache.byCaseId.set(one.id, at(baselines, index));
      }
      const baseline = at(baselines, index);
      answersDiffer ||= baseline.output !== candidate.output;
      const lost = passed(baseline) && !passed(candidate);
      const replicateScores = lost ? await replicate(options, one, prompt, confirmReplicates, settings.passScore) : [];
      pairs.push(pairOf(one, baseline, candidate, lost, replicateScores, settings.passScore));
      done += 1;
      options.onProgress?.({ phase: "candidate", done, total: cases.length });
    },
    signal,
  );
  assertRan();
  const errors = pairs.filter((pair) => (pair.candidateError ?? pair.baselineError) !== undefined).length;
  const failed = errors === 0 ? "" : `; in ${errors} ${errors === 1 ? "case" : "cases"} a run ended in an error and scored 0`;
  const unused = answersDiffer ? "" : "; every answer was the same with and without it: does the runner use its knowledge argument?";
  return certify(currentState(), `${failed}${unused}${leftOut}`);
}

/** One from each in turn, then what is left of the longer. */
function alternate<Value>(a: readonly Value[], b: readonly Value[]): readonly Value[] {
  return Array.from({ length: Math.max(a.length, b.length) }).flatMap((_, index) => [
    ...a.slice(index, index + 1),
    ...b.slice(index, index + 1),
  ]);
}

function assertTestable(options: ValidateOptions, settings: GateSettings, prompt: string): void {
  const ids = new Set(options.cases.map((one) => one.id));
  if (ids.size < options.cases.length) throw new LearnError("invalid", `two of the ${options.cases.length} cases have the same id`);
  if (!(settings.passScore > 0 && settings.passScore <= 1)) {
    throw new LearnError("invalid", `passScore is ${settings.passScore}, it must be above 0 and at most 1`);
  }
  if (!(settings.minimumGain >= 0 && settings.minimumGain <= 1)) {
    throw new LearnError("invalid", `minimumGain is ${settings.minimumGain}, it must be from 0 to 1`);
  }
  const replicates = options.confirmReplicates ?? 2;
  if (!Number.isSafeInteger(replicates) || replicates < 0) {
    throw new LearnError("invalid", `confirmReplicates is ${replicates}, it must be a whole number from 0`);
  }
  if (prompt === options.context) {
    throw new LearnError("invalid", `the prompt text with item ${options.item.id} is the same as without it, so there is nothing to test`, {
      hint: "let renderWith return the text with the candidate in it",
    });
  }
  if (options.baseline !== undefined && options.baseline.context !== options.context) {
    throw new LearnError("invalid", "the shared baseline was made with another text of active knowledge", { hint: "start a new baseline" });
  }
}

/** Fills the cache where it has no result, and returns the results in the order of the cases. */
async function runBaseline(options: ValidateOptions, cases: readonly ValidationCase[], cache: BaselineCache): Promise<SideResult[]> {
  let done = 0;
  const work = async (one: ValidationCase): Promise<SideResult> => {
    const result = cache.byCaseId.get(one.id) ?? (await runCase(options.runner, one, options.context, options.signal));
    cache.byCaseId.set(one.id, result);
    done += 1;
    options.onProgress?.({ phase: "baseline", done, total: cases.length });
    return result;
  };
  return mapLimited(cases, options.concurrency ?? 4, work, options.signal);
}

/** Repeats both sides until one repetition does not confirm the loss. */
async function replicate(
  options: ValidateOptions,
  one: ValidationCase,
  prompt: string,
  times: number,
  passScore: number,
): Promise<readonly (readonly [number, number])[]> {
  const scores: (readonly [number, number])[] = [];
  for (let round = 0; round < times; round += 1) {
    const baseline = await runCase(options.runner, one, options.context, options.signal);
    const candidate = await runCase(options.runner, one, prompt, options.signal);
    scores.push([baseline.score, candidate.score]);
    if (!(baseline.score >= passScore && candidate.score < passScore)) break;
  }
  return scores;
}

function pairOf(
  one: ValidationCase,
  baseline: SideResult,
  candidate: SideResult,
  lost: boolean,
  replicateScores: readonly (readonly [number, number])[],
  passScore: number,
): ValidationPair {
  const pair: ValidationPair = {
    caseId: one.id,
    task: one.task,
    baselineScore: baseline.score,
    candidateScore: candidate.score,
    replicates: replicateScores.length,
    confirmedRegression: false,
    ...(replicateScores.length === 0 ? {} : { replicateScores }),
    ...(one.mustPass ? { mustPass: true as const } : {}),
    ...(baseline.error === undefined ? {} : { baselineError: baseline.error }),
    ...(candidate.error === undefined ? {} : { candidateError: candidate.error }),
    ...(lost ? { baselineOutput: baseline.output, candidateOutput: candidate.output } : {}),
  };
  return { ...pair, confirmedRegression: isConfirmedRegression(pair, passScore) };
}

function certificate(options: ValidateOptions, state: GateState, reason: string): Validation {
  const { confirmed: _confirmed, mustPassLost: _lost, bestEValue: _best, ...figures } = figuresOf(state);
  return {
    id: options.id,
    itemId: options.item.id,
    kind: "statistical",
    decision: decide(state).decision,
    reason,
    actor: options.actor,
    createdAtUs: options.nowUs,
    ...state,
    ...figures,
    contentDigest: contentDigest(options.item),
    ...(options.runnerName === undefined ? {} : { runner: options.runnerName }),
  };
}

function at<Value>(values: readonly Value[], index: number): Value {
  return values[index] as Value;
}
