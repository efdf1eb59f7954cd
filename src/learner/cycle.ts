import type { Clock } from "../base/clock.ts";
import { newId } from "../base/id.ts";
import { render, renderTrial } from "../injection/render.ts";
import { injectable } from "../knowledge/injectable.ts";
import type { KnowledgeItem, Validation } from "../knowledge/knowledge-item.ts";
import { activate, recordValidation } from "../knowledge/life-cycle.ts";
import type { AgentRunner, ValidationCase } from "../knowledge/ports.ts";
import { createBaselineCache, validate } from "../knowledge/validate.ts";
import type { Analyzer, JudgedTrace } from "../lesson/ports.ts";
import { propose } from "../lesson/propose.ts";
import { judge, verdict } from "../outcome/judge.ts";
import type { OutcomeSignal } from "../outcome/ports.ts";
import type { Store } from "../store/ports.ts";
import type { LearnProgress, LearnReport } from "./ports.ts";

export interface LearnOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly analyzers: readonly Analyzer[];
  /** User-supplied signals that can only run where their functions live. */
  readonly signals?: readonly OutcomeSignal[];
  /** Without a runner nothing can be tested: lessons become candidates and wait for a person. */
  readonly runner?: AgentRunner;
  readonly cases?: readonly ValidationCase[];
  /** "evidence": a candidate that passes its test becomes active at the end of the cycle. "approval": a person must say so. */
  readonly activation: "approval" | "evidence";
  readonly alpha: number;
  readonly minimumGain: number;
  readonly passScore: number;
  readonly concurrency: number;
  readonly confirmReplicates: number;
  readonly maxTraces?: number;
  /** false: read what is assembled and leave incomplete traces alone. Default true: somebody asked, so everything is assembled now. */
  readonly drain?: boolean;
  readonly onProgress?: (progress: LearnProgress) => void;
  readonly signal?: AbortSignal;
}

const ACTOR = "learner";

/** One pass over what was not read yet: mine, propose, test, promote. Idempotent: a crash repeats at most the step it died in. */
export async function learn(options: LearnOptions): Promise<LearnReport> {
  const startedAtUs = options.clock.nowUs();
  const cycleId = newId();
  const tell = options.onProgress ?? (() => {});
  tell({ phase: "collect", done: 0, total: 0, detail: "assembling traces" });
  if (options.drain !== false) await options.store.drain();
  const mined = await mine(options, tell);
  const decisions = await decide(options, tell);
  const report: LearnReport = {
    cycleId,
    ...mined,
    decisions,
    deprecated: [],
    durationMs: Math.round((options.clock.nowUs() - startedAtUs) / 1000),
  };
  await options.store.saveCycle({ id: cycleId, startedAtUs, endedAtUs: options.clock.nowUs(), report });
  tell({ phase: "done", done: decisions.length, total: decisions.length, detail: "done" });
  return report;
}

type Mined = Pick<LearnReport, "tracesAnalyzed" | "failures" | "lessonsProposed" | "candidatesCreated" | "refusals">;

