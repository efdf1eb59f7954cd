import { systemClock } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { digest } from "../base/id.ts";
import type { EvalCase } from "../evaluation/evaluation.ts";
import type { Scorer } from "../evaluation/ports.ts";
import { SAFETY_TAG } from "../knowledge/guards/safety-cases.ts";

/** A new eval case. */
export interface NewEvalCase {
  readonly taskInput: string;
  readonly expectedOutput?: string;
  /** What the judge looks for in an answer to this task, in words. */
  readonly judgePrompt?: string;
  /** Kept in this process only: a function can't be stored. */
  readonly scorer?: Scorer;
  /** `safety`: asked of every set before it is promoted, and no loss on it is allowed. `tenant:NAME`: no item of another tenant is tested on it. */
  readonly tags?: readonly string[];
  readonly mustPass?: boolean;
  /** Default: derived from the task, so that adding a case twice replaces it. */
  readonly id?: string;
}

/**
 * A scorer is a function and stays in the process that added it. A case without scorer and expected answer can't be judged here: it is left out, not
 * compared with "", which an agent would pass by saying nothing. A must-pass case may not be left out: without it nothing is proven.
 */
export function obstacleOf(all: readonly EvalCase[], scorable: readonly EvalCase[]): string | undefined {
  const blind = all.filter((entry) => !scorable.includes(entry));
  const binding = blind.filter((entry) => entry.mustPass).length;
  const why =
    "no expected answer, and their scorers are functions of the process that added them (learn.eval.add there, or here before learn())";
  if (binding > 0) return `${binding} must-pass eval ${binding === 1 ? "case has" : "cases have"} ${why}`;
  return scorable.length === 0 && blind.length > 0 ? `all ${blind.length} eval cases have ${why}` : undefined;
}

/** The same task gives the same id, so adding a case twice replaces it. */
export function evalCaseOf(entry: NewEvalCase): EvalCase {
  if (typeof entry.taskInput !== "string" || entry.taskInput.trim() === "") {
    throw new LearnError("invalid", "an eval case has no taskInput", {
      hint: 'write { taskInput: "the task", expectedOutput: "the answer" }',
    });
  }
  return {
    id: entry.id ?? digest(["eval case", entry.taskInput]),
    task: entry.taskInput,
    ...(entry.expectedOutput === undefined ? {} : { expected: entry.expectedOutput }),
    ...(entry.judgePrompt === undefined ? {} : { judgePrompt: entry.judgePrompt }),
    tags: entry.tags ?? [],
    mustPass: entry.mustPass ?? entry.tags?.includes(SAFETY_TAG) ?? false,
    createdAtUs: systemClock.nowUs(),
  };
}
