import type { TimeUs } from "../base/clock.ts";
import { LearnError, messageOf } from "../base/error.ts";
import { mapLimited } from "../base/map-limited.ts";
import type { EvalCase, EvalResult, EvalRun } from "./evaluation.ts";
import type { Scorer } from "./ports.ts";
import { exactScorer } from "./scorers.ts";

export interface EvaluateOptions {
  readonly agent: (task: string) => Promise<string> | string;
  readonly cases: readonly EvalCase[];
  /** For every case without its own. Default: exactScorer on the expected answer of the case. */
  readonly scorer?: Scorer;
  /** A case's own scorer, which comes before `scorer`. */
  readonly scorerOf?: (one: EvalCase) => Scorer | undefined;
  readonly name: string;
  /** From this score on a case counts as passed. Default 0.7. */
  readonly passScore?: number;
  /** Cases that run at once. Default 4. */
  readonly concurrency?: number;
  readonly nowUs: TimeUs;
  readonly id: string;
  readonly signal?: AbortSignal;
  /** After every case; `done` counts up to the number of cases. */
  readonly onProgress?: (result: EvalResult, done: number) => void;
}

/**
 * Runs the agent on every case and scores what it answers; results keep the order of the cases. A case whose agent or scorer
 * throws, or scores outside 0 to 1, scores 0, does not pass, and carries the error. Rejects "cancelled" on abort and "invalid" without cases.
 */
export async function evaluate(options: EvaluateOptions): Promise<EvalRun> {
  const { cases, name, passScore = 0.7, nowUs, id, signal } = options;
  if (cases.length === 0) {
    throw new LearnError("invalid", `evaluation ${name} has no cases`, {
      hint: "add some with learn.eval.add({ taskInput, expectedOutput })",
    });
  }
  if (!(passScore > 0 && passScore <= 1)) throw new LearnError("invalid", `passScore is ${passScore}, it must be above 0 and at most 1`);
  let done = 0;
  const work = async (one: EvalCase): Promise<EvalResult> => {
    const result = await evaluateCase(options, one, passScore);
    done += 1;
    options.onProgress?.(result, done);
    return result;
  };
  const results = await mapLimited(cases, options.concurrency ?? 4, work, signal);
  const passed = results.filter((result) => result.passed).length;
  return {
    id,
    name,
    createdAtUs: nowUs,
    passScore,
    results,
    accuracy: passed / results.length,
    avgScore: results.reduce((sum, result) => sum + result.score, 0) / results.length,
    errored: results.filter((result) => result.error !== undefined).length,
  };
}

async function evaluateCase(options: EvaluateOptions, one: EvalCase, passScore: number): Promise<EvalResult> {
  const startMs = performance.now();
  const result = (output: string, score: number, error?: string): EvalResult => ({
    caseId: one.id,
    task: one.task,
    output,
    score,
    passed: error === undefined && score >= passScore,
    durationMs: performance.now() - startMs,
    ...(error === undefined ? {} : { error }),
  });
  const scorer = options.scorerOf?.(one) ?? options.scorer ?? (one.expected === undefined ? undefined : exactScorer(one.expected));
  // Before the agent runs: its answer could not be judged, and its tokens would be wasted.
  if (scorer === undefined) return result("", 0, "the case has no expected answer, and no scorer was given");
  let output: unknown;
  try {
    output = await options.agent(one.task);
  } catch (caught) {
    return result("", 0, `the agent failed: ${messageOf(caught)}`);
  }
  if (typeof output !== "string") return result("", 0, `the agent returned ${output === null ? "null" : typeof output}, not text`);
  try {
    const score: unknown = await scorer(output, one.task);
    if (typeof score === "number" && score >= 0 && score <= 1) return result(output, score);
    return result(output, 0, `the scorer returned ${String(score)}, not a number from 0 to 1`);
  } catch (caught) {
    return result(output, 0, `the scorer failed: ${messageOf(caught)}`);
  }
}
