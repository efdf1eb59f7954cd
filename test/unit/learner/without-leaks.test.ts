import { afterEach, beforeEach, expect, test } from "vitest";
import type { ValidationCase } from "../../../src/knowledge/ports.ts";
import { learn } from "../../../src/learner/cycle.ts";
import { createKnowledgeDesk } from "../../../src/learner/knowledge-desk.ts";
import type { Store } from "../../../src/store/ports.ts";
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

const runOn = async (n: number, task: string): Promise<string> => {
  const trace = aTrace({ id: `${String(n).padStart(32, "0")}-000000000000000a`, task });
  await store.saveManyAssembled([{ traceId: trace.traceId, traces: [trace], outcomes: [], seenArrivalUs: 0 }]);
  return trace.id;
};
const cases: readonly ValidationCase[] = Array.from({ length: 12 }, (_, index) => {
  const task = `how heavy is the parcel that goes to town number ${index} today`;
  return { id: `case-${index}`, task, mustPass: false, score: (output) => (output === `${task} g` ? 1 : 0) };
});

// An item that tells the answer of a case was on both sides of every test: that case could neither be won nor lost.
test("an active item is not in the prompt of a case that it was read from, on either side; in all others it is", async () => {
  const source = await runOn(1, "How heavy is the parcel that goes to town number 3 today?");
  const memorised = aLesson({
    id: "11111111-0000-4000-8000-000000000000",
    content: "Town three gets a heavy parcel.",
    fingerprint: "a",
    sourceTraceIds: [source],
  });
  const candidate = aLesson({
    id: "22222222-0000-4000-8000-000000000000",
    content: "Give weights in grams.",
    fingerprint: "b",
    sourceTraceIds: [await runOn(2, "something else")],
  });
  await store.propose(memorised, "learner");
  await createKnowledgeDesk({ store, clock, actor: "cli:ada" }).approve(memorised.id, { reason: "so it is" });
  await store.propose(candidate, "learner");
  const seen = new Map<string, string[]>();
  const runner = (task: string, knowledge: string): string => {
    seen.set(task, [...(seen.get(task) ?? []), knowledge]);
    return knowledge.includes("grams") ? `${task} g` : `${task} lb`;
  };
  const report = await learn({
    store,
    clock,
    analyzers: [],
    runner,
    cases,
    activation: "approval",
    alpha: 0.05,
    minimumGain: 0.05,
    passScore: 0.7,
    concurrency: 4,
    confirmReplicates: 2,
  });
  expect(report.decisions.map(({ validation }) => validation?.decision)).toEqual(["pass"]);
  const own = seen.get(cases[3]?.task ?? "") ?? [];
  expect([
    own.length,
    own.filter((text) => text.includes("Town three")).length,
    own.filter((text) => text.includes("grams")).length,
  ]).toEqual([2, 0, 1]);
  const other = seen.get(cases[4]?.task ?? "") ?? [];
  expect([other.length, other.filter((text) => text.includes("Town three")).length]).toEqual([2, 2]);
});
