import type { Evaluation } from "../span/span.ts";
import type { Trace } from "../trace/trace.ts";
import type { Outcome } from "./outcome.ts";
import type { OutcomeSignal } from "./ports.ts";
import { FAILURE_SCORE, isScore, SUCCESS_SCORE, statusOfScore } from "./score.ts";

/**
 * Outcomes `evaluation:<name>` from the judgements of other tools (`gen_ai.evaluation.result`) on the run's spans.
 * A score in [0, 1] counts as it is; without one a label that is a known word does; anything else abstains, since no range is promised.
 * Where score and label contradict (toxicity 0.02, "pass") the label counts: a score has no known direction.
 * Several results of one name: the lowest counts, a run is as good as its worst span.
 */
export function evaluationSignal(): OutcomeSignal {
  return { name: "evaluation", judge: outcomesOf };
}

function outcomesOf(trace: Trace): readonly Outcome[] {
  const worst = new Map<string, Outcome>();
  for (const evaluation of trace.evaluations) {
    const score = scoreOf(evaluation);
    if (score === undefined || evaluation.name === "") continue;
    const source = `evaluation:${evaluation.name}`;
    const before = worst.get(source);
    if (before !== undefined && before.score <= score) continue;
    worst.set(source, {
      traceId: trace.id,
      source,
      status: statusOfScore(score),
      score,
      reasoning: evaluation.explanation ?? evaluation.label ?? `scored ${score}`,
      evidence: [JSON.stringify(evaluation)],
      createdAtUs: trace.endTimeUs,
    });
  }
  return [...worst.values()];
}

function scoreOf({ score, label }: Evaluation): number | undefined {
  const said =
    label === undefined
      ? undefined
      : LABEL_SCORES.get(
          label
            .trim()
            .toLowerCase()
            .replace(/[\s-]+/g, "_"),
        );
  if (!isScore(score)) return said;
  if (said === undefined) return score;
  const contradict = (said === 1 && score <= FAILURE_SCORE) || (said === 0 && score >= SUCCESS_SCORE);
  return contradict ? said : score;
}

const LABEL_SCORES: ReadonlyMap<string, number> = new Map([
  ...["pass", "passed", "correct", "relevant", "success", "successful", "good", "true", "yes", "grounded", "factual"].map(
    (word) => [word, 1] as const,
  ),
  ...["partial", "partially_correct", "partially_relevant", "mixed"].map((word) => [word, 0.5] as const),
  ...[
    "fail",
    "failed",
    "failure",
    "incorrect",
    "irrelevant",
    "not_relevant",
    "unrelated",
    "bad",
    "false",
    "no",
    "wrong",
    "hallucinated",
    "error",
  ].map((word) => [word, 0] as const),
]);
