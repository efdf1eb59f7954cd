import { types } from "node:util";
import { newTraceId } from "../base/id.ts";
import { type Scope, scopeOf } from "../knowledge/knowledge-item.ts";
import { createReporter } from "../telemetry/report.ts";
import { observeResult, type Recording } from "./observe-result.ts";
import { withOwnBaggage } from "./propagator.ts";
import { type AboutRun, type RecordingOptions, recordRun } from "./record-run.ts";
import { createExposureLedger, currentRun, withRun } from "./run-context.ts";

/** Options of `learn.trace`. The extractors see the agent's own arguments and result; what they throw is counted and leaves the field empty. */
export interface TraceOptions<Args extends readonly unknown[], Result> {
  /** `gen_ai.agent.name`. Default: the function's name, else "agent". */
  readonly name?: string;
  /** `service.name` of the run. Default: as configured, else that of its span, else OTEL_SERVICE_NAME. */
  readonly service?: string;
  /** The model that the agent calls, as `gen_ai.request.model`. Default: as configured. */
  readonly model?: string;
  /** Whom the run works for. Default: as the run around it, else as configured. "": nobody. */
  readonly tenant?: string;
  /** The same for agents that work for many, before `tenant`. Where it fails the run works for nobody. */
  readonly tenantExtractor?: (...args: Args) => string;
  /** The task as text. Default: the first argument if it is a string, else its JSON. */
  readonly inputExtractor?: (...args: Args) => string;
  /** `gen_ai.conversation.id`: all runs of one conversation share their draw. Default: none. */
  readonly conversationIdExtractor?: (...args: Args) => string;
  /** The answer as text. Default: the result if it is a string, else its JSON. */
  readonly outputExtractor?: (result: Result) => string;
}

export interface FunctionTracerOptions extends RecordingOptions {
  readonly getKnowledge: (task: string, asking: Scope) => Promise<string>;
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

export function createFunctionTracer(options: FunctionTracerOptions): FunctionTracer {
  const reporter = createReporter("learn.trace");

  function start(about: AboutRun): Recording | undefined {
    // While a candidate is tested nothing is recorded: such runs are evidence for the gate, not production.
    if (currentRun()?.fixedText !== undefined) return undefined;
    try {
      return recordRun(about, options, reporter);
    } catch (caught) {
      reporter.failure("could not start a run", caught);
      return unrecorded(about.asking);
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

  function aboutRun<Args extends readonly unknown[]>(name: string, said: TraceOptions<Args, never>, args: Args): AboutRun {
    const { service, model, tenantExtractor } = said;
    const tenant = tenantExtractor === undefined ? (said.tenant ?? currentRun()?.tenant) : guarded(() => tenantExtractor(...args));
    return {
      task: guarded(() => (said.inputExtractor ?? defaultInput)(...args)),
      conversationId: guarded(() => (said.conversationIdExtractor ?? none)(...args)),
      asking: scopeOf({ agentName: name, service: service ?? currentRun()?.service, model, tenant }),
    };
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
        const recording = start(aboutRun(name, traceOptions, args));
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
        const about = aboutRun(name, traceOptions, args);
        const run = async (): Promise<Awaited<Result>> => {
          const knowledge = await options.getKnowledge(about.task, about.asking);
          return await withOwnBaggage(() => fn.apply(this, [...args, { knowledge }]));
        };
        const recording = start(about);
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

/** Nothing is told of this run; what is asked inside is asked for whom it works for all the same. */
function unrecorded(asking: Scope): Recording {
  const run = { ...(currentRun() ?? { traceId: newTraceId(), exposures: createExposureLedger() }), ...asking };
  return { enter: (fn) => withRun(run, fn), succeed: () => undefined, fail: () => undefined };
}

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
