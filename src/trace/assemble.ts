import type { TimeUs } from "../base/clock.ts";
import { uniteExposures } from "../span/exposure.ts";
import type { Evaluation, Span, SpanExposure } from "../span/span.ts";
import { findRuns, type Run } from "./find-runs.ts";
import { lastUserText } from "./message-text.ts";
import { modelOf } from "./model-name.ts";
import { createSpanTree, type SpanTree } from "./span-tree.ts";
import { answerText, stepsOf } from "./steps.ts";
import { costOf, usageOf } from "./totals.ts";
import type { CompletenessReason, Trace } from "./trace.ts";

/**
 * Turns spans into agent runs, oldest first. Pure, never throws; the result depends neither on the order of `spans` nor on repeated ones, so late spans
 * are taken in by assembling again. Spans of several W3C traces are kept apart. Empty when no span is GenAI.
 */
export function assemble(spans: readonly Span[], completeness: CompletenessReason): readonly Trace[] {
  const byTrace = new Map<string, Span[]>();
  for (const span of spans) {
    const group = byTrace.get(span.traceId);
    if (group === undefined) byTrace.set(span.traceId, [span]);
    else group.push(span);
  }
  const traces = [...byTrace.values()].flatMap((group) => {
    const tree = createSpanTree(group);
    const tenants = namedIn(tree.spans);
    return findRuns(tree).map((run) => ({ ...traceOf(run, tree, completeness), ...tenantOf(run, tree, tenants) }));
  });
  return traces.sort((a, b) => a.startTimeUs - b.startTimeUs || (a.id < b.id ? -1 : 1));
}

export interface ReadinessOptions {
  /** See `hasEndedRoot`. */
  readonly hasRoot: boolean;
  readonly spanCount: number;
  readonly lastArrivalUs: TimeUs;
  readonly nowUs: TimeUs;
  /** Quiet time after which a trace with an ended root is complete. Exporters flush spans and logs on their own timers. */
  readonly quietMs: number;
  /** Quiet time after which a trace without a root is taken as it is. */
  readonly idleMs: number;
  readonly maxSpans: number;
}

/** Why a trace may be assembled now; undefined means wait. */
export function readiness(options: ReadinessOptions): CompletenessReason | undefined {
  if (options.spanCount > options.maxSpans) return "limit";
  const quietMs = (options.nowUs - options.lastArrivalUs) / 1000;
  if (options.hasRoot && quietMs >= options.quietMs) return "root-ended";
  return quietMs >= options.idleMs ? "idle" : undefined;
}

/** True when a span that may be a root has arrived, and so has ended: one without parent, or an agent span whose parent is remote or not (yet) received. */
export function hasEndedRoot(spans: readonly Pick<Span, "spanId" | "parentSpanId" | "remoteParent" | "role" | "genAi">[]): boolean {
  const received = new Set(spans.map((span) => span.spanId));
  return spans.some((span) => {
    if (span.parentSpanId === undefined) return true;
    return span.genAi && span.role === "agent" && (span.remoteParent === true || !received.has(span.parentSpanId));
  });
}

function traceOf({ root, spans }: Run, tree: SpanTree, completeness: CompletenessReason): Trace {
  const { steps, llms } = stepsOf(root, spans, tree);
  const said = <K extends keyof Span>(key: K): Span[K] | undefined => root[key] ?? spans.find((span) => span[key] !== undefined)?.[key];
  const trace: { -readonly [Key in keyof Trace]: Trace[Key] } = {
    id: `${root.traceId}-${root.spanId}`,
    traceId: root.traceId,
    rootSpanId: root.spanId,
    task: taskOf(root, spans, llms),
    output: outputOf(root, spans, llms, tree),
    startTimeUs: Math.min(...spans.map((span) => span.startTimeUs)),
    endTimeUs: Math.max(...spans.map((span) => span.endTimeUs)),
    completeness,
    orphan: root.parentSpanId !== undefined && tree.parentOf(root) === undefined,
    spanCount: spans.length,
    steps,
    evaluations: evaluationsOf(spans),
  };
  const set = <K extends keyof Trace>(key: K, value: Trace[K] | undefined): void => {
    if (value !== undefined) trace[key] = value;
  };
  set("agentName", said("agentName"));
  set("service", said("service"));
  set("conversationId", said("conversationId"));
  set("userId", said("userId"));
  set("model", modelOf(root, llms, spans));
  set("usage", usageOf(root, llms, spans, tree));
  set("costUsd", costOf(root, llms, spans, tree));
  // A model call is the root only of what has none, and there the last word counts: a call may have been tried again.
  set("error", root.role === "llm" ? llms.at(-1)?.error : root.error);
  set("exposure", exposureOf(root, spans, tree));
  return trace;
}

