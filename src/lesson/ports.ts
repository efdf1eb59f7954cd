import type { LearnError } from "../base/error.ts";
import type { Outcome } from "../outcome/outcome.ts";
import type { Trace } from "../trace/trace.ts";
import type { Lesson } from "./lesson.ts";

/** When an analyzer wants to see a run again: as soon as it is asked again, or only together with a run it has not seen. */
export type Until = "next" | "more";

/** A judged run, as analyzers see it. */
export interface JudgedTrace {
  readonly trace: Trace;
  /** The one outcome that counts; absent when nobody judged. */
  readonly outcome?: Outcome;
}

/** One way to mine lessons. Sees many traces at once and may use all of them as evidence for one lesson. */
export interface Analyzer {
  readonly name: string;
  /** True where it costs nothing and runs unasked on the collector's timer. What only such analyzers read is still unread for all others. */
  readonly background?: true;
  /** Empty means nothing to learn. Rejects only for faults that may pass ("unavailable", "timeout"); bad model output is a refusal, not an error. */
  analyze(traces: readonly JudgedTrace[], signal?: AbortSignal): Promise<AnalysisResult>;
}

export interface AnalysisResult {
  readonly lessons: readonly Lesson[];
  /** What was looked at and refused, with the reason; stored so that nothing vanishes. */
  readonly refusals: readonly { readonly reason: string; readonly traceIds: readonly string[]; readonly text?: string }[];
  /** Runs that are left for later, each given to this analyzer again: what is more than fits, or has too little company yet. Nothing is dropped for that. */
  readonly unread?: readonly { readonly reason: string; readonly traceIds: readonly string[]; readonly until: Until }[];
  /** Why it stopped half way. What was found until then holds. */
  readonly failure?: LearnError;
}

/** Who reads: background analyzers only, or also what runs when somebody asks for it (a model, an analyzer or a check of the user). */
export type Reading = "background" | "full";

export interface LessonStore {
  /** Judged traces that no learn cycle has read yet, oldest first; with "full" also those that only background analyzers have read. Default "background". */
  unanalyzed(limit: number, reading?: Reading): Promise<readonly JudgedTrace[]>;
  /** Marks traces as read by a learn cycle, default "full"; idempotent. "background" takes nothing back. */
  markAnalyzed(traceIds: readonly string[], reading?: Reading): Promise<void>;
  /** Stores a refusal (a lesson or an analysis that did not become an item) with its reason. */
  saveRefusals(refusals: AnalysisResult["refusals"], analyzer: string): Promise<void>;
}
