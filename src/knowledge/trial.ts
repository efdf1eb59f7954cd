import { LearnError } from "../base/error.ts";
import { uniformOf } from "../base/id.ts";
import { mapLimited } from "../base/map-limited.ts";
import type { GateSettings, GateState } from "./gate-state.ts";
import type { ValidationPair } from "./knowledge-item.ts";
import type { AgentRunner, BaselineCache, SideResult, ValidationCase, ValidationProgress } from "./ports.ts";
import { HARM_STOP, shouldStop } from "./reach.ts";
import { isConfirmedRegression, needsConfirming } from "./regression.ts";
import { runCase } from "./run-case.ts";

export interface TrialOptions extends GateSettings {
  readonly cases: readonly ValidationCase[];
  readonly runner: AgentRunner;
  /** The text without the candidate, and the text with it. */
  readonly context: string;
  readonly prompt: string;
  readonly seed: string;
  readonly concurrency: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ValidationProgress) => void;
}

/** The runs of one test, round by round. */
export interface Trial {
  /** Fills the cache where it has no result. */
  runBaseline(): Promise<void>;
  /** Every case with the item, against the baseline; lost ones again. Ends early when nothing that is still to come could help. */
  runFirstRound(): Promise<void>;
  /** Every case afresh on both sides. */
  runRound(): Promise<void>;
  state(): GateState;
  /** Throws "unavailable" when no run at all came to an end. */
  assertRan(): void;
  /** What a reader of the result should know beside the figures; "" mostly. */
  remark(): string;
  agentRuns(): number;
}

