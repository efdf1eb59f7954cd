import { type Context, context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { messageOf } from "../base/error.ts";
import { newSpanId, newTraceId } from "../base/id.ts";
import { exposureAttributes } from "../injection/exposure.ts";
import { type Scope, scopeOf } from "../knowledge/knowledge-item.ts";
import type { SpanSink } from "../span/ports.ts";
import type { Attributes, AttributeValue, RawSpan } from "../span/raw-span.ts";
import { TENANT } from "../telemetry/attributes.ts";
import type { Reporter } from "../telemetry/report.ts";
import { serviceNameOf } from "../telemetry/service-name.ts";
import { whoAsks } from "./asking.ts";
import type { Recording } from "./observe-result.ts";
import { createExposureLedger, currentRun, type ExposureLedger, type RunContext, unitedExposure, withRun } from "./run-context.ts";

export interface RecordingOptions {
  readonly sink: SpanSink;
  /** Of this process, where the options of a run do not say. */
  readonly service?: string | undefined;
  /** Where its span does not say either. */
  readonly fallbackService?: string | undefined;
  readonly model?: string | undefined;
  readonly tenant?: string | undefined;
}

const SCOPE = { name: "agentlearn" };

/** What a run says of itself as it begins. */
export interface AboutRun {
  readonly task: string;
  /** "" for none. */
  readonly conversationId: string;
  /** Who asks in it: the agent's name, and what else is said of this run. */
  readonly asking: Scope;
}

/**
 * One span, told twice: to the registered SDK, if any, so that children nest under it; and to our own sink, so that it arrives also
 * where no SDK exports it. Both carry the same ids and are merged in the store.
 */
export function recordRun(about: AboutRun, options: RecordingOptions, reporter: Reporter): Recording | undefined {
  const { task, conversationId, asking } = about;
  const name = asking.agentName ?? "agent";
  const own = whoAsks(scopeOf({ service: options.service, model: options.model, tenant: options.tenant }), asking);
  const parent = trace.getSpan(context.active())?.spanContext();
  const attributes: Record<string, AttributeValue> = {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": name,
    ...(own.model === undefined ? {} : { "gen_ai.request.model": own.model }),
    ...(own.tenant === undefined ? {} : { [TENANT]: own.tenant }),
    ...(conversationId === "" ? {} : { "gen_ai.conversation.id": conversationId }),
    "gen_ai.input.messages": JSON.stringify([{ role: "user", parts: [{ type: "text", content: task }] }]),
  };
  const apiSpan = trace
    .getTracer(SCOPE.name)
    .startSpan(`invoke_agent ${name}`, { kind: SpanKind.INTERNAL, attributes: attributes as Record<string, string> });
  const ids = apiSpan.spanContext();
  const registered = !/^0*$/.test(ids.traceId);
  const outer = currentRun();
  // A run without a span of its own is `withKnowledge` outside of any: what it was given is part of the runs inside, and so is its draw.
  const spanless = outer !== undefined && !spanIds.has(outer.exposures) ? outer : undefined;
  const traceId = registered ? ids.traceId : (outer?.traceId ?? newTraceId());
  const conversation = conversationId || outer?.conversationId;
  const run: RunContext = {
    traceId: spanless?.traceId ?? traceId,
    ...asking,
    exposures: createExposureLedger(),
    ...(conversation === undefined ? {} : { conversationId: conversation }),
  };
  const enterWith =
    (scope: Context) =>
    <T>(fn: () => T): T =>
      withRun(run, () => context.with(scope, fn));
  if (registered && !apiSpan.isRecording()) {
    // A sampler that said no is obeyed, also by the spans inside: without this span above them each would be sampled as a run of its own.
    spanIds.set(run.exposures, ids.spanId);
    return { enter: enterWith(trace.setSpan(context.active(), apiSpan)), succeed: () => apiSpan.end(), fail: () => apiSpan.end() };
  }
  const spanId = registered ? ids.spanId : newSpanId();
  const parentSpanId = registered ? parent?.spanId : outer === undefined ? undefined : spanIdOf(outer);
  spanIds.set(run.exposures, spanId);
  const service = own.service ?? serviceNameOf(apiSpan) ?? options.fallbackService;
  const startTimeUs = Date.now() * 1000;
  const scope = registered ? trace.setSpan(context.active(), apiSpan) : context.active();
  let ended = false;

  function end(status: RawSpan["status"], more: Attributes): void {
    if (ended) return;
    ended = true;
    try {
      finish(status, more);
    } catch (caught) {
      reporter.failure("could not end a run", caught);
    }
  }

  function finish(status: RawSpan["status"], more: Attributes): void {
    const exposure = unitedExposure(spanless?.exposures.total(), run.exposures.total());
    const finished: Attributes = { ...attributes, ...more, ...(exposure === undefined ? {} : exposureAttributes(exposure)) };
    if (registered) {
      apiSpan.setAttributes({ ...(more as Record<string, string>) });
      apiSpan.setStatus(status.code === 2 ? { code: SpanStatusCode.ERROR, message: status.message ?? "" } : { code: SpanStatusCode.UNSET });
      apiSpan.end();
    }
    const span: RawSpan = {
      traceId,
      spanId,
      ...(parentSpanId === undefined ? {} : { parentSpanId }),
      name: `invoke_agent ${name}`,
      kind: 1,
      startTimeUs,
      endTimeUs: Date.now() * 1000,
      attributes: finished,
      events: [],
      links: [],
      status,
      resource: service === undefined ? {} : { "service.name": service },
      scope: SCOPE,
    };
    options.sink.submit({ spans: [span], logs: [] });
  }

  return {
    enter: enterWith(scope),
    succeed: (output) =>
      end({ code: 0 }, { "gen_ai.output.messages": JSON.stringify([{ role: "assistant", parts: [{ type: "text", content: output }] }]) }),
    fail: (caught) => end({ code: 2, message: messageOf(caught) }, { "error.type": errorType(caught) }),
  };
}

/** The span of a run that `learn.trace` began; `withKnowledge` begins runs without one. */
export function spanIdOf(run: RunContext): string | undefined {
  return spanIds.get(run.exposures);
}

// The span id of a run of our own, for the parent link of a nested one when no SDK is registered. By its ledger: a part of a run that asks in another
// name has a context of its own, and is the same run.
const spanIds = new WeakMap<ExposureLedger, string>();

function errorType(caught: unknown): string {
  try {
    return caught instanceof Error ? String(caught.name) : typeof caught;
  } catch {
    return "unknown";
  }
}