async function mine(options: LearnOptions, tell: (progress: LearnProgress) => void): Promise<Mined> {
  const { store } = options;
  const traces = await judged(options, await store.unanalyzed(options.maxTraces ?? 1_000));
  tell({ phase: "analyze", done: 0, total: traces.length, detail: `${traces.length} new traces` });
  const refusals: { analyzer: string; reason: string; traceIds: readonly string[] }[] = [];
  let lessonsProposed = 0;
  let candidatesCreated = 0;
  if (traces.length > 0) {
    for (const analyzer of options.analyzers) {
      const result = await propose(traces, [analyzer], options.signal);
      for (const lesson of result.lessons) {
        const { created } = await store.propose(lesson, ACTOR);
        lessonsProposed += 1;
        if (created) candidatesCreated += 1;
      }
      await store.saveRefusals(result.refusals, analyzer.name);
      refusals.push(...result.refusals.map(({ reason, traceIds }) => ({ analyzer: analyzer.name, reason, traceIds })));
    }
    // Last, so that a crash before this line only proposes the same fingerprints again.
    await store.markAnalyzed(traces.map(({ trace }) => trace.id));
  }
  const failures = traces.filter(({ outcome }) => outcome?.status === "failure").length;
  return { tracesAnalyzed: traces.length, failures, lessonsProposed, candidatesCreated, refusals };
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

async function decide(options: LearnOptions, tell: (progress: LearnProgress) => void): Promise<LearnReport["decisions"]> {
  const { store } = options;
  const cases = options.cases ?? [];
  const candidates = untested(await store.listKnowledge({ status: "candidate", limit: 1_000 }), cases.length);
  if (options.runner === undefined || cases.length === 0) {
    const missing = options.runner === undefined ? "an agent runner (setAgentRunner, or --agent)" : "eval cases (learn.eval.add)";
    return candidates.map((item) => ({
      item,
      next: `not tested: needs ${missing}; or \`agentlearn knowledge approve ${item.id.slice(0, 8)} --reason ...\``,
    }));
  }
  // What is active now stands on both sides of every test of this cycle; promotions take effect at its end.
  const active = (await store.listKnowledge({ status: "active", limit: 1_000 })).flatMap((item) => injectable(item) ?? []);
  const context = render(active);
  const baseline = createBaselineCache(context);
  const decisions: LearnReport["decisions"][number][] = [];
  for (const [index, item] of candidates.entries()) {
    const stream = (await store.validations()).filter((entry) => entry.kind === "statistical");
    const validation = await validate({
      item,
      cases,
      sourceTasks: await tasksOf(store, item.sourceTraceIds),
      runner: options.runner,
      context,
      renderWith: (candidate) => renderTrial(active, candidate),
      baseline,
      alpha: options.alpha,
      position: stream.length + 1,
      passedBefore: stream.filter((entry) => entry.decision === "pass").length,
      minimumGain: options.minimumGain,
      passScore: options.passScore,
      concurrency: options.concurrency,
      confirmReplicates: options.confirmReplicates,
      nowUs: options.clock.nowUs(),
      id: newId(),
      actor: ACTOR,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      onProgress: ({ done, total }) => tell({ phase: "validate", done, total, detail: `candidate ${index + 1} of ${candidates.length}` }),
    });
    decisions.push(await settle(options, item, validation));
  }
  return decisions;
}

/** Stores the certificate, then the new state; with activation by evidence a pass goes on to active. */
async function settle(options: LearnOptions, item: KnowledgeItem, validation: Validation): Promise<LearnReport["decisions"][number]> {
  const { store } = options;
  await store.saveValidation(validation);
  const recorded = recordValidation(item, validation, { actor: ACTOR, atUs: options.clock.nowUs() });
  await store.saveItem(recorded.item, recorded.entry);
  const short = item.id.slice(0, 8);
  if (validation.decision === "pass" && options.activation === "evidence") {
    const activated = activate(recorded.item, {
      actor: ACTOR,
      reason: "activation by evidence is configured",
      atUs: options.clock.nowUs(),
    });
    await store.saveItem(activated.item, activated.entry);
    return { item: activated.item, validation, next: "active from the next run on" };
  }
  if (validation.decision === "pass") return { item: recorded.item, validation, next: `\`agentlearn knowledge approve ${short}\`` };
  if (validation.decision === "refuse")
    return { item: recorded.item, validation, next: `\`agentlearn knowledge show ${short}\` lists what it broke` };
  return { item: recorded.item, validation, next: "add eval cases that fail today, then learn again" };
}

/**
 * A candidate is tested once per text. One that could not be decided is tested again only when the number of cases changed: every test,
 * also an undecided one, spends a position of the stream, so repeating it in vain would make all later tests harder. Best supported first.
 */
function untested(items: readonly KnowledgeItem[], cases: number): readonly KnowledgeItem[] {
  const due = ({ validation }: KnowledgeItem) =>
    validation === undefined || (validation.decision === "inconclusive" && validation.cases !== cases);
  return items.filter(due).sort((a, b) => b.sourceTraceIds.length - a.sourceTraceIds.length || a.createdAtUs - b.createdAtUs);
}

async function tasksOf(store: Store, traceIds: readonly string[]): Promise<readonly string[]> {
  const tasks: string[] = [];
  for (const id of traceIds) {
    const trace = await store.getTrace(id).catch(() => undefined);
    if (trace !== undefined && trace.task !== "") tasks.push(trace.task);
  }
  return tasks;
}
