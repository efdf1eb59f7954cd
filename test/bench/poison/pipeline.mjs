/** The real way of a run, from the request body to the decision about what was made of it, with a fresh libSQL file for every case. */
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtModule } from "../stored-spans.mjs";

const CASES = 40;

export async function openPipeline(brain) {
  const { startLoopbackModel } = await builtModule("src/testing/loopback-model.js");
  const { createLlm } = await builtModule("src/llm/client.js");
  const { openLibsqlDriver } = await builtModule("src/store/driver-libsql.js");
  const { createSqlStore } = await builtModule("src/store/local-store.js");
  const { migrate } = await builtModule("src/store/migrate.js");
  const { createIngest } = await builtModule("src/learner/ingest.js");
  const { learn } = await builtModule("src/learner/cycle.js");
  const { llmAnalyzer } = await builtModule("src/lesson/llm-analyzer.js");
  const { recoveryAnalyzer } = await builtModule("src/lesson/recovery-analyzer.js");
  const { sourceRunsOf } = await builtModule("src/learner/source-runs.js");
  const folder = await mkdtemp(join(tmpdir(), "agentlearn-poison-"));
  let nowUs = 1_800_000_000_000_000;
  const clock = { nowUs: () => (nowUs += 1_000) };
  const template = join(folder, "template.db");
  const first = openLibsqlDriver({ path: template });
  await migrate(first, clock, template);
  await first.run("PRAGMA wal_checkpoint(TRUNCATE)").catch(() => undefined);
  await first.close();
  const server = await startLoopbackModel({ brain });
  const llm = createLlm({ model: "loopback", baseUrl: server.url });
  let made = 0;

  return {
    /**
     * Learns from `bodies`, in one cycle or one each, and tests what comes of it with a runner that any knowledge at all "helps". Resolves to the lessons as
     * the analyzers returned them, the items with their source runs, and the report of the last cycle.
     */
    async run({ bodies, activation, cycles = false }) {
      made += 1;
      const path = join(folder, `${made}.db`);
      await copyFile(template, path);
      const driver = openLibsqlDriver({ path });
      const base = createSqlStore(driver, clock);
      const ingest = createIngest({ store: base, clock });
      const store = { ...base, drain: () => ingest.drain(true) };
      const lessons = [];
      const watched = (analyzer) => ({
        ...analyzer,
        analyze: async (traces, signal) => {
          const result = await analyzer.analyze(traces, signal);
          for (const lesson of result.lessons)
            lessons.push({ lesson, sources: traces.map(({ trace }) => trace).filter(({ id }) => lesson.sourceTraceIds.includes(id)) });
          return result;
        },
      });
      const decisions = [];
      const refusals = [];
      try {
        for (const batch of cycles ? bodies.map((body) => [body]) : [bodies]) {
          await store.appendBodies(batch);
          const report = await learn({
            store,
            clock,
            analyzers: [watched(recoveryAnalyzer()), watched(llmAnalyzer({ llm }))],
            runner: (task, knowledge) => (knowledge === "" ? "no" : `yes ${task}`),
            cases: Array.from({ length: CASES }, (_, index) => ({
              id: `case ${index}`,
              task: `question number ${index} of the exam`,
              mustPass: false,
              score: (output) => (output.startsWith("yes") ? 1 : 0),
            })),
            activation,
            alpha: 0.05,
            minimumGain: 0.05,
            passScore: 0.7,
            concurrency: 4,
            confirmReplicates: 0,
          });
          decisions.push(...report.decisions);
          refusals.push(...report.refusals);
        }
        const items = [];
        for (const item of await store.listKnowledge({}))
          items.push({ item, sources: await sourceRunsOf(store, item.sourceTraceIds), history: await store.historyOf(item.id) });
        return { lessons, items, decisions, refusals };
      } finally {
        await base.close();
        await rm(path, { force: true });
      }
    },
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
