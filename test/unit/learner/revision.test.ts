import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { KnowledgeItem } from "../../../src/knowledge/knowledge-item.ts";
import { activate, approve, recordValidation } from "../../../src/knowledge/life-cycle.ts";
import type { ValidationCase } from "../../../src/knowledge/ports.ts";
import { learn } from "../../../src/learner/cycle.ts";
import { createKnowledgeDesk, type KnowledgeDesk } from "../../../src/learner/knowledge-desk.ts";
import { retire } from "../../../src/learner/retire.ts";
import { saveTransition } from "../../../src/learner/save-transition.ts";
import type { Store } from "../../../src/store/ports.ts";
import { aValidation } from "../../support/an-item.ts";
import { aLesson } from "../lesson-factory.ts";
import { aTrace } from "../trace-factory.ts";
import { openTestStore } from "./open-test-store.ts";

let nowUs = 1_800_000_000_000_000;
const clock = { nowUs: () => (nowUs += 1_000) };
const RUN = aTrace({ task: "which parcel is the lightest" });
let store: Store;
let desk: KnowledgeDesk;
let old: KnowledgeItem;

beforeEach(async () => {
  store = await openTestStore(clock);
  desk = createKnowledgeDesk({ store, clock, actor: "cli:ada" });
  await store.saveManyAssembled([{ traceId: RUN.traceId, traces: [RUN], outcomes: [], seenArrivalUs: 0 }]);
  const lesson = aLesson({
    id: "11111111-0000-4000-8000-000000000000",
    content: "Give weights in pounds.",
    fingerprint: "old",
    sourceTraceIds: [RUN.id],
  });
  await store.propose(lesson, "learner");
  old = await desk.approve(lesson.id, { reason: "so we said" });
});
afterEach(() => store.close());

const revise = async (content = "Give weights in grams, never in pounds."): Promise<KnowledgeItem> => {
  const lesson = aLesson({
    id: "22222222-0000-4000-8000-000000000000",
    content,
    fingerprint: "new",
    revises: old.id,
    sourceTraceIds: [RUN.id],
  });
  return (await store.propose(lesson, "learner")).item;
};
async function saveRun(model: string): Promise<void> {
  const id = `${model.padStart(32, "0").replaceAll("-", "0").replaceAll("m", "a")}-000000000000000a`;
  const trace = aTrace({ id, model, startTimeUs: clock.nowUs() });
  await store.saveManyAssembled([{ traceId: trace.traceId, traces: [trace], outcomes: [], seenArrivalUs: 0 }]);
}
const statuses = async () => Object.fromEntries((await store.listKnowledge({})).map(({ id, status }) => [id.slice(0, 8), status]));

