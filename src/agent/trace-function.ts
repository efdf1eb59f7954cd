import { types } from "node:util";
import { type Context, context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { messageOf } from "../base/error.ts";
import { newSpanId, newTraceId } from "../base/id.ts";
import { exposureAttributes } from "../injection/exposure.ts";
import type { SpanSink } from "../span/ports.ts";
import type { Attributes, AttributeValue, RawSpan } from "../span/raw-span.ts";
import { createReporter, type Reporter } from "../telemetry/report.ts";
import { observeResult, type Recording } from "./observe-result.ts";
import { withOwnBaggage } from "./propagator.ts";
import { createExposureLedger, currentRun, type RunContext, unitedExposure, withRun } from "./run-context.ts";

/** Options of `learn.trace`. The extractors see the agent's own arguments and result; what they throw is counted and leaves the field empty. */
export interface TraceOptions<Args extends readonly unknown[], Result> {
  /** `gen_ai.agent.name`. Default: the function's name, else "agent". */
  readonly name?: string;
  /** The task as text. Default: the first argument if it is a string, else its JSON. */
  readonly inputExtractor?: (...args: Args) => string;
  /** `gen_ai.conversation.id`: all runs of one conversation share their draw. Default: none. */
  readonly conversationIdExtractor?: (...args: Args) => string;
  /** The answer as text. Default: the result if it is a string, else its JSON. */
  readonly outputExtractor?: (result: Result) => string;
}

export interface FunctionTracerOptions {
  readonly sink: SpanSink;
  readonly getKnowledge: (task: string) => Promise<string>;
  readonly service?: string;
}

export interface FunctionTracer {
  /** Wraps any function in an `invoke_agent` span. Result, exception and timing pass through unchanged. */
  wrap<Args extends readonly unknown[], Result>(
    fn: (...args: Args) => Result,
    options?: TraceOptions<Args, Awaited<Result>>,
  ): (...args: Args) => Result;
  /** The same, and the agent receives `{ knowledge }` as one more, last argument. The wrapped function is async. */
  wrapInjected<Args extends readonly unknown[], Result>(
    fn: (...args: [...Args, { knowledge: string }]) => Result,
    options?: TraceOptions<Args, Awaited<Result>>,
  ): (...args: Args) => Promise<Awaited<Result>>;
}

const SCOPE = { name: "agentlearn" };

export function createFunctionTracer(options: FunctionTracerOptions): FunctionTracer {
  const reporter = createReporter("learn.trace");

  function start(name: string, task: string, conversationId: string): Recording | undefined {
    // While a candidate is tested nothing is recorded: such runs are evidence for the gate, not production.
    if (currentRun()?.fixedText !== undefined) return undefined;
    try {
      return startRecording(name, task, conversationId, options, reporter);
    } catch (caught) {
      reporter.failure("could not start a run", caught);
      return undefined;
    }
  }

  function guarded(fn: () => unknown): string {
    try {
      const text = fn();
      if (typeof text === "string") return text;
      // An async extractor: its text comes too late, and its rejection would be nobody's and end the process.
      if (types.isPromise(text)) text.catch(() => undefined);
      throw new TypeError(`it returned ${typeof text}, not text`);
    } catch (caught) {
      reporter.failure("an extractor failed", caught);
      return "";
    }
  }

  /** Runs the agent; what it throws passes through. */
  function observe<Result>(recording: Recording, run: () => Result, textOf: (result: never) => unknown): Result {
    let result: Result;
    try {
      result = recording.enter(run);
    } catch (caught) {
      recording.fail(caught);
      throw caught;
    }
    return observeResult(result, recording, (value) => guarded(() => textOf(value as never)));
  }

  return {
    wrap(fn, traceOptions = {}) {
      const name = traceOptions.name ?? (fn.name === "" ? "agent" : fn.name);
      // Not an arrow: an agent that is a method keeps its `this`.
      return function (this: unknown, ...args) {
        const recording = start(
          name,
          guarded(() => (traceOptions.inputExtractor ?? defaultInput)(...args)),
          guarded(() => (traceOptions.conversationIdExtractor ?? none)(...args)),
        );
        const run = () => Reflect.apply(fn, this, args);
        return recording === undefined ? run() : observe(recording, run, traceOptions.outputExtractor ?? textOf);
      };
    },
    wrapInjected<Args extends readonly unknown[], Result>(
      fn: (...args: [...Args, { knowledge: string }]) => Result,
      traceOptions: TraceOptions<Args, Awaited<Result>> = {},
    ): (...args: Args) => Promise<Awaited<Result>> {
      const name = traceOptions.name ?? (fn.name === "" ? "agent" : fn.name);
      return async function (this: unknown, ...args: Args): Promise<Awaited<Result>> {
        const task = guarded(() => (traceOptions.inputExtractor ?? defaultInput)(...args));
        const run = async (): Promise<Awaited<Result>> => {
          const knowledge = await options.getKnowledge(task);
          return await withOwnBaggage(() => fn.apply(this, [...args, { knowledge }]));
        };
        const conversationId = guarded(() => (traceOptions.conversationIdExtractor ?? none)(...args));
        const recording = start(name, task, conversationId);
        if (recording === undefined) return await run();
        let result: Awaited<Result>;
        try {
          result = await recording.enter(run);
        } catch (caught) {
          recording.fail(caught);
          throw caught;
        }
        // Awaited already; a generator goes on from here.
        return observe(recording, () => result, traceOptions.outputExtractor ?? textOf);
      };
    },
  };
}

/**
 * One span, told twice: to the registered SDK, if any, so that children nest under it; and to our own sink, so that it arrives also
 * where no SDK exports it. Both carry the same ids and are merged in the store.
 */
function startRecording(
  name: string,
  task: string,
  conversationId: string,
  options: FunctionTracerOptions,
  reporter: Reporter,
): Recording | undefined {
  const parent = trace.getSpan(context.active())?.spanContext();
  const attributes: Record<string, AttributeValue> = {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": name,
    ...(conversationId === "" ? {} : { "gen_ai.conversation.id": conversationId }),
    "gen_ai.input.messages": JSON.stringify([{ role: "user", parts: [{ type: "text", content: task }] }]),
  };
  const apiSpan = trace
    .getTracer(SCOPE.name)
    .startSpan(`invoke_agent ${name}`, { kind: SpanKind.INTERNAL, attributes: attributes as Record<string, string> });
  const own = apiSpan.spanContext();
  const registered = !/^0*$/.test(own.traceId);
  const outer = currentRun();
  // A run without a span of its own is `withKnowledge` outside of any: what it was given is part of the runs inside, and so is its draw.
  const spanless = outer !== undefined && !spanIds.has(outer) ? outer : undefined;
  const traceId = registered ? own.traceId : (outer?.traceId ?? newTraceId());
  const conversation = conversationId || outer?.conversationId;
  const run: RunContext = {
    traceId: spanless?.traceId ?? traceId,
    agentName: name,
    exposures: createExposureLedger(),
    ...(conversation === undefined ? {} : { conversationId: conversation }),
  };
  const enterWith =
    (scope: Context) =>
    <T>(fn: () => T): T =>
      withRun(run, () => context.with(scope, fn));
  if (registered && !apiSpan.isRecording()) {
    // A sampler that said no is obeyed, also by the spans inside: without this span above them each would be sampled as a run of its own.
    spanIds.set(run, own.spanId);
    return { enter: enterWith(trace.setSpan(context.active(), apiSpan)), succeed: () => apiSpan.end(), fail: () => apiSpan.end() };
  }
  const spanId = registered ? own.spanId : newSpanId();
  const parentSpanId = registered ? parent?.spanId : spanIds.get(outer as RunContext);
  spanIds.set(run, spanId);
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
      resource: options.service === undefined ? {} : { "service.name": options.service },
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
  return spanIds.get(run);
}

// The span id of a run of our own, for the parent link of a nested one when no SDK is registered.
const spanIds = new WeakMap<RunContext, string>();

function none(): string {
  return "";
}

function defaultInput(...args: readonly unknown[]): string {
  return textOf(args[0]);
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined ? "" : (JSON.stringify(value) ?? String(value));
}

function errorType(caught: unknown): string {
  try {
    return caught instanceof Error ? String(caught.name) : typeof caught;
  } catch {
    return "unknown";
  }
}
