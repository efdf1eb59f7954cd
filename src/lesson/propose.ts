import { fromUnknown, LearnError } from "../base/error.ts";
import { digest } from "../base/id.ts";
import { guardLesson } from "./guard.ts";
import type { Lesson } from "./lesson.ts";
import type { AnalysisResult, Analyzer, JudgedTrace, Surroundings } from "./ports.ts";
import { stripTrace } from "./strip-knowledge.ts";

export interface Proposal extends Required<Omit<AnalysisResult, "failure">> {
  /** Analyzers that could not run now; what the others found is kept. Their traces deserve another look later. */
  readonly failures: readonly { readonly analyzer: string; readonly error: LearnError }[];
}

/**
 * Runs every analyzer over the traces, without our own injected words, and lets through only lessons that pass the guard; the rest become refusals.
 * Lessons with equal fingerprints become one with all their sources. Rejects "cancelled" when `signal` aborts; an analyzer that rejects is a failure in
 * the result.
 */
export async function propose(
  traces: readonly JudgedTrace[],
  analyzers: readonly Analyzer[],
  signal?: AbortSignal,
  surroundings?: Surroundings,
): Promise<Proposal> {
  const own = traces.map(stripTrace);
  const byFingerprint = new Map<string, Lesson>();
  const refusals: AnalysisResult["refusals"][number][] = [];
  const unread: Proposal["unread"][number][] = [];
  const failures: Proposal["failures"][number][] = [];
  for (const analyzer of analyzers) {
    refuseWhenAborted(signal);
    try {
      const result = await analyzer.analyze(own, signal, surroundings);
      refusals.push(...result.refusals);
      unread.push(...(result.unread ?? []));
      if (result.failure !== undefined) failures.push({ analyzer: analyzer.name, error: result.failure });
      for (const unscoped of result.lessons) {
        const lesson = scoped(unscoped, own);
        const reason = guardLesson(lesson, tasksOf(lesson, own));
        if (reason !== undefined) refusals.push({ reason: `the lesson ${reason}`, traceIds: lesson.sourceTraceIds, text: lesson.content });
        else byFingerprint.set(lesson.fingerprint, merged(byFingerprint.get(lesson.fingerprint), lesson));
      }
    } catch (caught) {
      refuseWhenAborted(signal);
      failures.push({ analyzer: analyzer.name, error: fromUnknown(caught, `analyzer ${analyzer.name}`) });
    }
  }
  return { lessons: [...byFingerprint.values()], refusals, unread, failures };
}

/** What one agent learnt is that agent's: the same words for another agent are another item, with evidence of its own. */
function scoped(lesson: Lesson, traces: readonly JudgedTrace[]): Lesson {
  const sources = new Set(lesson.sourceTraceIds);
  const agents = new Set(traces.filter(({ trace }) => sources.has(trace.id)).map(({ trace }) => trace.agentName));
  const [agentName] = agents;
  if (agents.size !== 1 || agentName === undefined) return lesson;
  return { ...lesson, agentName, fingerprint: digest([lesson.fingerprint, agentName]) };
}

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