describe("a revision", () => {
  test("is a candidate of its own, and leaves the active item as it is", async () => {
    const fresh = await revise();
    expect([fresh.status, fresh.revises, (await store.getKnowledgeItem(old.id)).content]).toEqual(["candidate", old.id, old.content]);
  });

  test("keeps the word diff against the words it was written against, also when those are edited later", async () => {
    const fresh = await revise();
    await desk.edit(old.id, { content: "Give weights in stones.", reason: "island custom" });
    const [first] = (await desk.show(fresh.id)).history;
    expect(first?.words.content?.filter(({ kind }) => kind !== "same").map(({ kind, text }) => `${kind} ${text}`)).toEqual([
      "added grams, never in ",
    ]);
  });

  test("takes the other out of use in the step that makes it active, with the reason", async () => {
    const fresh = await revise();
    await desk.approve(fresh.id, { reason: "right" });
    expect(await statuses()).toEqual({ "11111111": "deprecated", "22222222": "active" });
    expect((await store.historyOf(old.id)).at(-1)).toMatchObject({
      action: "deprecate",
      actor: "cli:ada",
      reason: "item 22222222 took its place",
    });
  });

  test("may contradict what it revises, and nothing else", async () => {
    const fresh = await revise("Do not give weights in pounds.");
    expect(await store.conflictsOf(fresh)).toEqual([]);
    const { revises: _revises, ...plain } = fresh;
    expect(await store.conflictsOf(plain)).toHaveLength(1);
    expect((await desk.approve(fresh.id, { reason: "right" })).status).toBe("active");
  });

  test("is not stored as active beside what it revises, whoever tries", async () => {
    const fresh = await revise();
    const { item, entry } = approve(fresh, { actor: "cli:ada", atUs: clock.nowUs(), reason: "yes", validationId: "v" });
    await expect(store.saveItem(item, entry)).rejects.toMatchObject({ code: "conflict" });
    expect(await statuses()).toEqual({ "11111111": "active", "22222222": "candidate" });
  });

  // It came back to the side of its own revision: everything was said twice, or both ways.
  test("goes out of use when what it revises is restored and approved again, each with a line in its history", async () => {
    const fresh = await revise("Do not give weights in pounds.");
    await desk.approve(fresh.id, { reason: "right" });
    await desk.restore(old.id, { reason: "customers complain" });
    expect(await statuses()).toEqual({ "11111111": "candidate", "22222222": "active" });
    await desk.approve(old.id, { reason: "so they want it" });
    expect(await statuses()).toEqual({ "11111111": "active", "22222222": "deprecated" });
    expect((await store.historyOf(fresh.id)).at(-1)).toMatchObject({
      action: "deprecate",
      actor: "cli:ada",
      reason: "item 11111111 took its place",
      changes: { status: ["active", "deprecated"], replacedBy: [null, old.id] },
    });
    expect((await store.historyOf(old.id)).slice(-2)).toMatchObject([
      { action: "restore", reason: "customers complain" },
      { action: "approve" },
    ]);
  });

  test("of a revision goes out of use for the first of the line too", async () => {
    const second = await revise();
    await desk.approve(second.id, { reason: "right" });
    const third = aLesson({
      id: "33333333-0000-4000-8000-000000000000",
      content: "Give weights in kilograms.",
      fingerprint: "third",
      revises: second.id,
    });
    await store.propose(third, "learner");
    await desk.approve(third.id, { reason: "shorter" });
    await desk.restore(old.id);
    await desk.approve(old.id, { reason: "as it was" });
    expect(await statuses()).toEqual({ "11111111": "active", "22222222": "deprecated", "33333333": "deprecated" });
  });

  test("in use keeps what it revises from being stored as active, whoever tries", async () => {
    await desk.approve((await revise("Do not give weights in pounds.")).id, { reason: "right" });
    const candidate = await desk.restore(old.id);
    // No conflict for a person to settle either: the one makes room for the other.
    expect(await store.conflictsOf(candidate)).toEqual([]);
    const { item, entry } = approve(candidate, { actor: "cli:ada", atUs: clock.nowUs(), reason: "yes", validationId: "v" });
    await expect(store.saveItem(item, entry)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("is revised by"),
    });
    expect(await statuses()).toEqual({ "11111111": "candidate", "22222222": "active" });
  });

  // Nothing was found out about it: it made room. A new model is no reason to test it against what took its place.
  test("that took a place by evidence is not challenged by what it replaced when another model comes", async () => {
    const learner = createKnowledgeDesk({ store, clock, actor: "learner" });
    const fresh = await revise();
    await saveRun("m-1");
    const { item, entry } = recordValidation(fresh, aValidation(fresh), { actor: "learner", atUs: clock.nowUs() });
    await store.saveItem(item, entry);
    await saveTransition(store, activate(item, { actor: "learner", atUs: clock.nowUs() }));
    expect((await learner.show(old.id)).history.at(-1)).toMatchObject({ actor: "learner", action: "deprecate" });
    await saveRun("m-2");
    const { challenged } = await retire({ store, clock, alpha: 0.05, minimumGain: 0.05, hibernateDays: 0 });
    expect(challenged).toEqual([]);
    expect(await statuses()).toEqual({ "11111111": "deprecated", "22222222": "active" });
  });

  test("of something that was removed is an ordinary candidate", async () => {
    await desk.remove(old.id);
    expect((await revise()).revises).toBeUndefined();
  });

  test("is tested in the place of what it revises, not beside it", async () => {
    await revise();
    const seen: string[] = [];
    const runner = (task: string, knowledge: string): string => {
      seen.push(knowledge);
      return knowledge.includes("grams") ? `${task} g` : `${task} lb`;
    };
    const cases: readonly ValidationCase[] = Array.from({ length: 12 }, (_, index) => {
      const task = `weigh parcel ${index}`;
      return { id: `case-${index}`, task, mustPass: false, score: (output) => (output === `${task} g` ? 1 : 0) };
    });
    const report = await learn({
      store,
      clock,
      analyzers: [],
      runner,
      cases,
      activation: "evidence",
      alpha: 0.05,
      minimumGain: 0.05,
      passScore: 0.7,
      concurrency: 4,
      confirmReplicates: 2,
    });
    expect(report.decisions.map(({ validation }) => validation?.decision)).toEqual(["pass"]);
    expect(seen.some((text) => text.includes("Give weights in pounds.") && text.includes("grams"))).toBe(false);
    expect(seen.some((text) => text.includes("Give weights in pounds.") && !text.includes("grams"))).toBe(true);
    expect(await statuses()).toEqual({ "11111111": "deprecated", "22222222": "active" });
  });

  test("leaves the prompt in which what it revises is tested again", async () => {
    await desk.approve((await revise()).id, { reason: "right" });
    await desk.restore(old.id);
    const seen: string[] = [];
    const runner = (_task: string, knowledge: string): string => {
      seen.push(knowledge);
      return knowledge.includes("grams") ? "g" : "lb";
    };
    const cases = Array.from({ length: 4 }, (_, index) => ({
      id: `case-${index}`,
      task: `weigh parcel ${index}`,
      mustPass: false,
      score: (output: string) => Number(output === "lb"),
    }));
    const settings = { alpha: 0.2, minimumGain: 0.05, passScore: 0.7, concurrency: 4, confirmReplicates: 2 };
    await learn({ store, clock, analyzers: [], runner, cases, activation: "approval", ...settings });
    expect(seen.some((text) => text.includes("Give weights in pounds.") && !text.includes("grams"))).toBe(true);
    expect(seen.some((text) => text.includes("Give weights in pounds.") && text.includes("grams, never"))).toBe(false);
  });
});
