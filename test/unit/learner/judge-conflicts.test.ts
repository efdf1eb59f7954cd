import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createConflictJudge } from "../../../src/knowledge/conflict-judge.ts";
import { judgeConflicts } from "../../../src/learner/judge-conflicts.ts";
import { createKnowledgeDesk, type KnowledgeDesk } from "../../../src/learner/knowledge-desk.ts";
import { createLlm } from "../../../src/llm/client.ts";
import type { Store } from "../../../src/store/ports.ts";
import { aLesson } from "../lesson-factory.ts";
import { type OpenAiServer, openOpenAiServer } from "../openai-server.ts";
import { openTestStore } from "./open-test-store.ts";

let nowUs = 1_800_000_000_000_000;
const clock = { nowUs: () => (nowUs += 1_000) };
let server: OpenAiServer;
let store: Store;
let desk: KnowledgeDesk;
beforeAll(async () => {
  server = await openOpenAiServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  store = await openTestStore(clock);
  desk = createKnowledgeDesk({ store, clock, actor: "cli:ann" });
});
afterEach(() => store.close());

let made = 0;
const propose = async (content: string) => {
  made += 1;
  const lesson = aLesson({ id: `a${made}`, fingerprint: `f${made}`, content, appliesWhen: "weighing parcels" });
  return (await store.propose(lesson, "learner")).item;
};
/** Two that no rule finds at odds. */
const pair = async () => {
  const old = await desk.approve((await propose("Trust the scale at the counter.")).id, { reason: "checked" });
  return { old, fresh: await propose("Only the warehouse scale is right.") };
};
const answer = (value: object): void => server.setMode({ kind: "answer", content: JSON.stringify(value) });
const ask = (maxPairs = 20) =>
  judgeConflicts({ store, clock, maxPairs, judge: createConflictJudge({ llm: createLlm({ model: "stub", baseUrl: server.baseUrl }) }) });
/** The pair is ordered by id, and ids are made in order. */
const CLASH = { contradict: true, first: "scale at the counter", second: "Only the warehouse scale", reason: "two scales" };

describe("a model that judges conflicts", () => {
  test("keeps an item out that the rules let pass", async () => {
    const { fresh } = await pair();
    answer(CLASH);
    expect(await ask()).toEqual({ judged: 1, found: 1, refused: 0 });
    await expect(desk.approve(fresh.id, { reason: "ok" })).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("two scales"),
    });
    expect(await desk.conflicts()).toMatchObject([{ conflict: { rule: "judge", first: "scale at the counter" } }]);
  });

  test("is asked once per pair of texts", async () => {
    const { fresh } = await pair();
    answer({ ...CLASH, contradict: false });
    expect([(await ask()).judged, (await ask()).judged]).toEqual([1, 0]);
    await desk.edit(fresh.id, { content: "Only the scale of the warehouse is right.", reason: "clearer" });
    expect((await ask()).judged).toBe(1);
  });

  test.each([
    ["points at words that no item has", { kind: "answer", content: JSON.stringify({ ...CLASH, first: "the kitchen scale" }) }],
    ["points at nothing", { kind: "answer", content: JSON.stringify({ ...CLASH, second: "" }) }],
    ["is of another shape", { kind: "answer", content: '{"contradict":"yes"}' }],
    ["is no JSON", { kind: "answer", content: "they do" }],
  ] as const)("is refused when its answer %s, and the rules decide", async (_what, mode) => {
    const { fresh } = await pair();
    server.setMode(mode);
    expect(await ask()).toEqual({ judged: 0, found: 0, refused: 1 });
    expect((await desk.approve(fresh.id, { reason: "ok" })).status).toBe("active");
  });

  test("holds nobody up when it cannot be reached", async () => {
    const { fresh } = await pair();
    server.setMode({ kind: "status", status: 503 });
    expect(await ask()).toMatchObject({ judged: 0, error: expect.stringContaining("stub") });
    expect((await desk.approve(fresh.id, { reason: "ok" })).status).toBe("active");
  });

  test("cannot talk away what the rules find", async () => {
    await desk.approve((await propose("Weigh in grams.")).id, { reason: "checked" });
    const rival = await propose("Never weigh in grams.");
    answer({ ...CLASH, contradict: false });
    const asked = server.requests.length;
    await ask();
    expect(server.requests.length).toBe(asked);
    await expect(desk.approve(rival.id, { reason: "ok" })).rejects.toMatchObject({ code: "conflict" });
  });

  test("is asked about no more pairs than allowed", async () => {
    await pair();
    await propose("The scale shows tare first.");
    answer({ ...CLASH, contradict: false });
    expect([(await ask(1)).judged, (await ask(1)).judged, (await ask(1)).judged]).toEqual([1, 1, 0]);
  });
});
