import type { TimeUs } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { type Feedback, isFeedbackSource, type Outcome } from "./outcome.ts";
import { isScore, statusOfScore } from "./score.ts";

/** Turns feedback on a run into its outcome. Throws "invalid" when the score is not a number in [0, 1] or the source is not a plain name. */
export function outcomeFromFeedback(runId: string, feedback: Feedback, createdAtUs: TimeUs): Outcome {
  const { score, comment, source = "user" } = feedback;
  if (!isScore(score)) {
    throw new LearnError("invalid", `feedback score ${String(score)} on trace ${feedback.traceId} is not in [0, 1]`, {
      hint: "send a number from 0 (bad) to 1 (good)",
    });
  }
  if (!isFeedbackSource(source)) {
    throw new LearnError("invalid", `feedback source on trace ${feedback.traceId} is not a name`, {
      hint: "use 1 to 64 letters, digits, '.', '_', '@' or '-'",
    });
  }
  return {
    traceId: runId,
    source: `feedback:${source}`,
    status: statusOfScore(score),
    score,
    reasoning: comment ?? "",
    evidence: [],
    createdAtUs,
  };
}
