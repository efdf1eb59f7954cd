import { fromUnknown } from "../base/error.ts";
import { newId } from "../base/id.ts";
import { nearDuplicate } from "../base/similarity.ts";
import type { ConflictJudge } from "../knowledge/conflict-judge.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import type { OnlineSetting } from "../knowledge/online-setting.ts";
import type { Lesson } from "../lesson/lesson.ts";
import type { LessonScope } from "../lesson/lesson-scope.ts";
import type { Analyzer, JudgedTrace } from "../lesson/ports.ts";
import { type Proposal, propose } from "../lesson/propose.ts";
import type { OutcomeSignal } from "../outcome/ports.ts";
import { recordGuards } from "./guard-report.ts";
import { judgeConflicts } from "./judge-conflicts.ts";
import { judgeTraces, mayPass } from "./judge-traces.ts";
import { neededNext } from "./needed-next.ts";
import { beginTrials, lookAtTrials } from "./online.ts";
import type { OpenCycle } from "./open-cycle.ts";
import type { LearnProgress, LearnReport } from "./ports.ts";
import { readingsOf } from "./readings.ts";
import { type RetireReport, retire } from "./retire.ts";
import { createOnlineSafetyCheck } from "./safety-check.ts";
import { createSieve } from "./sieve.ts";
import type { SpendMeter } from "./spend-meter.ts";
import { createSurroundings } from "./surroundings.ts";
import { type TestOptions, testCandidates } from "./test-candidates.ts";

