import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Collector, startCollector } from "../../collector/main.ts";
import { learn } from "../../src/learner/cycle.ts";
import { recoveryAnalyzer } from "../../src/lesson/recovery-analyzer.ts";
import { startLoopbackModel } from "../../src/testing/index.ts";

const python = "test/peers/python/venv/bin/python";
const present = existsSync(python);
if (!present) console.warn("skipped: Python agents, because test/peers/python is not installed (npm run peers says why)");

/** Both put content where their conventions say: the first into span attributes and log events, the second into flattened attributes. */
describe.skipIf(!present).each(["v2", "openinference"])(
  "a Python agent under the instrumentation %s, exporting over gRPC",
  (instrumentation) => {
    const folder = mkdtempSync(join(tmpdir(), "agentlearn-python-"));
    let collector: Collector;
    let model: Awaited<ReturnType<typeof startLoopbackModel>>;
    let said: string;

    beforeAll(async () => {
      model = await startLoopbackModel();
      collector = await startCollector({ store: `file:${join(folder, "py.db")}`, otlpHttpPort: 0, otlpGrpcPort: 0, apiPort: 0 });
      const env = {
        ...process.env,
        AGENT_INSTRUMENTATION: instrumentation,
        OPENAI_BASE_URL: model.url,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlpGrpcUrl,
        OTEL_SEMCONV_STABILITY_OPT_IN: "gen_ai_latest_experimental",
        OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "SPAN_AND_EVENT",
      };
      said = await new Promise<string>((resolve, reject) => {
        execFile(python, ["test/e2e/agents/python_agent.py"], { env, timeout: 60_000 }, (error, stdout, stderr) =>
          error === null ? resolve(stdout.trim()) : reject(new Error(stderr)),
        );
      });
      await collector.store.drain();
    });
    afterAll(async () => {
      await collector.close();
      await model.close();
      rmSync(folder, { recursive: true, force: true });
    });

    test("is one run with its task, its answer, and the failed and the recovered call", async () => {
      const runs = await collector.store.listTraces({ limit: 10 });
      expect(runs).toHaveLength(1);
      const run = await collector.store.getTrace(runs[0]?.id ?? "");
      expect([run.agentName, run.service, run.task, run.output]).toEqual([
        "racing-py",
        "python-agent",
        "Which driver scored the most points in 2018?",
        said,
      ]);
      const tools = run.steps.filter(({ kind }) => kind === "tool");
      expect(tools.map(({ name, error }) => [name, error?.message.includes("no such column: driver") ?? false])).toEqual([
        ["run_sql", true],
        ...tools.slice(1).map(() => ["run_sql", false]),
      ]);
      expect(tools.length).toBeGreaterThanOrEqual(2);
      expect(run.usage?.inputTokens).toBeGreaterThan(0);
    });

    test("teaches the same lesson as a JavaScript agent would", async () => {
      const report = await learn({
        store: collector.store,
        clock: { nowUs: () => Date.now() * 1000 },
        analyzers: [recoveryAnalyzer()],
        activation: "approval",
        alpha: 0.05,
        minimumGain: 0.05,
        passScore: 0.7,
        concurrency: 1,
        confirmReplicates: 2,
      });
      expect(report.decisions.map(({ item }) => item.content).join()).toContain("driver_name, not driver");
    });
  },
);
