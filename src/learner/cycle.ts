import { fromUnknown } from "../base/error.ts";
import { newId } from "../base/id.ts";
import { nearDuplicate } from "../base/similarity.ts";
import type { ConflictJudge } from "../knowledge/conflict-judge.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import type { Lesson } from "../lesson/lesson.ts";
import type { Analyzer, JudgedTrace } from "../lesson/ports.ts";
import { type Proposal, propose } from "../lesson/propose.ts";
import type { OutcomeSignal } from "../outcome/ports.ts";
import { judgeConflicts } from "./judge-conflicts.ts";
import { judgeTraces, mayPass } from "./judge-traces.ts";
import type { LearnProgress, LearnReport } from "./ports.ts";
import { readingsOf } from "./readings.ts";
import { type RetireReport, retire } from "./retire.ts";
import { createSieve } from "./sieve.ts";
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
  /** false: read what is assembled and leave incomplete traces alone. Default true: somebody asked, so everything is assembled now. */
  readonly drain?: boolean;
  /** See `RetirementRules`. Default 0: an unused item stays. */
  readonly hibernateDays?: number;
  /** false: the caller looks after retirement itself. Default true. */
  readonly retires?: boolean;
}

const ACTOR = "learner";
const NOTHING_RETIRED: RetireReport = { deprecated: [], challenged: [], reported: [] };

/** One pass over what was not read yet: mine, propose, retire, test, promote. Idempotent: a crash repeats at most the step it died in. */
export async function learn(options: LearnOptions): Promise<LearnReport> {
  const startedAtUs = options.clock.nowUs();
  const cycleId = newId();
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
  const report: LearnReport = {
    cycleId,
    ...mined,
    decisions,
    deprecated,
    ...(challenged.length === 0 ? {} : { challenged }),
    ...(reported.length === 0 ? {} : { reported }),
    ...(conflicts === undefined ? {} : { conflicts }),
    durationMs: Math.round((options.clock.nowUs() - startedAtUs) / 1000),
  };
  await options.store.saveCycle({ id: cycleId, startedAtUs, endedAtUs: options.clock.nowUs(), report });
  tell({ phase: "done", done: decisions.length, total: decisions.length, detail: "done" });
  return report;
}

type Mined = Pick<
  LearnReport,
  "tracesAnalyzed" | "failures" | "forReview" | "lessonsProposed" | "candidatesCreated" | "refusals" | "analyzerFailures"
>;

async function mine(options: LearnOptions, tell: (progress: LearnProgress) => void): Promise<Mined> {
  const { store } = options;
  const asked =
    options.analyzers.some((analyzer) => analyzer.background !== true) ||
    (options.signals ?? []).length > 0 ||
    options.onJudged !== undefined;
  // The collector mines every minute without a model; what it read must still reach the model, and the user's own checks, when somebody asks for them.
  const reading = asked ? "full" : "background";
  const { traces, faults: abstained, forReview } = await judgeTraces(options, await store.unanalyzed(options.maxTraces ?? 1_000, reading));
  const traceIds = traces.map(({ trace }) => trace.id);
  tell({ phase: "analyze", done: 0, total: traces.length, detail: `${traces.length} new traces` });
  const refusals: (Proposal["refusals"][number] & { readonly analyzer: string })[] = [];
  const faults: Proposal["failures"][number][] = [...abstained];
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
  );
  for (const { analyzer, offered } of readings) {
    const result = await propose(offered, [analyzer], options.signal, surroundings);
    faults.push(...result.failures);
    refusals.push(...result.refusals.map((refusal) => ({ ...refusal, analyzer: analyzer.name })));
    unread.push({ analyzer: analyzer.name, offered: offered.map(({ trace }) => trace.id), kept: result.unread });
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
      const { created } = await store.propose(sifted, ACTOR);
      lessonsProposed += 1;
      if (created) candidatesCreated += 1;
    }
  }
  const tracesStayUnread = faults.some(({ error }) => mayPass(error));
  if (readings.length > 0 && !tracesStayUnread) {
    for (const { analyzer, offered, kept } of unread) await store.keep(analyzer, offered, kept);
    for (const name of new Set(refusals.map(({ analyzer }) => analyzer))) {
      const own = refusals.filter(({ analyzer }) => analyzer === name).map(({ analyzer: _analyzer, ...refusal }) => refusal);
      await store.saveRefusals(own, name);
    }
    await options.onJudged?.(traces, options.signal).catch((caught: unknown) => {
      faults.push({ analyzer: "onJudged", error: fromUnknown(caught, "telling of the outcomes") });
    });
    // Last, so that a crash before this line only proposes the same fingerprints again.
    await store.markAnalyzed(traceIds, reading);
  }
  const analyzerFailures = faults.map(({ analyzer, error: { code, message } }) => ({ analyzer, code, message, tracesStayUnread }));
  return {
    tracesAnalyzed: traces.length,
    failures: traces.filter(({ outcome }) => outcome?.status === "failure").length,
    ...(forReview.length === 0 ? {} : { forReview }),
    lessonsProposed,
    candidatesCreated,
    refusals: [
      ...refusals.map(({ analyzer, reason, traceIds: of }) => ({ analyzer, reason, traceIds: of })),
      ...analyzerFailures.map(({ analyzer, message }) => ({
        analyzer,
        reason: `it could not run: ${message}${tracesStayUnread ? "; the next cycle reads these traces again" : ""}`,
        traceIds,
      })),
    ],
    ...(analyzerFailures.length === 0 ? {} : { analyzerFailures }),
  };
}

/** Harm that was shown, or a person's no, holds until somebody restores the item; it is not undone by seeing the same lesson once more. */
function archivedAs(archived: readonly KnowledgeItem[], lesson: Lesson): KnowledgeItem | undefined {
  // An edited item keeps its fingerprint; what was archived then are other words.
  return archived.find((item) => item.fingerprint === lesson.fingerprint && nearDuplicate(item.content, lesson.content));
}