/** The newest user text: of the root, else of the next agent or wrapper that was told one, else of the first LLM call. */
function taskOf(root: Span, spans: readonly Span[], llms: readonly Span[]): string {
  const asked = (span: Span): string => lastUserText(span.inputMessages) || (span.input ?? "");
  const told = [root, ...spans.filter((span) => span.role === "agent")].map(asked).find((text) => text !== "");
  return told ?? (llms[0] === undefined ? "" : asked(llms[0]));
}

/** The root's answer, else the text of the last LLM call of the run's own level. A call that ends in a tool call is no answer. */
function outputOf(root: Span, spans: readonly Span[], llms: readonly Span[], tree: SpanTree): string {
  const own = root.role === "llm" ? "" : answerText(root.outputMessages) || (root.output ?? "");
  if (own !== "") return own;
  const inside = insideOf(
    spans.filter((span) => span.role === "agent" && span !== root),
    tree,
  );
  const last = llms.findLast((llm) => !inside.has(llm.spanId)) ?? llms.at(-1);
  const asksTool = last?.outputMessages?.some((message) => message.parts.some((part) => part.type === "tool_call")) ?? false;
  return last === undefined || asksTool ? "" : answerText(last.outputMessages) || (last.output ?? "");
}

/** Ids of all that is below these spans, and theirs. Each is gone through once: of 10,000 agents one below the other it was 50 million. */
function insideOf(tops: readonly Span[], tree: SpanTree): ReadonlySet<string> {
  const inside = new Set<string>();
  const open = [...tops];
  for (let span = open.pop(); span !== undefined; span = open.pop()) {
    if (inside.has(span.spanId)) continue;
    inside.add(span.spanId);
    for (const child of tree.childrenOf(span)) open.push(child);
  }
  return inside;
}

/** United over the run; where no span of it carries one, the nearest span above does, since injection may happen before the agent starts. */
function exposureOf(root: Span, spans: readonly Span[], tree: SpanTree): SpanExposure | undefined {
  const inside = spans.flatMap((span) => (span.exposure === undefined ? [] : [span.exposure]));
  const above = tree.ancestorsOf(root).find((span) => span.exposure !== undefined)?.exposure;
  const exposures = inside.length > 0 || above === undefined ? inside : [above];
  return uniteExposures(exposures);
}

/**
 * The tenant that the run's own spans name; else the nearest span above does; else any span of its W3C trace, since one request works for one tenant and
 * processors leave out the plain spans on which it often stands. Where several are named, none is the run's.
 */
function tenantOf({ root, spans }: Run, tree: SpanTree, all: ReadonlySet<string>): Pick<Trace, "tenant" | "mixedTenants"> {
  if (all.size === 0) return {};
  const own = namedIn(spans);
  const above =
    own.size > 0
      ? own
      : namedIn(
          tree
            .ancestorsOf(root)
            .filter((span) => span.tenant !== undefined)
            .slice(0, 1),
        );
  const named = above.size > 0 ? above : all;
  const [only] = named;
  if (named.size > 1) return { mixedTenants: true };
  return only === undefined ? {} : { tenant: only };
}

function namedIn(spans: readonly Span[]): ReadonlySet<string> {
  return new Set(spans.flatMap(({ tenant }) => tenant ?? []));
}

function evaluationsOf(spans: readonly Span[]): readonly Evaluation[] {
  return [...new Map(spans.flatMap((span) => span.evaluations).map((evaluation) => [JSON.stringify(evaluation), evaluation])).values()];
}
