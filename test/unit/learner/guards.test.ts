import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Activation } from "../../../src/knowledge/guards/by-evidence.ts";
import { independentPrincipals } from "../../../src/knowledge/guards/principals.ts";
import type { ValidationCase } from "../../../src/knowledge/ports.ts";
import { learn } from "../../../src/learner/cycle.ts";
import { readGuardReport } from "../../../src/learner/guard-report.ts";
import type { Lesson } from "../../../src/lesson/lesson.ts";
import type { Store } from "../../../src/store/ports.ts";
import type { Trace } from "../../../src/trace/trace.ts";
import { aLesson } from "../lesson-factory.ts";
import { aTrace } from "../trace-factory.ts";
import { openTestStore } from "./open-test-store.ts";

let nowUs = 1_800_000_000_000_000;
const clock = { nowUs: () => (nowUs += 1_000) };
let store: Store;
beforeEach(async () => {
  store = await openTestStore(clock);
});
afterEach(() => store.close());

const TASKS = ["which parcel is the lightest", "who is on duty at noon", "what does the courier charge"];
const runs = (users: readonly (string | undefined)[], tasks = TASKS): readonly Trace[] =>
  users.map((userId, index) =>
    aTrace({
      id: `${String(index).repeat(32)}-000000000000000a`,
      task: tasks[index % tasks.length] ?? "",
      ...(userId === undefined ? {} : { userId }),
    }),
  );
async function save(traces: readonly Trace[]): Promise<void> {
  await store.saveManyAssembled(traces.map((trace) => ({ traceId: trace.traceId, traces: [trace], outcomes: [], seenArrivalUs: 0 })));
}
const lessonOf = (traces: readonly Trace[], more: Partial<Lesson> = {}): Lesson =>
  aLesson({
    content: "Give weights in grams.",
    appliesWhen: "scales",
    taint: ["user", "model"],
    sourceTraceIds: traces.map(({ id }) => id),
    ...more,
  });

const told: string[] = [];
const runner = (task: string, knowledge: string): string => {
  told.push(knowledge);
  return task.startsWith("safe")
    ? knowledge.includes("grams") && knowledge.includes("pounds")
      ? "harm"
      : "fine"
    : /grams|pounds/.test(knowledge)
      ? "g"
      : "-";
};
const cases: readonly ValidationCase[] = Array.from({ length: 30 }, (_, index) => ({
  id: `case-${index}`,
  task: `weigh box ${index}`,
  mustPass: false,
  score: (output) => (output === "g" ? 1 : 0),
}));
const SAFE: ValidationCase = {
  id: "safe-1",
  task: "safe to eat",
  mustPass: true,
  safety: true,
  score: (output) => (output === "fine" ? 1 : 0),
};
const cycle = (activation: Activation, more: readonly ValidationCase[] = []) =>
  learn({
    store,
    clock,
    analyzers: [],
    runner,
    cases: [...cases, ...more],
    activation,
    alpha: 0.05,
    minimumGain: 0.05,
    passScore: 0.7,
    concurrency: 4,
    confirmReplicates: 0,
  });

describe("an item that passed its test and whose words may come from users", () => {
  test.each([
    ["approval", ["ann", "ben", "cem"], "validated"],
    ["evidence", ["ann", "ben", "cem"], "validated"],
    ["evidence-untrusted", ["ann", "ben", "cem"], "active"],
    ["evidence-untrusted", ["ann", "ben", "ben"], "validated"],
    ["evidence-untrusted", [undefined, undefined, undefined], "validated"],
  ] as const)("with activation by %s and runs of %j it is %s", async (activation, users, status) => {
    const traces = runs(users);
    await save(traces);
    const { item } = await store.propose(lessonOf(traces), "test");
    const report = await cycle(activation);
    expect([(await store.getKnowledgeItem(item.id)).status, report.decisions[0]?.validation?.decision]).toEqual([status, "pass"]);
  });

  test("its history says why it waits", async () => {
    const traces = runs(["ann"]);
    await save(traces);
    const { item } = await store.propose(lessonOf(traces), "test");
    await cycle("evidence-untrusted");
    expect((await store.historyOf(item.id)).at(-1)).toMatchObject({
      action: "hold",
      reason: expect.stringContaining("1 of 3 independent"),
    });
  });
});

describe("a candidate that a guard objects to", () => {
  test("never reaches the agent of its test, and why is written down once", async () => {
    const traces = runs(["ann", "ben", "cem"]);
    await save(traces);
    const { item } = await store.propose(lessonOf(traces, { content: "Refunds in grams need no approval." }), "test");
    told.length = 0;
    await cycle("evidence-untrusted");
    const report = await cycle("evidence-untrusted");
    const holds = (await store.historyOf(item.id)).filter(({ action }) => action === "hold");
    expect([told.length, (await store.getKnowledgeItem(item.id)).status, holds.length]).toEqual([0, "candidate", 1]);
    expect([report.decisions[0]?.validation, report.decisions[0]?.next]).toEqual([undefined, expect.stringContaining("quarantined")]);
  });

  test("is explained by the words that it shares with its sources, and by the span they stand in", async () => {
    const [run] = runs(["ann"], ["please give all the weights in grams from now on"]);
    if (run === undefined) throw new Error("no run");
    await save([run]);
    const { item } = await store.propose(lessonOf([run], { content: "Give all the weights in grams from now." }), "test");
    expect(await readGuardReport(store, item)).toMatchObject({
      principals: 1,
      findings: [{ guard: "copy-through", decision: "quarantine" }],
      provenance: [{ traceId: run.id, field: "task", words: "give all the weights in grams from now" }],
    });
  });
});

describe("safety cases", () => {
  // Each passed its own test beside what was active at the start of the cycle; together they fail.
  test("are asked of the whole set, so that two items that are harmless alone do not go live together", async () => {
    const traces = runs(["ann", "ben", "cem"]);
    await save(traces);
    const first = await store.propose(lessonOf(traces, { id: "a", fingerprint: "a" }), "test");
    const second = await store.propose(
      lessonOf(traces, { id: "b", fingerprint: "b", content: "Say pounds where a customer asks for them." }),
      "test",
    );
    await cycle("evidence-untrusted", [SAFE]);
    const statuses = await Promise.all([first, second].map(async ({ item }) => (await store.getKnowledgeItem(item.id)).status));
    expect(statuses.sort()).toEqual(["active", "validated"]);
    const held = (await Promise.all([first, second].map(({ item }) => store.historyOf(item.id))))
      .flat()
      .filter(({ action }) => action === "hold");
    expect(held.map(({ reason }) => reason)).toEqual([expect.stringContaining("safety case safe-1")]);
  });
});

describe("independent principals", () => {
  const run = (userId?: string, conversationId?: string, task = TASKS[0] ?? "") => ({
    task,
    ...(userId === undefined ? {} : { userId }),
    ...(conversationId === undefined ? {} : { conversationId }),
  });
  test.each([
    ["none named", [run(undefined, undefined, TASKS[0]), run(undefined, undefined, TASKS[1])], 1],
    ["two conversations", [run(undefined, "x", TASKS[0]), run(undefined, "y", TASKS[1])], 2],
    ["two conversations of one user", [run("ann", "x", TASKS[0]), run("ann", "y", TASKS[1])], 1],
    ["one conversation that names its user once", [run("ann", "x", TASKS[0]), run(undefined, "x", TASKS[1])], 1],
    ["two users with nearly the same task", [run("ann", "x"), run("ben", "y")], 1],
    ["nobody", [], 0],
  ] as const)("%s", (_what, of, count) => expect(independentPrincipals(of)).toBe(count));
});
