import type { LearnError } from "../base/error.ts";
import { newId } from "../base/id.ts";
import { nearDuplicate } from "../base/similarity.ts";
import type { ConflictJudge } from "../knowledge/conflict-judge.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import type { Lesson } from "../lesson/lesson.ts";
import type { Analyzer, JudgedTrace } from "../lesson/ports.ts";
import { type Proposal, propose } from "../lesson/propose.ts";
import { judge, verdict } from "../outcome/judge.ts";
import type { OutcomeSignal } from "../outcome/ports.ts";
import { judgeConflicts } from "./judge-conflicts.ts";
import { neededNext } from "./needed-next.ts";
import type { OpenCycle } from "./open-cycle.ts";
import type { LearnProgress, LearnReport } from "./ports.ts";
import { type RetireReport, retire } from "./retire.ts";
import type { SpendMeter } from "./spend-meter.ts";
import { type TestOptions, testCandidates } from "./test-candidates.ts";

export interface LearnOptions extends TestOptions {
  readonly analyzers: readonly Analyzer[];
  /** User-supplied signals that can only run where their functions live. */
  readonly signals?: readonly OutcomeSignal[];
  /** Looks at candidates beside what is active before they are tested. Without it the rules alone find contradictions. */
  readonly conflictJudge?: ConflictJudge;
  readonly maxTraces?: number;
  /** false: read what is assembled and leave incomplete traces alone. Default true: somebody asked, so everything is assembled now. */
  readonly drain?: boolean;
  /** See `RetirementRules`. Default 0: an unused item stays. */
  readonly hibernateDays?: number;
  /** false: the caller looks after retirement itself. Default true. */
  readonly retires?: boolean;
  /** The cycle this is, as `openCycle` gave it. Default a new one that leaves nothing behind when it is not finished. */
  readonly cycle?: OpenCycle;
  /** Counts what is spent. It stops models, not the cycle. */
  readonly meter?: SpendMeter;
}

const ACTOR = "learner";
const KEEP_ANSWERS_US = 30 * 86_400_000_000;
const NOTHING_RETIRED: RetireReport = { deprecated: [], challenged: [], reported: [] };

/** One pass over what was not read yet: mine, propose, retire, test, promote. Idempotent: a crash repeats at most the step it died in. */
export async function learn(options: LearnOptions): Promise<LearnReport> {
  const { id: cycleId, startedAtUs, resumed } = options.cycle ?? { id: newId(), startedAtUs: options.clock.nowUs(), resumed: false };
  const tell = options.onProgress ?? (() => {});
  tell({ phase: "collect", done: 0, total: 0, detail: "assembling traces" });
  if (options.drain !== false) await options.store.drain();
  const mined = await mine(options, tell);
  // Before the tests, also when nothing new was mined: a harmful item must not stand on both sides of them, and one that is challenged is tested now.
  const { deprecated, challenged, reported } =
    options.retires === false ? NOTHING_RETIRED : await retire({ ...options, hibernateDays: options.hibernateDays ?? 0 });
  const { conflictJudge: judge } = options;
  const conflicts = judge === undefined ? undefined : await judgeConflicts({ ...options, judge });
  const decisions = await testCandidates(options, ACTOR, tell);
  const stop = options.meter?.stopped();
  const done: Omit<LearnReport, "needed"> = {
    cycleId,
    ...(resumed ? { resumed: true } : {}),
    ...mined,
    ...(stop === undefined ? {} : { stopped: { reason: stop.message, hint: stop.hint ?? "" } }),
    ...(options.meter === undefined ? {} : { cost: await options.meter.cost() }),
    decisions,
    deprecated,
    ...(challenged.length === 0 ? {} : { challenged }),
    ...(reported.length === 0 ? {} : { reported }),
    ...(conflicts === undefined ? {} : { conflicts }),
    durationMs: Math.round((options.clock.nowUs() - startedAtUs) / 1000),
  };
  const report: LearnReport = { ...done, needed: neededNext(done) };
  await options.store.saveCycle({ id: cycleId, startedAtUs, endedAtUs: options.clock.nowUs(), report });
  // Answers are kept while something waits that may ask the same again.
  if (options.cycle !== undefined) {
    const isDone = (mined.waiting ?? mined.analyzerFailures ?? stop ?? conflicts?.error) === undefined;
    await options.store.forgetAnswers(isDone ? undefined : options.clock.nowUs() - KEEP_ANSWERS_US);
  }
  tell({ phase: "done", done: decisions.length, total: decisions.length, detail: "done" });
  return report;
}

type Mined = Pick<
  LearnReport,
  "tracesAnalyzed" | "waiting" | "failures" | "lessonsProposed" | "candidatesCreated" | "refusals" | "analyzerFailures"
>;

