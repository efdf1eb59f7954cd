import { type ContentCall, carriesContent, scopeContentOf, uniteScopes } from "../span/content.ts";
import type { RawBatch, RawLog, RawSpan } from "../span/raw-span.ts";
import type { ScopeContent, Span } from "../span/span.ts";
import { isTruncated } from "../span/truncated.ts";
import type { ArrivedTrace, IngestStore, TraceDiagnostics } from "../store/ports.ts";
import { RECORDS_DROPPED } from "../telemetry/attributes.ts";
import { assemble } from "../trace/assemble.ts";
import type { Step } from "../trace/trace.ts";
import { logsBySpan, spansOfBatch } from "./ingest.ts";

export interface DiagnosisOptions {
  readonly store: Pick<IngestStore, "recentTraces" | "spansOf">;
  /** Default 200 traces. */
  readonly maxTraces?: number;
  /** The trace that goes over it is the last one that is read. Default 20,000 spans. */
  readonly maxSpans?: number;
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly nowMs?: () => number;
}

type Findings = Omit<TraceDiagnostics, "traces">;

// Under load all of the newest traces are new at every look. Whoever asks once a second must not take a tenth of the thread that appends.
const CHEAP_MS = 50;
const REST = 20;

/**
 * Says what is missing in the newest traces; shapes as `Store.diagnostics` promises. Each call reads only the traces that changed since the last one,
 * and gives the thread back between two of them; after a look that took long the same answer stands for twenty times as long. Rejects only when the store does.
 */
export function createDiagnosis({
  store,
  maxTraces = 200,
  maxSpans = 20_000,
  nowMs = () => performance.now(),
}: DiagnosisOptions): () => Promise<TraceDiagnostics> {
  let known = new Map<string, { readonly seen: ArrivedTrace; readonly findings: Findings }>();
  let last: { readonly diagnostics: TraceDiagnostics; readonly until: number } | undefined;
  const look = async (): Promise<TraceDiagnostics> => {
    const read: typeof known = new Map();
    let spans = 0;
    for (const trace of await store.recentTraces(maxTraces)) {
      if (spans >= maxSpans) break;
      spans += trace.spanCount;
      const before = known.get(trace.traceId);
      const same = before?.seen.lastArrivalUs === trace.lastArrivalUs && before.seen.spanCount === trace.spanCount;
      if (before !== undefined && same) read.set(trace.traceId, before);
      else {
        read.set(trace.traceId, { seen: trace, findings: findingsIn(await store.spansOf(trace.traceId)) });
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    known = read;
    return { traces: read.size, ...united([...read.values()].map(({ findings }) => findings)) };
  };
  return async () => {
    const began = nowMs();
    if (last !== undefined && began < last.until) return last.diagnostics;
    const diagnostics = await look();
    const tookMs = nowMs() - began;
    if (tookMs > CHEAP_MS) last = { diagnostics, until: nowMs() + REST * tookMs };
    return diagnostics;
  };
}

/** What one W3C trace shows. Pure; never throws. */
export function findingsIn(batch: RawBatch): Findings {
  const spans = spansOfBatch(batch);
  const logs = logsBySpan(batch.logs);
  const logsOf = (span: RawSpan): readonly RawLog[] => logs.get(span.spanId) ?? [];
  const steps = assemble(spans, "flush").flatMap((trace) => trace.steps);
  return {
    spans: spans.length,
    scopes: scopesOf(batch.spans, spans, logsOf),
    dropped: batch.spans.reduce((sum, { attributes }) => sum + countOf(attributes[RECORDS_DROPPED]), 0),
    truncated: batch.spans.filter((span) => isTruncated(span, logsOf(span))).length,
    inferred: inferredIn(steps, spans),
  };
}

function united(all: readonly Findings[]): Findings {
  const sum = (of: (findings: Findings) => number): number => all.reduce((total, findings) => total + of(findings), 0);
  return {
    spans: sum(({ spans }) => spans),
    scopes: uniteScopes(all.flatMap(({ scopes }) => scopes)),
    dropped: sum(({ dropped }) => dropped),
    truncated: sum(({ truncated }) => truncated),
    inferred: {
      steps: sum(({ inferred }) => inferred.steps),
      errors: sum(({ inferred }) => inferred.errors),
      backfilled: sum(({ inferred }) => inferred.backfilled),
    },
  };
}

function scopesOf(raws: readonly RawSpan[], spans: readonly Span[], logsOf: (span: RawSpan) => readonly RawLog[]): readonly ScopeContent[] {
  const told = toldElsewhere(spans);
  const scopes = raws.flatMap((raw, index) => {
    const span = spans[index];
    if (span?.role !== "llm") return [];
    const call: ContentCall = { span, logRecords: logsOf(raw).length, toldElsewhere: told.has(span.spanId) };
    return [scopeContentOf(placeOf(raw), [call])];
  });
  return uniteScopes(scopes);
}

function placeOf({ scope, resource }: RawSpan): Pick<ScopeContent, "scope" | "language" | "service"> {
  const language = resource["telemetry.sdk.language"];
  const service = resource["service.name"];
  return {
    scope: scope.name,
    ...(typeof language === "string" ? { language } : {}),
    ...(typeof service === "string" ? { service } : {}),
  };
}

/** Ids of the LLM spans around and inside one with content: a framework's chat span and the client library's are one call, told once. */
function toldElsewhere(spans: readonly Span[]): ReadonlySet<string> {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const told = new Set<string>();
  for (const span of spans) {
    if (span.role !== "llm") continue;
    const chain = [span, ...llmAround(span, byId)];
    if (chain.some(carriesContent)) for (const { spanId } of chain) told.add(spanId);
  }
  return told;
}

/** The LLM spans above, innermost first, up to the next tool or agent: work below those is of its own. */
function llmAround(span: Span, byId: ReadonlyMap<string, Span>): readonly Span[] {
  const around: Span[] = [];
  const visited = new Set([span.spanId]);
  let above = byId.get(span.parentSpanId ?? "");
  while (above !== undefined && !visited.has(above.spanId) && above.role !== "tool" && above.role !== "agent") {
    visited.add(above.spanId);
    if (above.role === "llm") around.push(above);
    above = byId.get(above.parentSpanId ?? "");
  }
  return around;
}

function inferredIn(steps: readonly Step[], spans: readonly Span[]): TraceDiagnostics["inferred"] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const tools = steps.filter(({ kind }) => kind === "tool");
  const own = tools.flatMap((step) => {
    const span = byId.get(step.spanId ?? "");
    return span === undefined ? [] : [{ step, span }];
  });
  return {
    steps: tools.filter(({ spanId }) => spanId === undefined).length,
    errors: tools.filter(({ inferred, error, spanId }) => error !== undefined && inferred && spanId !== undefined).length,
    backfilled: own.filter(({ step, span }) => isBackfilled(step, span)).length,
  };
}

function isBackfilled(step: Step, span: Span): boolean {
  const given = span.tool?.arguments !== undefined || span.input !== undefined;
  const returned = span.tool?.result !== undefined || span.output !== undefined;
  return (!given && step.input !== "") || (!returned && step.output !== "");
}

function countOf(value: unknown): number {
  return typeof value === "number" && value > 0 ? value : 0;
}
