import type { GivenKnowledge, KnowledgeCallOptions } from "../agent/knowledge-client.ts";
import { createFunctionTracer, type FunctionTracer, type TraceOptions } from "../agent/trace-function.ts";
import { systemClock } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { userName } from "../base/user-name.ts";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load-config.ts";
import type { EmbeddingModel } from "../embedding/embedding-model.ts";
import type { EvalComparison } from "../evaluation/compare.ts";
import type { EvalRun } from "../evaluation/evaluation.ts";
import type { Injector } from "../injection/injector.ts";
import type { Blame } from "../knowledge/blame.ts";
import type { AgentRunner } from "../knowledge/ports.ts";
import { createKnowledgeDesk, type KnowledgeDesk } from "../learner/knowledge-desk.ts";
import type { LearnPlan } from "../learner/plan-cycle.ts";
import type { LearnReport } from "../learner/ports.ts";
import { createSnapshotDesk, type SnapshotDesk } from "../learner/snapshot-desk.ts";
import type { Feedback } from "../outcome/outcome.ts";
import { serviceNameIn } from "../telemetry/service-name.ts";
import type { TraceFilter } from "../trace/ports.ts";
import type { Trace, TraceSummary } from "../trace/trace.ts";
import { type CompareCallOptions, createEvalDesk, type EvalDesk, type EvaluateCallOptions } from "./eval-desk.ts";
import { targetOf } from "./from-config.ts";
import { type KnowledgeAccess, openKnowledgeAccess } from "./knowledge-access.ts";
import { type BlameCallOptions, createLearnDesk, type LearnCallOptions, type LearnDesk, type LearnParts } from "./learn-desk.ts";
import { acquireRuntime, type Runtime } from "./runtime.ts";

/** Everything `config` knows, as code passes it, and the parts that only code can pass. */
export interface AgentLearnOptions extends Partial<Omit<Config, "injector">>, LearnParts {
  /** One of those that ship, by name, or any: `createCanaryInjector({ share: 0.1 })`, or one of your own. */
  readonly injector?: Config["injector"] | Injector;
  /** Turns text into vectors for the injectors embedding and hybrid. Default: the table that ships with the package. */
  readonly embedding?: EmbeddingModel;
}

/**
 * The learning loop of one agent process. Tracing and `getKnowledge` never throw into the agent; everything else rejects with LearnError.
 * With `store` it reads and writes a libSQL file or server; with `endpoint` it speaks to a collector, which does the learning.
 */
export class AgentLearn {
  readonly config: Config;
  /** Read, approve, reject, edit, pin and retire items. */
  readonly knowledge: KnowledgeDesk;
  /** States of all knowledge to compare and to go back to. */
  readonly snapshots: SnapshotDesk;
  readonly eval: Pick<EvalDesk, "add" | "list">;
  readonly traces: {
    list(filter?: TraceFilter): Promise<readonly TraceSummary[]>;
    show(id: string): Promise<Trace>;
    search(text: string, limit?: number): Promise<readonly TraceSummary[]>;
  };
  readonly #runtime: Runtime;
  readonly #access: KnowledgeAccess;
  readonly #tracer: FunctionTracer;
  readonly #evals: EvalDesk;
  readonly #learner: LearnDesk;

