import { createKnowledgeClient, type GivenKnowledge, type KnowledgeCallOptions, type KnowledgeClient } from "../agent/knowledge-client.ts";
import { createRemoteKnowledge } from "../agent/remote-knowledge.ts";
import { createExposureLedger, withRun } from "../agent/run-context.ts";
import { createFunctionTracer, type FunctionTracer, type TraceOptions } from "../agent/trace-function.ts";
import { systemClock } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { newId, newTraceId } from "../base/id.ts";
import { foldText } from "../base/similarity.ts";
import { userName } from "../base/user-name.ts";
import { type Config, loadConfig } from "../config/config.ts";
import type { EmbeddingModel } from "../embedding/embedding-model.ts";
import { compareEvalRuns, type EvalComparison } from "../evaluation/compare.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import type { EvalCase, EvalRun } from "../evaluation/evaluation.ts";
import type { Scorer } from "../evaluation/ports.ts";
import { exactScorer } from "../evaluation/scorers.ts";
import type { Injector } from "../injection/injector.ts";
import type { Blame } from "../knowledge/blame.ts";
import type { HumanInLoopValidator } from "../knowledge/human-validator.ts";
import type { AgentRunner, ValidationCase } from "../knowledge/ports.ts";
import { blame } from "../learner/blame.ts";
import { learn } from "../learner/cycle.ts";
import { createKnowledgeDesk, type KnowledgeDesk } from "../learner/knowledge-desk.ts";
import type { LearnProgress, LearnReport } from "../learner/ports.ts";
import { createSnapshotDesk, type SnapshotDesk } from "../learner/snapshot-desk.ts";
import type { Analyzer } from "../lesson/ports.ts";
import { deterministicSignal } from "../outcome/deterministic-signal.ts";
import type { Feedback } from "../outcome/outcome.ts";
import type { OutcomeSignal, TraceCheck } from "../outcome/ports.ts";
import { createKnowledgeReplica, type KnowledgeReplica } from "../retrieval/replica.ts";
import type { Store } from "../store/ports.ts";
import { withoutTracing } from "../telemetry/suppress.ts";
import type { TraceFilter } from "../trace/ports.ts";
import type { Trace, TraceSummary } from "../trace/trace.ts";
import { evalCaseOf, type NewEvalCase, obstacleOf } from "./eval-cases.ts";
import { apiUrlOf, baggagePolicy, defaultAnalyzers, defaultConflictJudge, targetOf } from "./from-config.ts";
import { injectionFrom } from "./injection-from.ts";
import { acquireRuntime, type Runtime } from "./runtime.ts";
import { shippedModel } from "./shipped-model.ts";

/** Everything `config` knows, as code passes it, and the parts that only code can pass. */
export interface AgentLearnOptions extends Partial<Omit<Config, "injector">> {
  /** One of those that ship, by name, or any: `createCanaryInjector({ share: 0.1 })`, or one of your own. */
  readonly injector?: Config["injector"] | Injector;
  /** Turns text into vectors for the injectors embedding and hybrid. Default: the table that ships with the package. */
  readonly embedding?: EmbeddingModel;
  /** User-supplied checks on every run, applied when learning. */
  readonly checks?: readonly TraceCheck[];
  readonly signals?: readonly OutcomeSignal[];
  /** Default: RecoveryAnalyzer, and LLMAnalyzer when a key or a base URL is configured. */
  readonly analyzers?: readonly Analyzer[];
  /** Asked about items that wait for a person: `createHumanInLoopValidator({ approve })`. Default: they wait for `agentlearn knowledge approve`. */
  readonly human?: HumanInLoopValidator;
  readonly onProgress?: (progress: LearnProgress) => void;
}

export interface LearnCallOptions {
  readonly onProgress?: (progress: LearnProgress) => void;
  readonly signal?: AbortSignal;
  readonly concurrency?: number;
}

export interface BlameCallOptions {
  /** Runs the agent again, `replicates` times with everything and as often without each item. */
  readonly replay?: boolean;
  readonly scorer?: Scorer;
  /** Default 8. */
  readonly replicates?: number;
  readonly signal?: AbortSignal;
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
  readonly eval: { add(cases: NewEvalCase | readonly NewEvalCase[]): Promise<void>; list(): Promise<readonly EvalCase[]> };
  readonly traces: {
    list(filter?: TraceFilter): Promise<readonly TraceSummary[]>;
    show(id: string): Promise<Trace>;
    search(text: string, limit?: number): Promise<readonly TraceSummary[]>;
  };
  readonly #options: AgentLearnOptions;
  readonly #runtime: Runtime;
  readonly #copy: KnowledgeReplica;
  readonly #client: KnowledgeClient;
  readonly #tracer: FunctionTracer;
  readonly #sendFeedback: (feedback: Feedback) => Promise<void>;
  readonly #scorers = new Map<string, Scorer>();
  #runner: AgentRunner | undefined;