async function mine(options: LearnOptions, tell: (progress: LearnProgress) => void): Promise<Mined> {
  const { store } = options;
  const asked = options.analyzers.some((analyzer) => analyzer.background !== true) || (options.signals ?? []).length > 0;
  // The collector mines every minute without a model; what it read must still reach the model, and the user's own checks, when somebody asks for them.
  const reading = asked ? "full" : "background";
  const traces = await judged(options, await store.unanalyzed(options.maxTraces ?? 1_000, reading));
  const traceIds = traces.map(({ trace }) => trace.id);
  const failures = traces.filter(({ outcome }) => outcome?.status === "failure").length;
  tell({ phase: "analyze", done: 0, total: failures, detail: `${traces.length} new traces, ${failures} failed` });
  options.meter?.watch((done, detail) => tell({ phase: "analyze", done: Math.min(done, failures), total: failures, detail }));
  const refusals: (Proposal["refusals"][number] & { readonly analyzer: string })[] = [];
  const faults: Proposal["failures"][number][] = [];
  const left = new Set<string>();
  const waiting: Left[] = [];
  let lessonsProposed = 0;
  let candidatesCreated = 0;
  const archived = traces.length === 0 ? [] : await store.listKnowledge({ status: "archived" });
  for (const analyzer of traces.length === 0 ? [] : options.analyzers) {
    const result = await propose(traces, [analyzer], options.signal);
    faults.push(...result.failures);
    const leaves = leftBy(analyzer, result, traceIds);
    for (const id of leaves.flatMap((part) => part.traceIds)) left.add(id);
    waiting.push(...leaves);
    refusals.push(...result.refusals.map((refusal) => ({ ...refusal, analyzer: analyzer.name })));
    for (const lesson of result.lessons) {
      const known = archivedAs(archived, lesson);
      if (known !== undefined) {
        const reason = `item ${known.id.slice(0, 8)} says the same and was archived; restore it to have it tested again`;
        refusals.push({ analyzer: analyzer.name, reason, traceIds: lesson.sourceTraceIds, text: lesson.content });
        continue;
      }
      const { created } = await store.propose(lesson, ACTOR);
      lessonsProposed += 1;
      if (created) candidatesCreated += 1;
    }
  }
  if (traces.length > 0) {
    // What is said of a run that is read again is said again then.
    const final = refusals.filter(({ traceIds: of }) => !of.some((id) => left.has(id)));
    for (const name of new Set(final.map(({ analyzer }) => analyzer))) {
      const own = final.filter(({ analyzer }) => analyzer === name).map(({ analyzer: _analyzer, ...refusal }) => refusal);
      await store.saveRefusals(own, name);
    }
    // Last, so that a crash before this line only proposes the same fingerprints again.
    await store.markAnalyzed(
      traceIds.filter((id) => !left.has(id)),
      reading,
    );
  }
  const analyzerFailures = faults.map(({ analyzer, error }) => ({
    analyzer,
    code: error.code,
    message: error.message,
    tracesStayUnread: mayPass(error),
  }));
  return {
    tracesAnalyzed: traces.length - left.size,
    ...(waiting.length === 0
      ? {}
      : { waiting: waiting.map(({ analyzer, reason, traceIds: of }) => ({ analyzer, reason, traces: of.length })) }),
    failures,
    lessonsProposed,
    candidatesCreated,
    refusals: [
      ...refusals.map(({ analyzer, reason, traceIds: of }) => ({ analyzer, reason, traceIds: of })),
      ...analyzerFailures.map(({ analyzer, message, tracesStayUnread }) => ({
        analyzer,
        reason: `it could not run: ${message}${tracesStayUnread ? "; the next cycle reads these traces again" : ""}`,
        traceIds,
      })),
    ],
    ...(analyzerFailures.length === 0 ? {} : { analyzerFailures }),
  };
}

interface Left {
  readonly analyzer: string;
  readonly reason: string;
  readonly traceIds: readonly string[];
}

/** What the next cycle has to read again: what the analyzer left, or all it was given where it could not begin. */
function leftBy({ name }: Analyzer, { failures: [failed], unread }: Proposal, all: readonly string[]): readonly Left[] {
  if (failed !== undefined && !mayPass(failed.error)) return [];
  if (failed !== undefined && unread.length === 0) return [{ analyzer: name, reason: failed.error.message, traceIds: all }];
  return unread.map(({ reason, traceIds }) => ({ analyzer: name, reason, traceIds }));
}

/** A wrong key or model is no reason to forget what the model never saw: the settings get corrected. A broken analyzer ("internal") would hold back all others for ever. */
function mayPass(error: LearnError): boolean {
  return error.retryable || error.code === "invalid";
}

/** Harm that was shown, or a person's no, holds until somebody restores the item; it is not undone by seeing the same lesson once more. */
function archivedAs(archived: readonly KnowledgeItem[], lesson: Lesson): KnowledgeItem | undefined {
  // An edited item keeps its fingerprint; what was archived then are other words.
  return archived.find((item) => item.fingerprint === lesson.fingerprint && nearDuplicate(item.content, lesson.content));
}

/** Adds the user's own signals, which the writer thread cannot run, before anything is read. */
async function judged(options: LearnOptions, traces: readonly JudgedTrace[]): Promise<readonly JudgedTrace[]> {
  const signals = options.signals ?? [];
  if (signals.length === 0) return traces;
  const out: JudgedTrace[] = [];
  for (const { trace } of traces) {
    await options.store.saveOutcomes(await judge(trace, signals, options.clock.nowUs()));
    const outcome = verdict(await options.store.outcomesOf(trace.id));
    out.push(outcome === undefined ? { trace } : { trace, outcome });
  }
  return out;
}
