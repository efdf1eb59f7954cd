import { afterEach, beforeEach, expect, test } from "vitest";
import { createKnowledgeDesk, type KnowledgeDesk } from "../../../src/learner/knowledge-desk.ts";
import type { Store } from "../../../src/store/ports.ts";
import { aLesson } from "../lesson-factory.ts";
import { aTrace } from "../trace-factory.ts";
import { openTestStore } from "./open-test-store.ts";

let nowUs = 0;
const clock = { nowUs: () => (nowUs += 1_000) };
let store: Store;
let desk: KnowledgeDesk;
const RUN = aTrace({ task: "which parcel is the lightest" });

beforeEach(async () => {
  nowUs = RUN.startTimeUs + 1_000_000;
  store = await openTestStore(clock);
  desk = createKnowledgeDesk({ store, clock, actor: "cli:ann" });
  await store.saveManyAssembled([{ traceId: RUN.traceId, traces: [RUN], outcomes: [], seenArrivalUs: 0 }]);
});
afterEach(() => store.close());

let made = 0;
const propose = async (content: string) => {
  made += 1;
  const lesson = aLesson({ id: `a${made}`, fingerprint: `f${made}`, content, appliesWhen: "weighing parcels", sourceTraceIds: [RUN.id] });
  return (await store.propose(lesson, "learner")).item;
};
const found = async (options = {}) => (await desk.audit(options)).findings.map(({ kind, itemId, otherId }) => [kind, itemId, otherId]);

test("an empty store has no findings", async () => {
  expect(await desk.audit()).toEqual({ items: 0, findings: [] });
});

test("contradictions and duplicates among all items are found once, until a person lets them stand", async () => {
  const [first, rival, copy] = [await propose("Weigh in grams."), await propose("Never weigh in grams."), await propose("Weigh in grams!")];
  expect(await found()).toEqual([
    ["conflict", first.id, rival.id],
    ["conflict", rival.id, copy.id],
    ["duplicate", first.id, copy.id],
  ]);
  await desk.resolve(first.id, copy.id, { both: true, reason: "one is for the shop" });
  await desk.resolve(first.id, rival.id, { both: true, reason: "two scales" });
  expect(await found()).toEqual([["conflict", rival.id, copy.id]]);
});

test("with an embedding model, items of other words but one meaning are duplicates", async () => {
  const [first, second] = [await propose("Weigh in grams."), await propose("Mass is metric.")];
  await propose("Print the label.");
  const embed = async (texts: readonly string[]) => texts.map((text) => (text.startsWith("Print") ? [0, 1] : [1, 0.01]));
  expect(await found()).toEqual([]);
  expect(await found({ embed })).toEqual([["duplicate", first.id, second.id]]);
  await expect(desk.audit({ embed: async () => [] })).rejects.toMatchObject({ code: "invalid" });
});

test("an item whose source is gone, and one that no run was given, are found", async () => {
  const item = await desk.approve((await propose("Weigh in grams.")).id, { reason: "checked" });
  const lost = await store.propose(
    aLesson({ id: "lost", fingerprint: "lost", content: "Print the label twice.", sourceTraceIds: ["gone"] }),
    "learner",
  );
  await desk.approve(lost.item.id, { reason: "checked" });
  nowUs += 10 * 86_400_000_000;
  expect(await found()).toEqual([
    ["stale", "lost", undefined],
    ["never-given", item.id, undefined],
    ["never-given", "lost", undefined],
  ]);
});

test("success that fell while it was given is found out of the runs", async () => {
  const item = await desk.approve((await propose("Weigh in grams.")).id, { reason: "checked" });
  for (let index = 0; index < 24; index += 1) {
    const traceId = index.toString(16).padStart(32, "0");
    const exposure = { given: [item.id], withheld: [], withholdProbability: 0.1 };
    const trace = aTrace({ id: `${traceId}-1`, traceId, startTimeUs: RUN.startTimeUs + index * 1_000, exposure });
    const status = index < 12 ? "success" : "failure";
    const outcome = { traceId: trace.id, source: "deterministic", status, score: 0, reasoning: "", evidence: [], createdAtUs: 1 } as const;
    await store.saveManyAssembled([{ traceId, traces: [trace], outcomes: [outcome], seenArrivalUs: 0 }]);
  }
  expect(await found()).toEqual([["declining", item.id, undefined]]);
});

test("refuses an age that is none", async () => {
  await expect(desk.audit({ staleDays: 0 })).rejects.toMatchObject({ code: "invalid" });
});
