import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { messageOf } from "../base/error.ts";
import { newSpanId, newTraceId } from "../base/id.ts";
import { exposureAttributes } from "../injection/exposure.ts";
import type { SpanSink } from "../span/ports.ts";
import type { Attributes, AttributeValue, RawSpan } from "../span/raw-span.ts";
import { createReporter, type Reporter } from "../telemetry/report.ts";
import { createExposureLedger, currentRun, type RunContext, withRun } from "./run-context.ts";

/** Options of `learn.trace`. The extractors see the agent's own arguments and result; what they throw is counted and leaves the field empty. */
export interface TraceOptions<Args extends readonly unknown[], Result> {
  /** `gen_ai.agent.name`. Default: the function's name, else "agent". */
  readonly name?: string;
  /** The task as text. Default: the first argument if it is a string, else its JSON. */
  readonly inputExtractor?: (...args: Args) => string;
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

  function start(name: string, task: string): Recording | undefined {
    // While a candidate is tested nothing is recorded: such runs are evidence for the gate, not production.
    if (currentRun()?.fixedText !== undefined) return undefined;
    try {
      return startRecording(name, task, options, reporter);
    } catch (caught) {
      reporter.failure("could not start a run", caught);
      return undefined;
    }
  }

  function guarded(fn: () => string): string {
    try {
      return fn();
    } catch (caught) {
      reporter.failure("an extractor threw", caught);
      return "";
    }
  }

  function observe<Result>(recording: Recording, run: () => Result, textOf: (result: Awaited<Result>) => string): Result {
    let result: Result;
    try {
      result = recording.enter(run);
    } catch (caught) {
      recording.fail(caught);
      throw caught;
    }
    const done = (value: Awaited<Result>) => recording.succeed(guarded(() => textOf(value)));
    if (isThenable(result)) {
      // A branch of its own: the caller gets the very promise the agent returned.
      void result.then(done as (value: unknown) => void, (caught: unknown) => recording.fail(caught));
      return result;
    }
    if (isAsyncIterator(result)) return observeGenerator(result, recording, textOf as (value: unknown) => string, guarded) as Result;
    done(result as Awaited<Result>);
    return result;
  }

  return {
    wrap(fn, traceOptions = {}) {
      const name = traceOptions.name ?? (fn.name === "" ? "agent" : fn.name);
      return (...args) => {
        const recording = start(
          name,
          guarded(() => (traceOptions.inputExtractor ?? defaultInput)(...args)),
        );
        if (recording === undefined) return fn(...args);
        return observe(recording, () => fn(...args), traceOptions.outputExtractor ?? textOf);
      };
    },
    wrapInjected<Args extends readonly unknown[], Result>(
      fn: (...args: [...Args, { knowledge: string }]) => Result,
      traceOptions: TraceOptions<Args, Awaited<Result>> = {},
    ): (...args: Args) => Promise<Awaited<Result>> {
      const name = traceOptions.name ?? (fn.name === "" ? "agent" : fn.name);
      const wrapped = async (...args: Args): Promise<unknown> => {
        const task = guarded(() => (traceOptions.inputExtractor ?? defaultInput)(...args));
        const run = async (): Promise<Awaited<Result>> => await fn(...args, { knowledge: await options.getKnowledge(task) });
        const recording = start(name, task);
        return recording === undefined
          ? await run()
          : await observe(recording, run, (result) => (traceOptions.outputExtractor ?? textOf)(result as Awaited<Result>));
      };
      return wrapped as (...args: Args) => Promise<Awaited<Result>>;
    },
  };
}

interface Recording {
  enter<T>(fn: () => T): T;
  succeed(output: string): void;
  fail(caught: unknown): void;
}

/**
 * One span, told twice: to the registered SDK, if any, so that children nest under it; and to our own sink, so that it arrives also
 * where no SDK exports it. Both carry the same ids and are merged in the store.
 */
function startRecording(name: string, task: string, options: FunctionTracerOptions, reporter: Reporter): Recording | undefined {
  const parent = trace.getSpan(context.active())?.spanContext();
  const attributes: Record<string, AttributeValue> = {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": name,
    "gen_ai.input.messages": JSON.stringify([{ role: "user", parts: [{ type: "text", content: task }] }]),
  };
  const apiSpan = trace
    .getTracer(SCOPE.name)
    .startSpan(`invoke_agent ${name}`, { kind: SpanKind.INTERNAL, attributes: attributes as Record<string, string> });
  const own = apiSpan.spanContext();
  const registered = !/^0*$/.test(own.traceId);
  // A sampler that said no is obeyed.
  if (registered && !apiSpan.isRecording()) return undefined;
  const outer = currentRun();
  const run: RunContext = { traceId: registered ? own.traceId : (outer?.traceId ?? newTraceId()), exposures: createExposureLedger() };
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
    const exposure = run.exposures.total();
    const finished: Attributes = { ...attributes, ...more, ...(exposure === undefined ? {} : exposureAttributes(exposure)) };
    if (registered) {
      apiSpan.setAttributes({ ...(more as Record<string, string>) });
      apiSpan.setStatus(status.code === 2 ? { code: SpanStatusCode.ERROR, message: status.message ?? "" } : { code: SpanStatusCode.UNSET });
      apiSpan.end();
    }
    const span: RawSpan = {
      traceId: run.traceId,
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
    enter: (fn) => withRun(run, () => context.with(scope, fn)),
    succeed: (output) =>
      end({ code: 0 }, { "gen_ai.output.messages": JSON.stringify([{ role: "assistant", parts: [{ type: "text", content: output }] }]) }),
    fail: (caught) => end({ code: 2, message: messageOf(caught) }, { "error.type": errorType(caught) }),
  };
}

// The span id of a run of our own, for the parent link of a nested one when no SDK is registered.
const spanIds = new WeakMap<RunContext, string>();

async function* observeGenerator(
  source: AsyncGenerator<unknown>,
  recording: Recording,
  textOfValue: (value: unknown) => string,
  guarded: (fn: () => string) => string,
): AsyncGenerator<unknown, unknown, unknown> {
  const pieces: string[] = [];
  try {
    let next = await recording.enter(() => source.next());
    while (next.done !== true) {
      const { value } = next;
      pieces.push(guarded(() => textOfValue(value)));
      const sent: unknown = yield value;
      next = await recording.enter(() => source.next(sent));
    }
    return next.value;
  } catch (caught) {
    recording.fail(caught);
    throw caught;
  } finally {
    // Reached at the end, on an error (already told; a second end is ignored), and when the consumer stops early.
    recording.succeed(pieces.join(""));
    await source.return(undefined);
  }
}

function defaultInput(...args: readonly unknown[]): string {
  return textOf(args[0]);
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined ? "" : (JSON.stringify(value) ?? String(value));
}

function errorType(caught: unknown): string {
  return caught instanceof Error ? caught.name : typeof caught;
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null)?.then === "function";
}

function isAsyncIterator(value: unknown): value is AsyncGenerator<unknown> {
  const candidate = value as { next?: unknown; return?: unknown; [Symbol.asyncIterator]?: unknown } | null;
  return (
    typeof candidate?.next === "function" && typeof candidate.return === "function" && typeof candidate[Symbol.asyncIterator] === "function"
  );
}
