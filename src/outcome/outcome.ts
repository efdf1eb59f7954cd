import type { TimeUs } from "../base/clock.ts";

export type OutcomeStatus = "success" | "failure" | "partial";

/** One judgement of one trace by one source. A trace may have several; `verdict` in judge.ts says which one counts. */
export interface Outcome {
  /** Id of the trace (run), see Trace.id. */
  readonly traceId: string;
  /**
   * `deterministic`, `check:<name>`, `judge:<name>`, `composite:<name>`, `signal:<name>`, `evaluation:<name>`, `feedback:<source>`. One outcome per
   * (trace, source): later replaces earlier.
   */
  readonly source: string;
  readonly status: OutcomeStatus;
  /** In [0, 1]. */
  readonly score: number;
  readonly reasoning: string;
  /** What the judgement rests on: span ids, quoted errors. */
  readonly evidence: readonly string[];
  /** A person should look: those who judged disagree, or a model was talked to by the run. */
  readonly review?: true;
  readonly createdAtUs: TimeUs;
}

/** A person's or a program's word on a run. */
export interface Feedback {
  /** Trace id as W3C hex (32), or a run id. Both are accepted, also before the spans arrive. */
  readonly traceId: string;
  /** In [0, 1]; anything else is "invalid". */
  readonly score: number;
  readonly comment?: string;
  /** Who says so, see `isFeedbackSource`; default "user". */
  readonly source?: string;
}

/** True for what a person said, or a program on its own behalf, through `feedback`. */
export function isFeedback({ source }: Pick<Outcome, "source">): boolean {
  return source.startsWith("feedback:");
}

// The source becomes part of a key and is shown on terminals.
const SOURCE = /^[\w.@-]{1,64}$/;

/** True for a plain name: 1 to 64 letters, digits, '.', '_', '@' or '-'. */
export function isFeedbackSource(source: unknown): source is string {
  return typeof source === "string" && SOURCE.test(source);
}
