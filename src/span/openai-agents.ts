import { createReporter } from "../telemetry/report.ts";
import { createCopier } from "./copy-value.ts";
import { createDelivery } from "./delivery.ts";
import { type AgentsSpanLike, type AgentsTraceLike, rawSpanFromAgents } from "./from-openai-agents.ts";
import type { BridgeOptions, OuterRun } from "./ports.ts";

/** Fits TracingProcessor of `@openai/agents`. No hook throws, no promise rejects. */
export interface TracingProcessorLike {
  onTraceStart(trace: AgentsTraceLike): Promise<void>;
  onTraceEnd(trace: AgentsTraceLike): Promise<void>;
  onSpanStart(span: AgentsSpanLike): Promise<void>;
  onSpanEnd(span: AgentsSpanLike): Promise<void>;
  forceFlush(): Promise<void>;
  shutdown(timeoutMs?: number): Promise<void>;
}

interface OpenTrace {
  readonly trace: AgentsTraceLike;
  readonly outer: OuterRun | undefined;
}

// Traces and tasks that never end are forgotten, oldest first; the spans of a forgotten trace miss its conversation and user, no more.
const MAX_OPEN = 1_000;

/** Makes spans of what the OpenAI Agents SDK tells its trace processors, as they end, and hands them to the sink. */
export function createTracingProcessor(options: BridgeOptions): TracingProcessorLike {
  const reporter = options.reporter ?? createReporter("openai-agents");
  const delivery = createDelivery({ sink: options.sink, maxFlushMs: options.maxFlushMs ?? 5_000, reporter });
  const traces = createRecent<OpenTrace>(MAX_OPEN);
  /** Of each open task, the agent it began with. */
  const beganWith = createRecent<string>(MAX_OPEN);

  async function guarded(what: string, run: () => void): Promise<void> {
    try {
      if (!delivery.closed()) run();
    } catch (caught) {
      reporter.failure(what, caught);
    }
  }

  /** A run of ours is joined; any other span of the host has ids that the SDK's own traces never had. */
  function outerOf(): OuterRun | undefined {
    const outer = options.outer?.();
    if (outer === undefined || outer.own) return outer;
    const { spanId: _hosts, ...run } = outer;
    return run;
  }

  function noteAgent({ spanData, parentId }: AgentsSpanLike): void {
    const { type, name } = spanData as { readonly type?: unknown; readonly name?: unknown };
    if (type !== "agent" || typeof name !== "string" || typeof parentId !== "string") return;
    if (beganWith.get(parentId) === undefined) beganWith.set(parentId, name);
  }

  return {
    onTraceStart: (trace) => guarded("could not note a trace", () => traces.set(trace.traceId, { trace, outer: outerOf() })),
    onTraceEnd: (trace) => guarded("could not forget a trace", () => traces.delete(trace.traceId)),
    onSpanStart: (span) => guarded("could not note a span", () => noteAgent(span)),
    onSpanEnd: (span) =>
      guarded("could not copy a span", () => {
        noteAgent(span);
        const known = traces.get(span.traceId);
        if (known?.outer?.sampled === false) return;
        const agentName = beganWith.get(span.spanId);
        beganWith.delete(span.spanId);
        const copier = createCopier();
        const context = { trace: known?.trace, outer: known?.outer, agentName, resource: options.resource };
        delivery.span(rawSpanFromAgents(span, context, copier), copier.length());
      }),
    forceFlush: delivery.flush,
    shutdown: delivery.shutdown,
  };
}

interface Recent<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
}

/** A map that forgets its oldest entry beyond `max`. */
function createRecent<T>(max: number): Recent<T> {
  const entries = new Map<string, T>();
  return {
    get: (key) => entries.get(key),
    set(key, value) {
      entries.set(key, value);
      if (entries.size <= max) return;
      const oldest = entries.keys().next();
      if (oldest.done !== true) entries.delete(oldest.value);
    },
    delete: (key) => void entries.delete(key),
  };
}
