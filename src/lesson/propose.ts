import { fromUnknown, LearnError } from "../base/error.ts";
import { cleanLesson, cleanRefusal } from "./clean-lesson.ts";
import { guardLesson } from "./guard.ts";
import type { Lesson } from "./lesson.ts";
import { byTenant, type LessonScope, scoped, type TenantRuns } from "./lesson-scope.ts";
import type { AnalysisResult, Analyzer, JudgedTrace, SurroundingsOf } from "./ports.ts";
import { redactRun } from "./redact-run.ts";
import { stripTrace } from "./strip-knowledge.ts";

export interface Proposal extends Required<Omit<AnalysisResult, "failure">> {
  /** Analyzers that could not run now; what the others found is kept. Their traces deserve another look later. */
  readonly failures: readonly { readonly analyzer: string; readonly error: LearnError }[];
}

export interface ProposeOptions {
  readonly signal?: AbortSignal;
  readonly surroundings?: SurroundingsOf;
  /** Default "narrow". */
  readonly scope?: LessonScope;
}

/**
 * Runs every analyzer over the traces, tenant by tenant and without our own injected words, and lets through only lessons that pass the guard; the rest become refusals.
 * Neither holds secrets or personal data.
 * Lessons with equal fingerprints become one with all their sources. Rejects "cancelled" when `signal` aborts; an analyzer that rejects is a failure in
 * the result.
 */
export async function propose(
  traces: readonly JudgedTrace[],
  analyzers: readonly Analyzer[],
  { signal, surroundings, scope = "narrow" }: ProposeOptions = {},
): Promise<Proposal> {
  const { groups, mixed } = byTenant(traces.map(stripTrace), scope);
  const redacted = new Map<TenantRuns, readonly JudgedTrace[]>();
  // What runs in the background calls no model, and compares values that a placeholder would hide.
  const outgoing = (group: TenantRuns): readonly JudgedTrace[] => {
    const runs = redacted.get(group) ?? group.runs.map(redactRun);
    redacted.set(group, runs);
    return runs;
  };
  const byFingerprint = new Map<string, Lesson>();
  const refusals: AnalysisResult["refusals"][number][] = [];
  const unread: Proposal["unread"][number][] = [];
  const failures: Proposal["failures"][number][] = [];
  if (mixed.length > 0) refusals.push({ reason: MIXED, traceIds: mixed.map(({ trace }) => trace.id) });
  for (const analyzer of analyzers) {
    for (const [index, group] of groups.entries()) {
      refuseWhenAborted(signal);
      const failure = await ask(analyzer, group);
      if (failure === undefined) continue;
      failures.push({ analyzer: analyzer.name, error: failure.error });
      // What can't be asked about one tenant is not asked about the next. Where nothing was read yet there is nothing to hand back.
      const left = groups.slice(failure.handedBack ? index + 1 : index).flatMap(({ runs }) => runs.map(({ trace }) => trace.id));
      if (left.length > 0 && (index > 0 || failure.handedBack))
        unread.push({ reason: failure.error.message, traceIds: left, until: "next" });
      break;
    }
  }
  return { lessons: [...byFingerprint.values()], refusals, unread, failures };

  async function ask(analyzer: Analyzer, group: TenantRuns): Promise<Failure | undefined> {
    try {
      const given = analyzer.background === true ? group.runs : outgoing(group);
      const result = await analyzer.analyze(given, signal, surroundings?.(group.tenant));
      refusals.push(...result.refusals.map(cleanRefusal));
      unread.push(...(result.unread ?? []));
      for (const unscoped of result.lessons) {
        const lesson = cleanLesson(
          scoped(unscoped, group, scope),
          group.runs.map(({ trace }) => trace),
        );
        const reason = guardLesson(lesson, tasksOf(lesson, group.runs));
        if (reason !== undefined) refusals.push({ reason: `the lesson ${reason}`, traceIds: lesson.sourceTraceIds, text: lesson.content });
        else byFingerprint.set(lesson.fingerprint, merged(byFingerprint.get(lesson.fingerprint), lesson));
      }
      return result.failure === undefined ? undefined : { error: result.failure, handedBack: (result.unread ?? []).length > 0 };
    } catch (caught) {
      refuseWhenAborted(signal);
      return { error: fromUnknown(caught, `analyzer ${analyzer.name}`), handedBack: false };
    }
  }
}

/** `handedBack`: it said itself which runs of the group are left. */
interface Failure {
  readonly error: LearnError;
  readonly handedBack: boolean;
}

const MIXED = "its spans name several tenants, so whose knowledge it would be cannot be told";

/** What the runs were asked that the lesson was read from. */
export function tasksOf({ sourceTraceIds }: Pick<Lesson, "sourceTraceIds">, traces: readonly JudgedTrace[]): readonly string[] {
  const sources = new Set(sourceTraceIds);
  return traces.flatMap(({ trace }) => (sources.has(trace.id) && trace.task !== "" ? [trace.task] : []));
}

/** The words of the first; the sources and the doubts of both. */
function merged(first: Lesson | undefined, second: Lesson): Lesson {
  if (first === undefined) return second;
  return {
    ...first,
    tags: [...new Set([...first.tags, ...second.tags])],
    sourceTraceIds: [...new Set([...first.sourceTraceIds, ...second.sourceTraceIds])],
    confidence: Math.max(first.confidence, second.confidence),
    taint: [...new Set([...first.taint, ...second.taint])],
  };
}

function refuseWhenAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new LearnError("cancelled", "learning was cancelled", { cause: signal.reason });
}