/** Holds what was run; decides nothing. */
export function createTrial(options: TrialOptions, cache: BaselineCache): Trial {
  const { cases, context, prompt, signal, passScore, alpha, position, passedBefore, minimumGain, maxRounds, confirmReplicates } = options;
  const settings: GateSettings = { alpha, position, passedBefore, minimumGain, passScore, maxRounds, confirmReplicates };
  const baselines: SideResult[] = [];
  const pairs: ValidationPair[] = [];
  let [agentRuns, pairsRun, failedPairs, harmed, answersDiffer] = [0, 0, 0, 0, false];
  const passed = (result: SideResult): boolean => result.score >= passScore;
  const baselineOf = (index: number): SideResult => baselines[index] as SideResult;

  async function side(one: ValidationCase, knowledge: string): Promise<SideResult> {
    agentRuns += 1;
    return runCase(options.runner, one, knowledge, signal);
  }

  /** A win over a baseline that never ran would be a win over the network. Asking again can only turn a win into a tie. */
  async function again(one: ValidationCase, baseline: SideResult, candidate: SideResult): Promise<SideResult> {
    return baseline.error !== undefined && passed(candidate) ? side(one, context) : baseline;
  }

  let known: GateState | undefined;
  function state(): GateState {
    // `pairs` is the same list throughout; the rest changes with the baseline only.
    known ??= {
      ...settings,
      cases: cases.length,
      baselinePassed: baselines.filter(passed).length,
      gainCeiling: cases.length === 0 ? 0 : baselines.reduce((sum, { score }) => sum + 1 - score, 0) / cases.length,
      pairs,
    };
    return known;
  }

  function note(baseline: SideResult, candidate: SideResult): void {
    answersDiffer ||= baseline.output !== candidate.output;
    if ((candidate.error ?? baseline.error) !== undefined) failedPairs += 1;
    pairsRun += 1;
  }

  async function firstPair(index: number): Promise<void> {
    const one = cases[index] as ValidationCase;
    const candidate = await side(one, prompt);
    const baseline = await again(one, baselineOf(index), candidate);
    if (baseline !== baselineOf(index)) {
      baselines[index] = baseline;
      cache.byCaseId.set(one.id, baseline);
      known = undefined;
    }
    note(baseline, candidate);
    let pair = pairOf(one, baseline, candidate, passed(baseline) && !passed(candidate));
    const replicateScores: (readonly [number, number])[] = [];
    while (needsConfirming(pair, state())) {
      replicateScores.push([(await side(one, context)).score, (await side(one, prompt)).score]);
      pair = { ...pair, replicates: replicateScores.length, replicateScores: [...replicateScores] };
    }
    const confirmedRegression = isConfirmedRegression(pair, state());
    if (confirmedRegression) harmed += 1;
    pairs.push(confirmedRegression ? { ...pair, confirmedRegression } : pair);
  }

  async function laterPair(at: number, round: number): Promise<void> {
    const pair = pairs[at] as ValidationPair;
    const one = byId.get(pair.caseId) as ValidationCase;
    const baselineFirst = uniformOf(`${options.seed}:${round}:${one.id}`) < 0.5;
    const early = baselineFirst ? await side(one, context) : undefined;
    const candidate = await side(one, prompt);
    const baseline = await again(one, early ?? (await side(one, context)), candidate);
    note(baseline, candidate);
    const { error: baselineError } = baseline;
    const { error: candidateError } = candidate;
    pairs[at] = {
      ...(baselineError === undefined ? {} : { baselineError }),
      ...(candidateError === undefined ? {} : { candidateError }),
      ...pair,
      laterScores: [...(pair.laterScores ?? []), [baseline.score, candidate.score]],
    };
  }

  const byId = new Map(cases.map((one) => [one.id, one]));
  return {
    state,
    agentRuns: () => agentRuns,
    async runBaseline() {
      let done = 0;
      const work = async (one: ValidationCase): Promise<SideResult> => {
        const result = cache.byCaseId.get(one.id) ?? (await side(one, context));
        cache.byCaseId.set(one.id, result);
        done += 1;
        options.onProgress?.({ phase: "baseline", done, total: cases.length });
        return result;
      };
      baselines.push(...(await mapLimited(cases, options.concurrency, work, signal)));
    },
    async runFirstRound() {
      const indexes = [...cases.keys()];
      const order = alternate(
        indexes.filter((index) => !passed(baselineOf(index))),
        indexes.filter((index) => passed(baselineOf(index))),
      );
      // Twenty looks a round: one after every case costs more time than the cases it saves. What was under way then may change the outlook, hence the loop.
      const step = Math.ceil(cases.length / 20);
      const ran = new Set<number>();
      while (pairs.length < cases.length && !shouldStop(state())) {
        let stopped = false;
        const work = async (index: number): Promise<void> => {
          stopped ||= harmed >= HARM_STOP || (pairs.length % step === 0 && shouldStop(state()));
          if (stopped) return;
          ran.add(index);
          await firstPair(index);
          options.onProgress?.({ phase: "candidate", done: pairs.length, total: cases.length });
        };
        const left = order.filter((index) => !ran.has(index));
        await mapLimited(left, options.concurrency, work, signal);
      }
    },
    async runRound() {
      const round = 2 + (pairs[0]?.laterScores ?? []).length;
      let done = 0;
      const work = async (at: number): Promise<void> => {
        await laterPair(at, round);
        done += 1;
        options.onProgress?.({ phase: "candidate", done, total: cases.length, round });
      };
      await mapLimited([...pairs.keys()], options.concurrency, work, signal);
    },
    assertRan() {
      const error = cases.length > 0 && baselines.every((result) => result.error !== undefined) ? baselineOf(0).error : undefined;
      if (error === undefined || pairs.some((pair) => pair.candidateError === undefined)) return;
      throw new LearnError("unavailable", `every run of the agent ended in an error, so nothing was tested: ${error}`, {
        hint: "make the agent runner work, then learn again",
      });
    },
    remark() {
      const failed =
        failedPairs === 0 ? "" : `; in ${failedPairs} ${failedPairs === 1 ? "case" : "cases"} a run ended in an error and scored 0`;
      const unused =
        answersDiffer || pairsRun === 0
          ? ""
          : "; every answer was the same with and without it: does the runner use its knowledge argument?";
      return `${failed}${unused}`;
    },
  };
}

/** One from each in turn, then what is left of the longer. */
function alternate<Value>(a: readonly Value[], b: readonly Value[]): readonly Value[] {
  return Array.from({ length: Math.max(a.length, b.length) }).flatMap((_, index) => [
    ...a.slice(index, index + 1),
    ...b.slice(index, index + 1),
  ]);
}

function pairOf(one: ValidationCase, baseline: SideResult, candidate: SideResult, lost: boolean): ValidationPair {
  return {
    caseId: one.id,
    task: one.task,
    baselineScore: baseline.score,
    candidateScore: candidate.score,
    replicates: 0,
    confirmedRegression: false,
    ...(one.mustPass ? { mustPass: true as const } : {}),
    ...(baseline.error === undefined ? {} : { baselineError: baseline.error }),
    ...(candidate.error === undefined ? {} : { candidateError: candidate.error }),
    ...(lost ? { baselineOutput: baseline.output, candidateOutput: candidate.output } : {}),
  };
}
