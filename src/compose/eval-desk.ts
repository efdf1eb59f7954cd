import { systemClock } from "../base/clock.ts";
import { newId } from "../base/id.ts";
import { foldText } from "../base/similarity.ts";
import type { Config } from "../config/config.ts";
import { compareEvalRuns, type EvalComparison } from "../evaluation/compare.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import type { EvalCase, EvalRun } from "../evaluation/evaluation.ts";
import { judgeRuns } from "../evaluation/judge-runs.ts";
import type { Scorer } from "../evaluation/ports.ts";
import { exactScorer } from "../evaluation/scorers.ts";
import { SAFETY_TAG } from "../knowledge/guards/safety-cases.ts";
import type { ValidationCase } from "../knowledge/ports.ts";
import { tenantOfCase } from "../knowledge/test-bed.ts";
import { withRetry } from "../llm/with-retry.ts";
import type { LlmJudge } from "../outcome/llm-judge.ts";
import { sharedFamily } from "../outcome/model-family.ts";
import type { Store } from "../store/ports.ts";
import { caseScorer } from "./case-scorer.ts";
import { evalCaseOf, type NewEvalCase, obstacleOf } from "./eval-cases.ts";
import { judgeFrom } from "./outcomes.ts";

export interface EvaluateCallOptions {
  readonly name: string;
  readonly scorer?: Scorer;
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

export interface CompareCallOptions {
  /** Has a model compare the answers too, each pair in both orders: of cases without an expected answer ("open"), or of all. Asks none by default. */
  readonly judge?: "open" | "all";
  /** Who compares. Default: the configured model, `judgeModel` where it is set; what it costs is in no budget of learning. */
  readonly by?: Pick<LlmJudge, "compare">;
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

/** The eval cases of a store, with the scorers that this process knows, and the runs over them. */
export interface EvalDesk {
  add(cases: NewEvalCase | readonly NewEvalCase[]): Promise<void>;
  list(): Promise<readonly EvalCase[]>;
  /** Runs the agent on every case and stores the result. Scorer precedence: the case's, the judge where the case has a judgePrompt, the call's, comparison with expectedOutput. */
  evaluate(agent: (task: string) => Promise<string> | string, options: EvaluateCallOptions): Promise<EvalRun & { readonly runId: string }>;
  compare(a: string | EvalRun, b: string | EvalRun, options?: CompareCallOptions): Promise<EvalComparison>;
  /** What a candidate is tested on: the cases that can be scored here, by words only with a judge, and why others can't be. */
  validationCases(judge?: LlmJudge): Promise<{ readonly cases: readonly ValidationCase[]; readonly obstacle?: string }>;
  /** Of the case with this very task. Undefined when there is none, or nothing says what a good answer to it is. */
  scorerFor(task: string): Promise<Scorer | undefined>;
}

export interface EvalDeskOptions {
  readonly store: Store;
  /** Throws where `what` can't be done here, since the store is elsewhere. */
  readonly needStore: (what: string) => void;
  readonly config: Config;
}

export function createEvalDesk({ store, needStore, config }: EvalDeskOptions): EvalDesk {
  const scorers = new Map<string, Scorer>();

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
      const cases = await store.listEvalCases();
      const judge = judgeFrom(config, store, cases);
      const run = await evaluate({
        agent,
        cases,
        scorerOf: (entry) => {
          const own = scorers.get(entry.id);
          return own ?? (judge === undefined || entry.judgePrompt === undefined ? undefined : caseScorer(entry, own, judge));
        },
        ...(options.scorer === undefined ? {} : { scorer: options.scorer }),
        name: options.name,
        passScore: config.passScore,
        concurrency: options.concurrency ?? config.concurrency,
        nowUs: systemClock.nowUs(),
        id: newId(),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      await store.saveEvalRun(run);
      return { ...run, runId: run.id };
    },

    async compare(a, b, options = {}) {
      needStore("compareEvalRuns()");
      const load = (run: string | EvalRun) => (typeof run === "string" ? store.getEvalRun(run) : run);
      const [before, after] = [await load(a), await load(b)];
      const compared = compareEvalRuns(before, after);
      const { judge: which, by, concurrency = config.concurrency, signal } = options;
      if (which === undefined) return compared;
      const cases = await store.listEvalCases();
      const judge = by ?? judgeFrom({ ...config, judge: "on" }, store, cases, withRetry);
      if (judge === undefined) return compared;
      const judged = await judgeRuns(before, after, { judge, cases, which, concurrency, ...(signal === undefined ? {} : { signal }) });
      const { agentModel, judgeModel = config.model } = config;
      const family = by === undefined && agentModel !== undefined ? sharedFamily(judgeModel, [agentModel]) : undefined;
      return { ...compared, judged: { ...judged, ...(family === undefined ? {} : { family }) } };
    },

    async validationCases(judge) {
      const entries = await store.listEvalCases();
      const scored = entries.flatMap((entry) => {
        const scorer = caseScorer(entry, scorers.get(entry.id), judge);
        return scorer === undefined ? [] : [{ entry, scorer }];
      });
      const obstacle = obstacleOf(
        entries,
        scored.map(({ entry }) => entry),
      );
      const cases = scored.map(({ entry: { id, task, mustPass, tags }, scorer }) => {
        const safety = tags.includes(SAFETY_TAG);
        const tenant = tenantOfCase(tags);
        return {
          id,
          task,
          mustPass: mustPass || safety,
          ...(safety ? { safety } : {}),
          ...(tenant === undefined ? {} : { tenant }),
          score: (output: string) => scorer(output, task),
        };
      });
      return { cases, ...(obstacle === undefined ? {} : { obstacle }) };
    },

    async scorerFor(task) {
      const entry = (await store.listEvalCases()).find((known) => foldText(known.task) === foldText(task));
      if (entry === undefined) return undefined;
      return scorers.get(entry.id) ?? (entry.expected === undefined ? undefined : exactScorer(entry.expected));
    },
  };
}
