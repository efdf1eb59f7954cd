import { mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { trace } from "@opentelemetry/api";
import { type Collector, startCollector } from "../../collector/main.ts";
import { LearnError, messageOf } from "../base/error.ts";
import { digest, newId } from "../base/id.ts";
import { AgentLearn } from "../compose/agent-learn.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import type { LearnProgress, LearnReport } from "../learner/ports.ts";
import { startLoopbackModel } from "../testing/loopback-model.ts";
import { createRacingAgent } from "../testing/racing-agent.ts";
import { createRacingDatabase } from "../testing/racing-database.ts";
import { plantedHarmfulRule } from "../testing/racing-rules.ts";
import { scoreRacing } from "../testing/racing-score.ts";
import { type RacingTask, racingTasks } from "../testing/racing-tasks.ts";
import { startDemoTelemetry } from "./demo-telemetry.ts";

export interface RacingDemoOptions {
  /** Where the collector keeps its store. */
  readonly storePath: string;
  /** A model elsewhere; without it the loopback model answers. */
  readonly model?: { readonly name: string; readonly apiKey?: string; readonly baseUrl?: string };
}

export interface TaskResult {
  readonly task: RacingTask;
  readonly output: string;
  readonly score: number;
  /** W3C trace id of the run. */
  readonly traceId: string;
}

/** The demo's parts, wired: collector, instrumented agent, learner. The caller decides what happens when. */
export interface RacingDemo {
  readonly collector: Collector;
  readonly learn: AgentLearn;
  readonly tasks: readonly RacingTask[];
  readonly modelName: string;
  /** Runs all tasks through the traced agent and gives each run its score as feedback. */
  runTasks(onDone: (done: number, total: number) => void): Promise<readonly TaskResult[]>;
  /** A text that sounds right and does harm, as if some analyzer had proposed it. Returns its id. */
  plantHarm(sourceTraceId: string): Promise<string>;
  learnFromRuns(onProgress: (progress: LearnProgress) => void): Promise<LearnReport>;
  items(): Promise<readonly KnowledgeItem[]>;
  close(): Promise<void>;
}

const AGENT = "racing";
export const DEMO_ACTIVATION = "evidence-untrusted";

export async function openRacingDemo(options: RacingDemoOptions): Promise<RacingDemo> {
  const opened: (() => Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    return await wire(options, opened, closeAll);
  } catch (caught) {
    // A collector or a model that nobody closes would keep the command alive for ever.
    await closeAll();
    throw caught;
  }
}

async function wire(options: RacingDemoOptions, opened: (() => Promise<void>)[], close: () => Promise<void>): Promise<RacingDemo> {
  const databasePath = `${options.storePath}.racing.db`;
  mkdirSync(dirname(options.storePath), { recursive: true });
  rmSync(databasePath, { force: true });
  createRacingDatabase(databasePath);
  const collector = await startCollector({ store: `file:${options.storePath}`, otlpHttpPort: 0, otlpGrpcPort: 0, apiPort: 0 });
  opened.push(() => collector.close());
  const loopback = options.model === undefined ? await startLoopbackModel() : undefined;
  if (loopback !== undefined) opened.push(() => loopback.close());
  // Withholding is off so that the second pass shows the items at work; production keeps 10 % back to measure them.
  // Tool errors and tasks are what the rules here are mined from: by default they would wait for a person. The demo has nobody to ask, and says so.
  const learn = new AgentLearn({
    store: `file:${options.storePath}`,
    agentName: AGENT,
    activation: DEMO_ACTIVATION,
    withholdProbability: 0,
  });
  opened.push(() => learn.close());
  const telemetry = await startDemoTelemetry(collector.otlpHttpUrl);
  opened.push(() => telemetry.shutdown());
  const modelName = options.model?.name ?? "loopback-sql";
  const client = telemetry.createOpenAI({ apiKey: options.model?.apiKey ?? "loopback", baseURL: options.model?.baseUrl ?? loopback?.url });
  const ask = createRacingAgent({ client, model: modelName, databasePath });
  const { train, heldOut } = racingTasks(databasePath);
  let lastTraceId = "";
  const agent = learn.trace(
    async (task: string, { knowledge }: { knowledge: string }) => {
      lastTraceId = trace.getActiveSpan()?.spanContext().traceId ?? "";
      return ask(task, knowledge);
    },
    // Every question comes from somebody else.
    { autoInject: true, conversationIdExtractor: (task) => `visitor ${digest([task])}` },
  );

  return {
    collector,
    learn,
    tasks: train,
    modelName,
    async runTasks(onDone) {
      const results: TaskResult[] = [];
      for (const task of train) {
        const output = await agent(task.task).catch((caught: unknown) => {
          // One failed run is a failed task; a model that never answered is a wrong set-up.
          if (results.length > 0) return `error: ${messageOf(caught)}`;
          const url = options.model?.baseUrl ?? "the default address";
          throw new LearnError("unavailable", `the model ${modelName} at ${url} does not answer: ${messageOf(caught)}`, {
            hint: "check OPENAI_BASE_URL, OPENAI_API_KEY and AGENTLEARN_MODEL, or unset them to use the loopback model",
            cause: caught,
          });
        });
        const score = scoreRacing(output, task.expected);
        await learn.feedback({ traceId: lastTraceId, score, source: "answer-key" });
        results.push({ task, output, score, traceId: lastTraceId });
        onDone(results.length, train.length);
      }
      await telemetry.flush();
      return results;
    },
    async plantHarm(sourceTraceId) {
      const { item } = await collector.store.propose(
        {
          id: newId(),
          ...plantedHarmfulRule,
          tags: [],
          sourceTraceIds: [sourceTraceId],
          analyzer: "planted",
          confidence: 0.9,
          reasoning: "planted by the demo",
          taint: ["user"],
          fingerprint: digest(["planted", plantedHarmfulRule.content]),
          createdAtUs: Date.now() * 1000,
        },
        "demo",
      );
      return item.id;
    },
    async learnFromRuns(onProgress) {
      await learn.eval.add(
        heldOut.map((task) => ({
          id: task.id,
          taskInput: task.task,
          expectedOutput: task.expected,
          tags: task.tags,
          scorer: (output) => scoreRacing(output, task.expected),
        })),
      );
      learn.setAgentRunner((task, knowledge, signal) => ask(task, knowledge, signal));
      return learn.learn({ onProgress, concurrency: 4 });
    },
    items: () => learn.knowledge.list({ limit: 100 }),
    close,
  };
}
