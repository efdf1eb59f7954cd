import { isLearnError, LearnError } from "../base/error.ts";
import { isBadOutput } from "../llm/client.ts";
import type { Trace } from "../trace/trace.ts";
import { isFeedbackSource, type Outcome } from "./outcome.ts";
import type { OutcomeSignal } from "./ports.ts";
import { isScore, statusOfScore } from "./score.ts";

/** What a function of the user says of a run: true or false, a score in [0, 1], more than that, or nothing. */
export type CustomVerdict =
  | boolean
  | number
  | (Pick<Outcome, "score"> & Partial<Pick<Outcome, "reasoning" | "evidence" | "review">>)
  | undefined;

export interface CustomSignalOptions {
  /** Told of what the function threw, and of scores that are none; it abstains then. Not of a model that can't be asked: that rejects, and the run is judged later. */
  readonly onError?: (name: string, caught: unknown) => void;
}

/**
 * A function as a signal; its outcome is `signal:<name>`, whatever it returns, so that it can't speak for people or for other tools. Sync or async.
 * Throws "invalid" when the name is not a plain one.
 */
export function customSignal(
  name: string,
  judge: (trace: Trace, signal?: AbortSignal) => CustomVerdict | Promise<CustomVerdict>,
  options: CustomSignalOptions = {},
): OutcomeSignal {
  if (!isFeedbackSource(name)) {
    throw new LearnError("invalid", "the name of a signal is not a plain name", {
      hint: "use 1 to 64 letters, digits, '.', '_', '@' or '-'",
    });
  }
  return {
    name,
    async judge(trace, signal) {
      try {
        const said = await judge(trace, signal);
        if (said === undefined) return undefined;
        const verdict = typeof said === "object" ? said : { score: Number(said) };
        if (!isScore(verdict.score)) throw new RangeError(`score ${String(verdict.score)} is not in [0, 1]`);
        const { score, reasoning, evidence, review } = verdict;
        return {
          traceId: trace.id,
          source: `signal:${name}`,
          status: statusOfScore(score),
          score,
          reasoning: reasoning ?? (typeof said === "boolean" ? `${name} says ${said ? "yes" : "no"}` : `${name} scored ${score}`),
          evidence: evidence ?? [trace.rootSpanId],
          ...(review === true ? { review } : {}),
          createdAtUs: trace.endTimeUs,
        };
      } catch (caught) {
        if (isLearnError(caught) && !isBadOutput(caught)) throw caught;
        options.onError?.(name, caught);
        return undefined;
      }
    },
  };
}