  constructor(options: AgentLearnOptions = {}) {
    const {
      checks: _checks,
      signals: _signals,
      analyzers: _analyzers,
      human: _human,
      onProgress: _onProgress,
      injector,
      embedding,
      ...rest
    } = options;
    this.#options = options;
    const own = typeof injector === "object" ? injector : undefined;
    const code = typeof injector === "string" ? { ...rest, injector } : rest;
    this.config = loadConfig({ code, env: process.env });
    this.#runtime = acquireRuntime(targetOf(this.config), {
      name: `agent ${this.config.agentName ?? "agent"}`,
      quietMs: this.config.quietMs,
      idleMs: this.config.idleMs,
      // An agent appends and goes on with its work; whoever learns, reads or runs `agentlearn up` does the rest.
      ingest: "on-demand",
    });
    const remote =
      this.config.endpoint === undefined ? undefined : createRemoteKnowledge({ apiUrl: apiUrlOf(this.config), token: this.config.token });
    const { store } = this.#runtime;
    this.#copy =
      remote === undefined ? this.#runtime.knowledge : createKnowledgeReplica({ feed: remote, model: shippedModel, embedsItems: true });
    if (embedding !== undefined) void this.#copy.useModel(embedding);
    this.#sendFeedback = remote === undefined ? (feedback) => store.addFeedback(feedback) : (feedback) => remote.feedback(feedback);
    const sources = { search: this.#copy, ...(remote === undefined ? { library: store } : {}) };
    this.#client = createKnowledgeClient({
      source: injectionFrom(sources, this.config, { injector: own, embedding }),
      baggage: baggagePolicy(this.config),
      ...(this.config.agentName === undefined ? {} : { agentName: this.config.agentName }),
    });
    this.#tracer = createFunctionTracer({ sink: this.#runtime.sink, getKnowledge: (task) => this.#client.getKnowledge(task) });
    this.knowledge = createKnowledgeDesk({ store, clock: systemClock, actor: `api:${userName()}` });
    this.snapshots = createSnapshotDesk({ store, clock: systemClock, actor: `api:${userName()}` });
    this.eval = { add: (cases) => this.#addCases(cases), list: () => store.listEvalCases() };
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
    return this.#client.getKnowledge(task, options);
  }

  /** The same with the items, and a run that everything inside belongs to. */
  withKnowledge<T>(task: string, fn: (knowledge: GivenKnowledge) => Promise<T> | T, options: KnowledgeCallOptions = {}): Promise<T> {
    return this.#client.withKnowledge(task, fn, options);
  }

  /** The text of an item of which only a line was given (injector hybrid): what the tool `recallKnowledgeTool` answers. Never rejects. */
  recallKnowledge(id: string): Promise<string> {
    return this.#client.recall(id);
  }

  /** The agent as the validator runs it: it must put `knowledge` into its prompt. `getKnowledge` inside it answers with that same text. */
  setAgentRunner(runner: AgentRunner): void {
    this.#runner = (task, knowledge, signal) =>
      withoutTracing(() =>
        withRun({ traceId: newTraceId(), fixedText: knowledge, exposures: createExposureLedger() }, () => runner(task, knowledge, signal)),
      );
  }

  /** One learn cycle: mines what was not read yet, and tests candidates when there is a runner and there are eval cases. */
  async learn(options: LearnCallOptions = {}): Promise<LearnReport> {
    const { store } = this.#local("learn()");
    await this.#runtime.sink.flush(5_000);
    const { checks = [] } = this.#options;
    const signals = [...(this.#options.signals ?? []), ...(checks.length === 0 ? [] : [deterministicSignal({ checks })])];
    const onProgress = options.onProgress ?? this.#options.onProgress;
    const entries = await store.listEvalCases();
    const scorable = entries.filter((entry) => this.#scorers.has(entry.id) || entry.expected !== undefined);
    const obstacle = obstacleOf(entries, scorable);
    const conflictJudge = defaultConflictJudge(this.config);
    const report = await learn({
      store,
      clock: systemClock,
      analyzers: this.#options.analyzers ?? defaultAnalyzers(this.config),
      signals,
      ...(conflictJudge === undefined ? {} : { conflictJudge }),
      ...(this.#runner === undefined ? {} : { runner: this.#runner }),
      ...(this.config.agentName === undefined ? {} : { agentName: this.config.agentName }),
      cases: scorable.map((entry) => this.#validationCase(entry)),
      ...(obstacle === undefined ? {} : { obstacle }),
      activation: this.config.activation,
      alpha: this.config.alpha,
      minimumGain: this.config.minimumGain,
      hibernateDays: this.config.hibernateDays,
      passScore: this.config.passScore,
      concurrency: options.concurrency ?? this.config.concurrency,
      confirmReplicates: this.config.confirmReplicates,
      maxRounds: this.config.maxRounds,
      ...(this.config.agentName === undefined ? {} : { runnerName: this.config.agentName }),
      ...(this.#options.human === undefined ? {} : { human: this.#options.human }),
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    // What was learnt is in the very next prompt.
    await this.#copy.refresh();
    return report;
  }

  /**
   * Which of the items given to a run made it fail, by their lift over all runs; with `replay` also by repeating the run with each left out, which needs
   * setAgentRunner and a way to score the task: `scorer`, or an eval case with the same task.
   */
  async blame(traceId: string, options: BlameCallOptions = {}): Promise<Blame> {
    const { store } = this.#local("blame()");
    await this.#runtime.sink.flush(5_000);
    const { alpha, passScore, concurrency } = this.config;
    if (options.replay !== true) return blame(traceId, { store, alpha });
    const { task } = await store.getTrace(traceId);
    const runner = this.#runner;
    const score = options.scorer ?? this.#scorerFor(await store.listEvalCases(), task);
    if (runner === undefined)
      throw new LearnError("invalid", "a replay needs an agent", { hint: "call setAgentRunner first, or give --agent" });
    if (score === undefined) {
      throw new LearnError("invalid", "a replay needs to know what a good answer to this task is", {
        hint: "add an eval case with this task (learn.eval.add), or pass { scorer }",
      });
    }
    const { replicates, signal } = options;
    const replay = {
      runner,
      score,
      passScore,
      concurrency,
      ...(replicates === undefined ? {} : { replicates }),
      ...(signal === undefined ? {} : { signal }),
    };
    return blame(traceId, { store, alpha, replay });
  }

  #scorerFor(entries: readonly EvalCase[], task: string): Scorer | undefined {
    const entry = entries.find((known) => foldText(known.task) === foldText(task));
    if (entry === undefined) return undefined;
    return this.#scorers.get(entry.id) ?? (entry.expected === undefined ? undefined : exactScorer(entry.expected));
  }

  /** Runs the agent on every eval case and stores the result. Scorer precedence: the case's, the call's, comparison with expectedOutput. */
  async evaluate(
    agent: (task: string) => Promise<string> | string,
    options: { readonly name: string; readonly scorer?: Scorer; readonly concurrency?: number; readonly signal?: AbortSignal },
  ): Promise<EvalRun & { readonly runId: string }> {
    const { store } = this.#local("evaluate()");
    const run = await evaluate({
      agent,
      cases: await store.listEvalCases(),
      scorerOf: (entry) => this.#scorers.get(entry.id),
      ...(options.scorer === undefined ? {} : { scorer: options.scorer }),
      name: options.name,
      passScore: this.config.passScore,
      concurrency: options.concurrency ?? this.config.concurrency,
      nowUs: systemClock.nowUs(),
      id: newId(),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    await store.saveEvalRun(run);
    return { ...run, runId: run.id };
  }

  /** Compares two stored runs, or their ids or names, over their common cases. */
  async compareEvalRuns(a: string | EvalRun, b: string | EvalRun): Promise<EvalComparison> {
    const { store } = this.#local("compareEvalRuns()");
    const load = (run: string | EvalRun) => (typeof run === "string" ? store.getEvalRun(run) : run);
    return compareEvalRuns(await load(a), await load(b));
  }

  /** A word on a run, by W3C trace id or run id; also before its spans arrive. */
  feedback(feedback: Feedback): Promise<void> {
    return this.#sendFeedback(feedback);
  }

  /** Resolves once everything traced so far is durable, or after the deadline. Never rejects. */
  flush(timeoutMs = 5_000): Promise<void> {
    return this.#runtime.sink.flush(timeoutMs);
  }

  /** Flushes and lets go of the store. Safe twice. */
  close(timeoutMs = 5_000): Promise<void> {
    if (this.config.endpoint !== undefined) this.#copy.close();
    return this.#runtime.release(timeoutMs);
  }

  #local(what: string): { readonly store: Store } {
    if (this.config.endpoint !== undefined) {
      throw new LearnError("invalid", `${what} needs the store, and this instance only knows the collector at ${this.config.endpoint}`, {
        hint: "run `agentlearn learn` where the collector runs, or pass { store } instead of { endpoint }",
      });
    }
    return { store: this.#runtime.store };
  }

  async #addCases(cases: NewEvalCase | readonly NewEvalCase[]): Promise<void> {
    const list = Array.isArray(cases) ? (cases as readonly NewEvalCase[]) : [cases as NewEvalCase];
    const rows = list.map((entry) => evalCaseOf(entry));
    for (const [index, entry] of list.entries()) {
      const row = rows[index];
      if (entry.scorer !== undefined && row !== undefined) this.#scorers.set(row.id, entry.scorer);
    }
    await this.#local("eval.add()").store.saveEvalCases(rows);
  }

  #validationCase(entry: EvalCase): ValidationCase {
    const scorer = this.#scorers.get(entry.id) ?? exactScorer(entry.expected ?? "");
    return { id: entry.id, task: entry.task, mustPass: entry.mustPass, score: (output) => scorer(output, entry.task) };
  }
}