export interface LearnOptions extends TestOptions {
  readonly analyzers: readonly Analyzer[];
  /** Judge runs where only this process can: the user's functions, and models. */
  readonly signals?: readonly OutcomeSignal[];
  /** Told of the runs of a cycle once they are judged and mined, before they count as read: after a crash it may be told again. Its rejection is a failure in the report. */
  readonly onJudged?: (traces: readonly JudgedTrace[], signal?: AbortSignal) => Promise<void>;
  /** Looks at candidates beside what is active before they are tested. Without it the rules alone find contradictions. */
  readonly conflictJudge?: ConflictJudge;
  readonly maxTraces?: number;
  /** Who is given what is mined; see the setting. Default "narrow". */
  readonly lessonScope?: LessonScope;
  /** false: read what is assembled and leave incomplete traces alone. Default true: somebody asked, so everything is assembled now. */
  readonly drain?: boolean;
  /** See `RetirementRules`. Default 0: an unused item stays. */
  readonly hibernateDays?: number;
  /** Absent: the caller looks after trials on live runs itself. Without a setting none begins. */
  readonly online?: { readonly setting: OnlineSetting | undefined };
  /** Error probability of the verdicts on live effects, see the setting of this name. It is not that of the gate. Default 0.05. */
  readonly effectAlpha?: number;
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
    options.retires === false
      ? NOTHING_RETIRED
      : await retire({ ...options, alpha: options.effectAlpha ?? 0.05, hibernateDays: options.hibernateDays ?? 0 });
  const { conflictJudge: judge } = options;
  const conflicts = judge === undefined ? undefined : await judgeConflicts({ ...options, judge });
  const tested = await testCandidates(options, ACTOR, tell);
  const decisions = options.online === undefined ? tested : withOnline(tested, await online(options, options.online));
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

/** Trials on live runs; where the agent can be run on eval cases, that is the better test, and none begins. */
async function online(options: LearnOptions, { setting }: NonNullable<LearnOptions["online"]>): Promise<LearnReport["decisions"]> {
  const { runner, cases = [], obstacle } = options;
  const trials = {
    ...options,
    ...(setting === undefined ? {} : { setting }),
    testSet: createOnlineSafetyCheck(options),
  };
  const looked = await lookAtTrials(trials);
  const isTested = runner !== undefined && cases.length > 0 && obstacle === undefined;
  return isTested ? looked : [...looked, ...(await beginTrials(trials))];
}

/** What is said of an item that is tried takes the place of why it was not tested. */
function withOnline(tested: LearnReport["decisions"], tried: LearnReport["decisions"]): LearnReport["decisions"] {
  const spoken = new Set(tried.map(({ item }) => item.id));
  return [...tested.filter(({ item, validation }) => validation !== undefined || !spoken.has(item.id)), ...tried];
}

type Mined = Pick<
  LearnReport,
  "tracesAnalyzed" | "waiting" | "failures" | "forReview" | "lessonsProposed" | "candidatesCreated" | "refusals" | "analyzerFailures"
>;

async function mine(options: LearnOptions, tell: (progress: LearnProgress) => void): Promise<Mined> {
  const { store, lessonScope = "narrow" } = options;
  const asked =
    options.analyzers.some((analyzer) => analyzer.background !== true) ||
    (options.signals ?? []).length > 0 ||
    options.onJudged !== undefined;
  // The collector mines every minute without a model; what it read must still reach the model, and the user's own checks, when somebody asks for them.
  const reading = asked ? "full" : "background";
  const { traces, faults: abstained, forReview } = await judgeTraces(options, await store.unanalyzed(options.maxTraces ?? 1_000, reading));
  const traceIds = traces.map(({ trace }) => trace.id);
  const failures = traces.filter(({ outcome }) => outcome?.status === "failure").length;
  tell({ phase: "analyze", done: 0, total: failures, detail: `${traces.length} new traces, ${failures} failed` });
  options.meter?.watch((done, detail) => tell({ phase: "analyze", done: Math.min(done, failures), total: failures, detail }));
  const refusals: (Proposal["refusals"][number] & { readonly analyzer: string })[] = [];
  const faults: Proposal["failures"][number][] = [...abstained];
  // What could not be judged now is judged before it counts as read.
  const unjudged = abstained
    .filter(({ error }) => mayPass(error))
    .map(({ analyzer, error }) => ({ analyzer, reason: error.message, traceIds }));
  const waiting: Left[] = [...unjudged];
  const left = new Set<string>(unjudged.length === 0 ? [] : traceIds);
  const unread: { readonly analyzer: string; readonly offered: readonly string[]; readonly kept: Proposal["unread"] }[] = [];
  let lessonsProposed = 0;
  let candidatesCreated = 0;
  const readings = await readingsOf(store, options.analyzers, traces);
  const stored = readings.length === 0 ? [] : await store.listKnowledge({});
  const archived = stored.filter(({ status }) => status === "archived");
  const sieve = createSieve(stored, readings.length === 0 ? [] : await store.listEvalCases());
  const surroundings = createSurroundings(
    store,
    stored.filter(({ status }) => status !== "archived"),
    lessonScope,
  );
  const seen = new Set(traceIds);
  for (const { analyzer, offered } of readings) {
    const result = await propose(offered, [analyzer], {
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      surroundings,
      scope: lessonScope,
    });
    faults.push(...result.failures);
    const ids = offered.map(({ trace }) => trace.id);
    for (const id of ids) seen.add(id);
    const [failed] = result.failures;
    if (failed !== undefined && mayPass(failed.error) && result.unread.length === 0) {
      // It could not begin: what nobody read stays unread for all, and what it had kept it keeps.
      waiting.push({ analyzer: analyzer.name, reason: failed.error.message, traceIds: ids });
      for (const id of traceIds) left.add(id);
    } else {
      // What has too little company yet waits for other runs, not for the next cycle.
      const due = result.unread.filter(({ until }) => until === "next");
      waiting.push(...due.map(({ reason, traceIds: of }) => ({ analyzer: analyzer.name, reason, traceIds: of })));
      unread.push({ analyzer: analyzer.name, offered: ids, kept: result.unread });
    }
    refusals.push(...result.refusals.map((refusal) => ({ ...refusal, analyzer: analyzer.name })));
    for (const lesson of result.lessons) {
      const known = archivedAs(archived, lesson);
      if (known !== undefined) {
        const reason = `item ${known.id.slice(0, 8)} says the same and was archived; restore it to have it tested again`;
        refusals.push({ analyzer: analyzer.name, reason, traceIds: lesson.sourceTraceIds, text: lesson.content });
        continue;
      }
      const sifted = sieve(lesson, offered);
      if (typeof sifted === "string") {
        refusals.push({ analyzer: analyzer.name, reason: sifted, traceIds: lesson.sourceTraceIds, text: lesson.content });
        continue;
      }
      const { item, created } = await store.propose(sifted, ACTOR);
      await recordGuards(store, item);
      lessonsProposed += 1;
      if (created) candidatesCreated += 1;
    }
  }
  for (const { analyzer, offered, kept } of unread) await store.keep(analyzer, offered, kept);
  if (seen.size > 0) {
    // What is said of a run that is read again is said again then.
    const final = refusals.filter(({ traceIds: of }) => !of.some((id) => left.has(id)));
    for (const name of new Set(final.map(({ analyzer }) => analyzer))) {
      const own = final.filter(({ analyzer }) => analyzer === name).map(({ analyzer: _analyzer, ...refusal }) => refusal);
      await store.saveRefusals(own, name);
    }
    const judged = traces.filter(({ trace }) => !left.has(trace.id));
    await options.onJudged?.(judged, options.signal).catch((caught: unknown) => {
      faults.push({ analyzer: "onJudged", error: fromUnknown(caught, "telling of the outcomes") });
    });
    // Last, so that a crash before this line only proposes the same fingerprints again.
    await store.markAnalyzed(
      traceIds.filter((id) => !left.has(id)),
      reading,
    );
  }
  const later = new Set(unread.flatMap(({ kept }) => kept.flatMap((part) => part.traceIds)));
  const analyzerFailures = faults.map(({ analyzer, error }) => ({
    analyzer,
    code: error.code,
    message: error.message,
    tracesStayUnread: waiting.some((part) => part.analyzer === analyzer),
  }));
  return {
    tracesAnalyzed: [...seen].filter((id) => !left.has(id) && !later.has(id)).length,
    ...(waiting.length === 0
      ? {}
      : { waiting: waiting.map(({ analyzer, reason, traceIds: of }) => ({ analyzer, reason, traces: of.length })) }),
    failures,
    ...(forReview.length === 0 ? {} : { forReview }),
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

/** Harm that was shown, or a person's no, holds until somebody restores the item; it is not undone by seeing the same lesson once more. */
function archivedAs(archived: readonly KnowledgeItem[], lesson: Lesson): KnowledgeItem | undefined {
  // An edited item keeps its fingerprint; what was archived then are other words.
  return archived.find((item) => item.fingerprint === lesson.fingerprint && nearDuplicate(item.content, lesson.content));
}
