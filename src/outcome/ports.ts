import type { Trace } from "../trace/trace.ts";
import type { Feedback, Outcome } from "./outcome.ts";

/** What a signal says: one outcome, several from different sources, or nothing. */
export type SignalAnswer = Outcome | readonly Outcome[] | undefined;

/** One way to judge a trace. Pure with respect to the trace; returns undefined or nothing when it has nothing to say. */
export interface OutcomeSignal {
  readonly name: string;
  judge(trace: Trace, signal?: AbortSignal): Promise<SignalAnswer> | SignalAnswer;
}

/** What a check says: true / false, a score in [0, 1], either of them with the reason, or nothing. */
export type CheckAnswer = boolean | number | { readonly score: boolean | number; readonly reason: string } | undefined;

/** A check that the user supplies; undefined abstains. */
export interface TraceCheck {
  readonly name: string;
  check(trace: Trace): CheckAnswer;
}

export interface OutcomeStore {
  /** Upserts by (traceId, source). Durable on return. */
  saveOutcomes(outcomes: readonly Outcome[]): Promise<void>;
  /** All outcomes of one trace. Empty means never judged. */
  outcomesOf(traceId: string): Promise<readonly Outcome[]>;
  /** Kept by W3C trace id and joined when the trace exists, so it may come before the spans. Durable on return. */
  addFeedback(feedback: Feedback): Promise<void>;
}
