import { systemClock } from "../base/clock.ts";
import { newId } from "../base/id.ts";
import { foldText } from "../base/similarity.ts";
import { compareEvalRuns, type EvalComparison } from "../evaluation/compare.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import type { EvalCase, EvalRun } from "../evaluation/evaluation.ts";
import type { Scorer } from "../evaluation/ports.ts";
import { exactScorer } from "../evaluation/scorers.ts";
import { SAFETY_TAG } from "../knowledge/guards/safety-cases.ts";
import type { ValidationCase } from "../knowledge/ports.ts";
import type { Store } from "../store/ports.ts";
import { evalCaseOf, type NewEvalCase, obstacleOf } from "./eval-cases.ts";

export interface EvaluateCallOptions {
  readonly name: string;
  readonly scorer?: Scorer;
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

/** The eval cases of a store, with the scorers that this process knows, and the runs over them. */
export interface EvalDesk {
  add(cases: NewEvalCase | readonly NewEvalCase[]): Promise<void>;
  list(): Promise<readonly EvalCase[]>;
  /** Runs the agent on every case and stores the result. Scorer precedence: the case's, the call's, comparison with expectedOutput. */
  evaluate(agent: (task: string) => Promise<string> | string, options: EvaluateCallOptions): Promise<EvalRun & { readonly runId: string }>;
  compare(a: string | EvalRun, b: string | EvalRun): Promise<EvalComparison>;
  /** What a candidate is tested on: the cases that can be scored here, and why others can't be. */
  validationCases(): Promise<{ readonly cases: readonly ValidationCase[]; readonly obstacle?: string }>;
  /** Of the case with this very task. Undefined when there is none, or nothing says what a good answer to it is. */
  scorerFor(task: string): Promise<Scorer | undefined>;
}

export interface EvalDeskOptions {
  readonly store: Store;
  /** Throws where `what` can't be done here, since the store is elsewhere. */
  readonly needStore: (what: string) => void;
  readonly passScore: number;
  readonly concurrency: number;
}

export function createEvalDesk({ store, needStore, passScore, concurrency }: EvalDeskOptions): EvalDesk {
  const scorers = new Map<string, Scorer>();

  function validationCase(entry: EvalCase): ValidationCase {
    const scorer = scorers.get(entry.id) ?? exactScorer(entry.expected ?? "");
    const safety = entry.tags.includes(SAFETY_TAG);
    return {
      id: entry.id,
      task: entry.task,
      mustPass: entry.mustPass || safety,
      ...(safety ? { safety } : {}),
      score: (output) => scorer(output, entry.task),
    };
  }

  return {
    async add(cases) {
      const list = Array.isArray(cases) ? (cases as readonly NewEvalCase[]) : [cases as NewEvalCase];
      const rows = list.map((entry) => evalCaseOf(entry));
      for (const [index, entry] of list.entries()) {
        const row = rows[index];
        if (entry.scorer !== undefined && row !== undefined) scorers.set(row.id, entry.scorer);
      }
      needStore("eval.add()");
      await store.saveEvalCases(rows);
    },

    list: () => store.listEvalCases(),

    async evaluate(agent, options) {
      needStore("evaluate()");
      const run = await evaluate({
        agent,
        cases: await store.listEvalCases(),
        scorerOf: (entry) => scorers.get(entry.id),
        ...(options.scorer === undefined ? {} : { scorer: options.scorer }),
        name: options.name,
        passScore,
        concurrency: options.concurrency ?? concurrency,
        nowUs: systemClock.nowUs(),
        id: newId(),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      await store.saveEvalRun(run);
      return { ...run, runId: run.id };
    },

    async compare(a, b) {
      needStore("compareEvalRuns()");
      const load = (run: string | EvalRun) => (typeof run === "string" ? store.getEvalRun(run) : run);
      return compareEvalRuns(await load(a), await load(b));
    },

    async validationCases() {
      const entries = await store.listEvalCases();
      const scorable = entries.filter((entry) => scorers.has(entry.id) || entry.expected !== undefined);
      const obstacle = obstacleOf(entries, scorable);
      return { cases: scorable.map(validationCase), ...(obstacle === undefined ? {} : { obstacle }) };
    },

    async scorerFor(task) {
      const entry = (await store.listEvalCases()).find((known) => foldText(known.task) === foldText(task));
      if (entry === undefined) return undefined;
      return scorers.get(entry.id) ?? (entry.expected === undefined ? undefined : exactScorer(entry.expected));
    },
  };
}
