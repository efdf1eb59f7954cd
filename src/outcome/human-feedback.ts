import { isFeedback, type Outcome } from "./outcome.ts";
import type { OutcomeSignal } from "./ports.ts";

export interface HumanFeedbackOptions {
  /** What is stored about a run: `outcomesOf` of the tools of a cycle, or of a store. */
  readonly outcomesOf: (traceId: string) => Promise<readonly Outcome[]>;
  /** Whose word is heard, by the names feedback was given under ("user" where none was). Default everybody's. */
  readonly sources?: readonly string[];
}

/**
 * What people said of a run, as a signal: alone, or in a composite beside checks and models. As a hard part of one, a person's no spares the call of the model.
 * Of several words the newest counts, as people change their minds; says nothing where nobody has spoken. It is the stored outcome `feedback:<source>` that it
 * gives, with the time it was said at, so nothing is told twice; what stands for the run follows from `verdict`, where people go before all others.
 */
export function humanFeedback({ outcomesOf, sources }: HumanFeedbackOptions): OutcomeSignal {
  const heard = sources === undefined ? undefined : new Set(sources.map((source) => `feedback:${source}`));
  return {
    name: "human",
    async judge(trace) {
      const said = (await outcomesOf(trace.id)).filter((outcome) => isFeedback(outcome) && (heard?.has(outcome.source) ?? true));
      return said.toSorted((a, b) => b.createdAtUs - a.createdAtUs || (a.source < b.source ? -1 : 1))[0];
    },
  };
}
