import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { learn } from "../../../src/learner/cycle.ts";
import { createBatchAnalyzer } from "../../../src/lesson/batch-analyzer.ts";
import type { Analyzer } from "../../../src/lesson/ports.ts";
import { createLlm } from "../../../src/llm/client.ts";
import type { OutcomeStatus } from "../../../src/outcome/outcome.ts";
import type { Store } from "../../../src/store/ports.ts";
import { type LoopbackModel, startLoopbackModel } from "../../../src/testing/loopback-model.ts";
import type { Trace } from "../../../src/trace/trace.ts";
import { analystBrain } from "../../support/analyst-brain.ts";
import { aToolStep, aTrace } from "../trace-factory.ts";
import { openTestStore } from "./open-test-store.ts";

let nowUs = 1_800_000_000_000_000;
const clock = { nowUs: () => (nowUs += 1_000) };
let model: LoopbackModel;
let store: Store;
let analyzer: Analyzer;

beforeAll(async () => {
  model = await startLoopbackModel({ brain: analystBrain });
  analyzer = createBatchAnalyzer({ llm: createLlm({ model: "loopback", baseUrl: model.url }), clock });
});
afterAll(() => model.close());
beforeEach(async () => {
  store = await openTestStore(clock);
});
afterEach(() => store.close());

const NAMES = ["Ada", "Grace", "Edsger", "Barbara", "Donald", "Niklaus", "Tony", "Frances", "Radia", "Leslie"];
let runs = 0;
async function saveRun(status: OutcomeStatus, column: string, overrides: Partial<Trace> = {}): Promise<string> {
  runs += 1;
  const id = `${runs.toString(16).padStart(32, "0")}-000000000000000a`;
  const query = { query: `SELECT ${column} FROM drivers` };
  const step = aToolStep("run_sql", query, status === "failure" ? `no such column: ${column}` : undefined);
  const task = `when was driver ${NAMES[runs % NAMES.length]} born`;
  const trace = aTrace({ id, task, startTimeUs: runs * 1_000_000, steps: [step], ...overrides });
  const outcome = {
    traceId: id,
    source: "deterministic",
    status,
    score: status === "success" ? 1 : 0,
    reasoning: "",
    evidence: [],
    createdAtUs: 1,
  };
  await store.saveManyAssembled([{ traceId: trace.traceId, traces: [trace], outcomes: [outcome], seenArrivalUs: 0 }]);
  return id;
}
const settings = () =>
  ({ store, clock, activation: "approval", alpha: 0.05, minimumGain: 0.05, passScore: 0.7, concurrency: 4, confirmReplicates: 2 }) as const;
const cycle = () => learn({ ...settings(), analyzers: [analyzer] });

describe("learning from failures that are alike", () => {
  test("three independent runs make a candidate that names them, beside the run that worked", async () => {
    await saveRun("success", "dob");
    const failed = [await saveRun("failure", "birth_date"), await saveRun("failure", "birth_date"), await saveRun("failure", "birth_date")];
    const report = await cycle();
    const [item] = await store.listKnowledge({});
    expect([report.candidatesCreated, item?.content, item?.analyzer]).toEqual([
      1,
      "In run_sql, the column is called dob, not birth_date.",
      "batch",
    ]);
    expect([...(item?.sourceTraceIds ?? [])].sort()).toEqual(failed);
  });

  // Traces are marked as read after each cycle: two failures today and one tomorrow would never have met.
  test("runs with too little company wait, cost nothing, and count when another joins", async () => {
    await saveRun("success", "dob");
    await saveRun("failure", "birth_date");
    await saveRun("failure", "birth_date");
    const asked = model.requests();
    expect([(await cycle()).candidatesCreated, (await cycle()).tracesAnalyzed, model.requests() - asked]).toEqual([0, 0, 0]);
    expect((await store.keptFor("batch", 10)).map(({ kept }) => kept)).toEqual(["more", "more"]);
    await saveRun("failure", "birth_date");
    expect([(await cycle()).candidatesCreated, model.requests() - asked]).toEqual([1, 1]);
    expect(await store.keptFor("batch", 10)).toEqual([]);
    expect((await store.listKnowledge({}))[0]?.sourceTraceIds).toHaveLength(3);
  });

  test("three failures of one user among several, or in one conversation, make no rule", async () => {
    await saveRun("success", "dob", { userId: "somebody-else" });
    for (let n = 0; n < 4; n += 1) await saveRun("failure", "birth_date", { userId: "mallory" });
    for (let n = 0; n < 4; n += 1) await saveRun("failure", "born_on", { conversationId: "c1" });
    expect((await cycle()).candidatesCreated).toBe(0);
    expect(await store.keptFor("batch", 20)).toHaveLength(8);
  });

  // What was put off before the model went away was handed back, and all that it had not come to counted as read.
  test("a model that goes away leaves everything it was not asked about for the next cycle", async () => {
    await saveRun("success", "dob");
    // The larger kind comes first and has too little company: one conversation.
    const steps = [aToolStep("send_mail", { to: "the team" }, "the mailbox is full")];
    for (let n = 0; n < 4; n += 1) await saveRun("failure", "none", { conversationId: "c1", steps });
    const failed = [await saveRun("failure", "birth_date"), await saveRun("failure", "birth_date"), await saveRun("failure", "birth_date")];
    const down = createBatchAnalyzer({ llm: createLlm({ model: "loopback", baseUrl: "http://127.0.0.1:1" }), clock });
    const report = await learn({ ...settings(), analyzers: [down] });
    expect(report.analyzerFailures).toHaveLength(1);
    expect(
      (await store.keptFor("batch", 20))
        .filter(({ kept }) => kept === "next")
        .map(({ trace }) => trace.id)
        .sort(),
    ).toEqual(failed);
    expect((await cycle()).candidatesCreated).toBe(1);
  });
});
