import { type Clock, systemClock } from "../base/clock.ts";
import { digest, newId } from "../base/id.ts";
import type { Lesson } from "./lesson.ts";
import type { AnalysisResult, Analyzer, JudgedTrace } from "./ports.ts";
import type { Change } from "./recovery/change.ts";
import { findRecoveries, type Recovery } from "./recovery/find-recoveries.ts";
import { wordingOf } from "./recovery/wording.ts";
import { taskWords } from "./task-words.ts";

export interface RecoveryAnalyzerOptions {
  /** Distinct runs that must show a repair before it becomes a lesson. Default 1: validation decides later, and one run is often all there is. */
  readonly minSupport?: number;
  readonly clock?: Clock;
  readonly newId?: () => string;
}

const NAME = "recovery";

/**
 * Mines lessons without any model: a tool call failed, a later call of the same tool worked, what changed? Changes are generalised over their values,
 * counted over runs, and said as a rule with its condition. Repairs that teach nothing (another value, the same call again, another question) are
 * refusals with a reason. Reads every run, whatever its outcome: a run that found its way is the best source of a way.
 */
export function recoveryAnalyzer(options: RecoveryAnalyzerOptions = {}): Analyzer {
  return {
    name: NAME,
    background: true,
    analyze: (traces, signal) =>
      new Promise((resolve) => {
        signal?.throwIfAborted();
        resolve(analyze(traces, { minSupport: 1, clock: systemClock, newId, ...options }));
      }),
  };
}

interface Support {
  readonly change: Change;
  readonly recovery: Recovery;
  readonly traceIds: Set<string>;
  readonly evidence: Set<string>;
  readonly tasks: Set<string>;
  /** Sum of 1 / (changes made in the same repair): a repair that changed two things is half a proof of each. */
  weight: number;
}

function analyze(traces: readonly JudgedTrace[], options: Required<RecoveryAnalyzerOptions>): AnalysisResult {
  const supports = new Map<string, Support>();
  const refused = new Map<string, { reason: string; traceIds: Set<string>; text: string }>();
  const refuse = (reason: string, tool: string, error: string, traceIds: Iterable<string>): void => {
    const text = `${tool}: ${error}`.slice(0, 300);
    const entry = refused.get(`${reason}\0${text}`) ?? { reason, traceIds: new Set<string>(), text };
    for (const id of traceIds) entry.traceIds.add(id);
    refused.set(`${reason}\0${text}`, entry);
  };
  for (const { trace } of traces) {
    for (const recovery of findRecoveries(trace)) {
      if (recovery.reason !== undefined) refuse(recovery.reason, recovery.tool, recovery.error, [trace.id]);
      for (const change of recovery.changes) count(supports, change, recovery, trace);
    }
  }
  const lessons: Lesson[] = [];
  for (const [fingerprint, support] of supports) {
    const { change, recovery, traceIds } = support;
    const against = change.reverseKey === undefined ? undefined : supports.get(fingerprintOf(recovery.tool, change.reverseKey));
    const wording = wordingOf(recovery.tool, change, recovery.error);
    const reason =
      against !== undefined && against.weight >= support.weight
        ? "other runs recovered by the opposite change"
        : traceIds.size < options.minSupport
          ? `seen in ${traceIds.size} of the ${options.minSupport} runs that are needed`
          : wording === undefined
            ? "the change cannot be quoted briefly and safely"
            : undefined;
    if (reason !== undefined) refuse(reason, recovery.tool, recovery.error, traceIds);
    else if (wording !== undefined) {
      const about = taskWords([...support.tasks]);
      // The change says what was wrong with a call; the words of the tasks let retrieval find it before there is a call.
      const appliesWhen = about.length === 0 ? wording.appliesWhen : `${wording.appliesWhen}; tasks about ${about.join(", ")}`;
      lessons.push({ ...lessonOf(support, against, fingerprint, options), ...wording, appliesWhen });
    }
  }
  return { lessons, refusals: [...refused.values()].map((entry) => ({ ...entry, traceIds: [...entry.traceIds] })) };
}

function count(supports: Map<string, Support>, change: Change, recovery: Recovery, { id: traceId, task }: JudgedTrace["trace"]): void {
  const fingerprint = fingerprintOf(recovery.tool, change.key);
  const support = supports.get(fingerprint) ?? {
    change,
    recovery,
    traceIds: new Set<string>(),
    evidence: new Set<string>(),
    tasks: new Set<string>(),
    weight: 0,
  };
  supports.set(fingerprint, support);
  // Emitters without a root show one exchange again in every later trace; it is one piece of evidence.
  const fresh = !support.evidence.has(recovery.evidence);
  if (fresh && !support.traceIds.has(traceId)) support.weight += 1 / recovery.changes.length;
  if (fresh) support.traceIds.add(traceId);
  if (fresh && task !== "") support.tasks.add(task);
  support.evidence.add(recovery.evidence);
}

function lessonOf(
  { change, recovery, traceIds, tasks, weight }: Support,
  against: Support | undefined,
  fingerprint: string,
  options: Required<RecoveryAnalyzerOptions>,
): Omit<Lesson, "type" | "content" | "appliesWhen" | "tags"> {
  const runs = `${traceIds.size} run${traceIds.size === 1 ? "" : "s"}`;
  return {
    id: options.newId(),
    sourceTraceIds: [...traceIds],
    analyzer: NAME,
    // Halves the doubt with every run that shows the repair alone; never certain.
    confidence: Math.min(0.95, 1 - 0.5 ** (weight - (against?.weight ?? 0))),
    reasoning: `a ${recovery.tool} call failed and a later one worked after this change (${change.kind}), in ${runs}`,
    taint: [...(tasks.size === 0 ? [] : ["user" as const]), ...(recovery.error.trim() === "" ? [] : ["tool" as const]), "model"],
    fingerprint,
    createdAtUs: options.clock.nowUs(),
  };
}

function fingerprintOf(tool: string, key: readonly string[]): string {
  return digest([NAME, tool, ...key]);
}