  constructor(options: AgentLearnOptions = {}) {
    const {
      checks: _checks,
      outcomes: _outcomes,
      analyzers: _analyzers,
      human: _human,
      onProgress: _onProgress,
      retry: _retry,
      injector,
      embedding,
      ...rest
    } = options;
    const own = typeof injector === "object" ? injector : undefined;
    const code = typeof injector === "string" ? { ...rest, injector } : rest;
    const config = loadConfig({ code, env: process.env });
    this.config = config;
    this.#runtime = acquireRuntime(targetOf(config), {
      name: `agent ${config.agentName ?? "agent"}`,
      quietMs: config.quietMs,
      idleMs: config.idleMs,
      // An agent appends and goes on with its work; whoever learns, reads or runs `agentlearn up` does the rest.
      ingest: "on-demand",
    });
    const { store, sink } = this.#runtime;
    const needStore = (what: string): void => requireStore(config, what);
    this.#access = openKnowledgeAccess(this.#runtime, config, { injector: own, embedding });
    this.#tracer = createFunctionTracer({
      sink,
      getKnowledge: (task, asking) => this.#access.client.getKnowledge(task, asking),
      service: config.serviceName,
      fallbackService: serviceNameIn(process.env),
      model: config.agentModel,
      tenant: config.tenant,
    });
    this.#evals = createEvalDesk({ store, needStore, config });
    this.#learner = createLearnDesk({
      store,
      who: `agent ${config.agentName ?? "agent"}`,
      needStore,
      flush: () => this.flush(),
      evals: this.#evals,
      config,
      parts: options,
    });
    const { add, list } = this.#evals;
    this.eval = { add, list };
    this.knowledge = createKnowledgeDesk({ store, clock: systemClock, actor: `api:${userName()}`, safety: this.#learner.safety });
    this.snapshots = createSnapshotDesk({ store, clock: systemClock, actor: `api:${userName()}` });
    this.traces = {
      list: (filter = {}) => store.listTraces(filter),
      show: (id) => store.getTrace(id),
      search: (text, limit = 20) => store.searchTraces(text, limit),
    };
  }

  /** Observes a function as an agent run. The wrapped function behaves exactly as before. */
  trace<Args extends readonly unknown[], Result>(
    fn: (...args: [...Args, { knowledge: string }]) => Result,
    options: TraceOptions<Args, Awaited<Result>> & { readonly autoInject: true },
  ): (...args: Args) => Promise<Awaited<Result>>;
  trace<Args extends readonly unknown[], Result>(
    fn: (...args: Args) => Result,
    options?: TraceOptions<Args, Awaited<Result>> & { readonly autoInject?: false },
  ): (...args: Args) => Result;
  trace(
    fn: (...args: never[]) => unknown,
    options: TraceOptions<never[], never> & { readonly autoInject?: boolean } = {},
  ): (...args: never[]) => unknown {
    const agent = fn as (...args: unknown[]) => unknown;
    const named = { ...(this.config.agentName === undefined ? {} : { name: this.config.agentName }), ...options } as TraceOptions<
      unknown[],
      unknown
    >;
    return options.autoInject === true ? this.#tracer.wrapInjected(agent, named) : this.#tracer.wrap(agent, named);
  }

  /** The knowledge for a task as text for the prompt; "" when nothing applies. Never rejects. */
  getKnowledge(task: string, options: KnowledgeCallOptions = {}): Promise<string> {
    return this.#access.client.getKnowledge(task, options);
  }

  /** The same with the items, and a run that everything inside belongs to. */
  withKnowledge<T>(task: string, fn: (knowledge: GivenKnowledge) => Promise<T> | T, options: KnowledgeCallOptions = {}): Promise<T> {
    return this.#access.client.withKnowledge(task, fn, options);
  }

  /** The text of an item of which only a line was given (injector hybrid): what the tool `recallKnowledgeTool` answers. Never rejects. */
  recallKnowledge(id: string): Promise<string> {
    return this.#access.client.recall(id);
  }

  /** The agent as the validator runs it: it must put `knowledge` into its prompt. `getKnowledge` inside it answers with that same text. */
  setAgentRunner(runner: AgentRunner): void {
    this.#learner.setRunner(runner);
  }

  /** One learn cycle: mines what was not read yet, and tests candidates when there is a runner and there are eval cases. */
  async learn(options: LearnCallOptions = {}): Promise<LearnReport> {
    const report = await this.#learner.learn(options);
    // What was learnt is in the very next prompt.
    await this.#access.refresh();
    return report;
  }

  /** What `learn` would read and test now, and about what it would cost. Writes nothing and asks no model. */
  plan(): Promise<LearnPlan> {
    return this.#learner.plan();
  }

  /**
   * Which of the items given to a run made it fail, by their lift over all runs; with `replay` also by repeating the run with each left out, which needs
   * setAgentRunner and a way to score the task: `scorer`, or an eval case with the same task.
   */
  blame(traceId: string, options: BlameCallOptions = {}): Promise<Blame> {
    return this.#learner.blame(traceId, options);
  }

  /** Runs the agent on every eval case and stores the result. Scorer precedence: the case's, the judge where the case has a judgePrompt, the call's, comparison with expectedOutput. */
  evaluate(agent: (task: string) => Promise<string> | string, options: EvaluateCallOptions): Promise<EvalRun & { readonly runId: string }> {
    return this.#evals.evaluate(agent, options);
  }

  /** Compares two stored runs, or their ids or names, over their common cases; with `judge` also the answers themselves, which scores of open questions don't tell. */
  compareEvalRuns(a: string | EvalRun, b: string | EvalRun, options: CompareCallOptions = {}): Promise<EvalComparison> {
    return this.#evals.compare(a, b, options);
  }

  /** A word on a run, by W3C trace id or run id; also before its spans arrive. */
  feedback(feedback: Feedback): Promise<void> {
    return this.#access.feedback(feedback);
  }

  /** Resolves once everything traced so far is durable, or after the deadline. Never rejects. */
  flush(timeoutMs = 5_000): Promise<void> {
    return this.#runtime.sink.flush(timeoutMs);
  }

  /** Flushes and lets go of the store. Safe twice. */
  close(timeoutMs = 5_000): Promise<void> {
    this.#access.close();
    return this.#runtime.release(timeoutMs);
  }
}

function requireStore({ endpoint }: Config, what: string): void {
  if (endpoint === undefined) return;
  throw new LearnError("invalid", `${what} needs the store, and this instance only knows the collector at ${endpoint}`, {
    hint: "run `agentlearn learn` where the collector runs, or pass { store } instead of { endpoint }",
  });
}
