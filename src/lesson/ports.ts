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
  /** Set on a run that this analyzer has seen and left for later, see `AnalysisResult.unread`. */
  readonly kept?: Until;
}

/** An item as analyzers see it. */
export interface KnownItem extends Pick<Lesson, "id" | "type" | "content" | "appliesWhen"> {
  readonly status: string;
}

/** What is stored about the same things. Text in it is as hostile as that of runs. */
export interface Surroundings {
  /** Items that share most words with the text, nearest first, whatever their status, without those of other agents and services. */
  itemsNear(text: string, limit: number, of?: { readonly agentName?: string; readonly service?: string }): Promise<readonly KnownItem[]>;
  /** Successful runs on tasks of such words, nearest first, without our own words. */
  successesLike(text: string, limit: number): Promise<readonly JudgedTrace[]>;
}

/** Of one tenant, or of the runs that name none: nothing of another is among them. */
export type SurroundingsOf = (tenant: string | undefined) => Surroundings;

/** One way to mine lessons. Sees many traces at once and may use all of them as evidence for one lesson. */
export interface Analyzer {
  readonly name: string;
  /** True where it costs nothing and runs unasked on the collector's timer. What only such analyzers read is still unread for all others. */
  readonly background?: true;
  /** Asked about the runs of one tenant at a time. Empty means nothing to learn. Rejects only for faults that may pass ("unavailable", "timeout"); bad model output is a refusal, not an error. */
  analyze(traces: readonly JudgedTrace[], signal?: AbortSignal, surroundings?: Surroundings): Promise<AnalysisResult>;
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
  /** Runs that the analyzer of this name left for later, each with `kept`, those first that it left last; those whose spans are gone are left out. */
  keptFor(analyzer: string, limit: number): Promise<readonly JudgedTrace[]>;
  /** Of the runs it was offered, the analyzer keeps these and no others; idempotent. Runs it was not offered stay as they are. */
  keep(analyzer: string, offered: readonly string[], kept: NonNullable<AnalysisResult["unread"]>): Promise<void>;
  /** Stores a refusal (a lesson or an analysis that did not become an item) with its reason. */
  saveRefusals(refusals: AnalysisResult["refusals"], analyzer: string): Promise<void>;
}
