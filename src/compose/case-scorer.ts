import { LearnError } from "../base/error.ts";
import type { EvalCase } from "../evaluation/evaluation.ts";
import type { Scorer } from "../evaluation/ports.ts";
import { exactScorer } from "../evaluation/scorers.ts";
import type { LlmJudge } from "../outcome/llm-judge.ts";
import { judgeCaseOf } from "./outcomes.ts";

/**
 * How answers to a case are scored: by its own function, else by the judge where the case says in words what to look for and the judge is on, else by comparison
 * with what is expected. Undefined when nothing can.
 */
export function caseScorer(entry: EvalCase, own: Scorer | undefined, judge: LlmJudge | undefined): Scorer | undefined {
  if (own !== undefined) return own;
  if (judge !== undefined && entry.judgePrompt !== undefined) return judgeScorer(judge, entry);
  return entry.expected === undefined ? undefined : exactScorer(entry.expected);
}

/** An empty answer is none: no model is asked about it. What the model was talked into is no score. */
function judgeScorer(judge: LlmJudge, entry: EvalCase): Scorer {
  return async (output, task) => {
    if (output.trim() === "") return 0;
    const { score, review, reasoning } = await judge.assess({ task, output, ...judgeCaseOf(entry) });
    if (review) throw new LearnError("invalid", `the judge's word on this answer is not to be trusted: ${reasoning}`);
    return score;
  };
}
