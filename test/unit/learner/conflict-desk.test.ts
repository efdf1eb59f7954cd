import { readdirSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { reportText } from "../../../src/cli/learn.ts";
import { heldLine, verdictOf } from "../../../src/cli/verdict.ts";
import type { KnowledgeItem } from "../../../src/knowledge/knowledge-item.ts";
import { hold, recordValidation } from "../../../src/knowledge/life-cycle.ts";
import type { ValidationCase } from "../../../src/knowledge/ports.ts";
import { learn } from "../../../src/learner/cycle.ts";
import { createKnowledgeDesk, type KnowledgeDesk } from "../../../src/learner/knowledge-desk.ts";
import type { Store } from "../../../src/store/ports.ts";
import { aValidation } from "../../support/an-item.ts";
import { aLesson } from "../lesson-factory.ts";
import { aTrace } from "../trace-factory.ts";
import { openTestStore } from "./open-test-store.ts";

let nowUs = 0;
const clock = { nowUs: () => (nowUs += 1_000) };
let store: Store;
let desk: KnowledgeDesk;

beforeEach(async () => {
  nowUs = 1_800_000_000_000_000;
  store = await openTestStore(clock);
  desk = createKnowledgeDesk({ store, clock, actor: "cli:ann" });
});
afterEach(() => store.close());

let made = 0;
const propose = async (content: string): Promise<KnowledgeItem> => {
  made += 1;
  const lesson = aLesson({
    id: `${made}`.padStart(8, "0"),
    fingerprint: `f${made}`,
    content,
    appliesWhen: "weighing parcels",
    sourceTraceIds: [RUN.id],
  });
  return (await store.propose(lesson, "learner")).item;
};
const RUN = aTrace({ task: "which parcel is the lightest" });
const [GRAMS, NO_GRAMS] = ["Give weights in grams.", "Never give weights in grams."];
const active = async (content: string): Promise<KnowledgeItem> => desk.approve((await propose(content)).id, { reason: "checked" });
const validated = async (content: string): Promise<KnowledgeItem> => {
  const item = await propose(content);
  const { item: passed, entry } = recordValidation(item, aValidation(item, { id: `v-${item.id}` }), {
    actor: "learner",
    atUs: clock.nowUs(),
  });
  await store.saveItem(passed, entry);
  return passed;
};
const refused = { code: "conflict", message: expect.stringContaining("cannot become active beside") };
/** Cases that both lessons win: half of them weigh a parcel, half ask for its name. */
const TESTED = {
  cases: Array.from({ length: 24 }, (_, index): ValidationCase => {
    const task = `weigh parcel ${index}`;
    return { id: `case-${index}`, task, mustPass: false, score: (output) => (output === (index < 12 ? "g" : "n") ? 1 : 0) };
  }),
  runner: (task: string, knowledge: string): string => {
    const weighs = Number(/\d+/.exec(task)?.[0]) < 12;
    if (weighs) return knowledge.includes("Give weights in grams") ? "g" : "lb";
    return knowledge.includes("by its number") ? "n" : "-";
  },
  alpha: 0.05,
  minimumGain: 0.05,
  passScore: 0.7,
  concurrency: 4,
  confirmReplicates: 2,
};
const statusOf = async ({ id }: KnowledgeItem): Promise<string> => (await store.getKnowledgeItem(id)).status;

describe("no way to active goes past a contradiction", () => {
  test("approval of a candidate", async () => {
    await active(NO_GRAMS);
    await expect(active(GRAMS)).rejects.toMatchObject(refused);
  });

  test("approval of a validated item, and the conflict is stored to be settled", async () => {
    await active(NO_GRAMS);
    const item = await validated(GRAMS);
    await expect(desk.approve(item.id)).rejects.toMatchObject(refused);
    expect([await statusOf(item), (await store.listConflicts(item.id)).length]).toEqual(["validated", 1]);
  });

  test("activation by evidence: the learner goes on, the item stays validated, and its history says why", async () => {
    await store.saveManyAssembled([{ traceId: RUN.traceId, traces: [RUN], outcomes: [], seenArrivalUs: 0 }]);
    const blocker = await active(NO_GRAMS);
    const [first, second] = [await propose(GRAMS), await propose("Name the parcel by its number.")];
    const report = await learn({ store, clock, analyzers: [], activation: "evidence", ...TESTED });
    expect([await statusOf(first), await statusOf(second)]).toEqual(["validated", "active"]);
    expect((await store.historyOf(first.id)).at(-1)).toMatchObject({
      action: "hold",
      actor: "learner",
      reason: expect.stringContaining("cannot become active"),
    });
    const held = report.decisions.find(({ item }) => item.id === first.id);
    expect(held?.next).toContain("agentlearn knowledge resolve");
    expect(held?.heldBy).toMatchObject({ itemId: blocker.id, reason: expect.stringContaining("forbids") });
    expect(held && verdictOf(held).word).toBe("held");
    const page = reportText(report);
    expect(page).toContain(`held      ${first.id.slice(0, 8)} ${GRAMS}`);
    expect(page).toContain(`held: contradicts ${blocker.id.slice(0, 8)} (one demands what the other forbids`);
    expect(page).toContain("next: `agentlearn knowledge conflicts`");
    expect(page).not.toContain("refused");
    expect(heldLine(first.id, await desk.conflicts())).toContain(`held: contradicts ${blocker.id.slice(0, 8)} (`);
    expect(heldLine(blocker.id, await desk.conflicts())).toBeUndefined();
    expect(await store.listConflicts(first.id)).toHaveLength(1);
  });

  test("a person who would approve it hears of it from the learner, and nothing is recorded as held", async () => {
    await store.saveManyAssembled([{ traceId: RUN.traceId, traces: [RUN], outcomes: [], seenArrivalUs: 0 }]);
    const blocker = await active(NO_GRAMS);
    const [first, second] = [await propose(GRAMS), await propose("Name the parcel by its number.")];
    const { decisions } = await learn({ store, clock, analyzers: [], activation: "approval", ...TESTED });
    const [held, free] = [first, second].map(({ id }) => decisions.find(({ item }) => item.id === id));
    expect([held?.heldBy?.itemId, held?.next]).toEqual([blocker.id, expect.stringContaining("agentlearn knowledge conflicts")]);
    expect([free?.heldBy, free?.next]).toEqual([undefined, `\`agentlearn knowledge approve ${second.id.slice(0, 8)}\``]);
    expect((await store.historyOf(first.id)).map(({ action }) => action)).toEqual(["propose", "validate"]);
  });

  test("restoring and approving again", async () => {
    const item = await active(GRAMS);
    await desk.deprecate(item.id, { reason: "old" });
    await active(NO_GRAMS);
    await desk.restore(item.id);
    await expect(desk.approve(item.id, { reason: "again" })).rejects.toMatchObject(refused);
  });

  test("editing a harmless item and approving it", async () => {
    await active(NO_GRAMS);
    const item = await active("Name the parcel by its number.");
    await desk.edit(item.id, { content: GRAMS, reason: "better" });
    expect(await desk.conflicts({ id: item.id })).toHaveLength(1);
    await expect(desk.approve(item.id, { reason: "again" })).rejects.toMatchObject(refused);
  });

  // Import, bulk changes and snapshots write versions that no verb of the life cycle made.
  test("a version that is active from the start, or turned active by hand", async () => {
    await active(NO_GRAMS);
    const item = await validated(GRAMS);
    const { entry } = hold(item, { actor: "api", atUs: clock.nowUs() });
    await expect(store.saveItem({ ...item, status: "active", version: item.version + 1 }, entry)).rejects.toMatchObject(refused);
    const brought = { ...item, id: "99999999", fingerprint: "f-new", status: "active", version: 1 } as const;
    await expect(store.saveItem(brought, { ...entry, itemId: brought.id, version: 1 })).rejects.toMatchObject(refused);
  });

  test("no other statement writes the text or the status of an item", () => {
    const folder = new URL("../../../src/store/", import.meta.url);
    const writes = readdirSync(folder)
      .filter((name) => name.endsWith(".ts"))
      .filter((name) =>
        /(?:INSERT (?:OR \w+ )?INTO|UPDATE|REPLACE INTO) knowledge\b(?!_)/i.test(readFileSync(new URL(name, folder), "utf8")),
      );
    expect(writes).toEqual(["knowledge-row.ts"]);
  });
});

describe("settling a conflict", () => {
  const clash = async () => ({ old: await active(NO_GRAMS), fresh: await validated(GRAMS) });

  test("keeping the new one retires the old one, and then the new one can be approved", async () => {
    const { old, fresh } = await clash();
    const { conflict } = await desk.resolve(fresh.id, old.id, { keep: fresh.id, reason: "scales changed" });
    expect(conflict.resolution).toMatchObject({ outcome: "keep", keep: fresh.id, actor: "cli:ann", reason: "scales changed" });
    expect((await desk.approve(fresh.id)).status).toBe("active");
    expect((await store.historyOf(old.id)).at(-1)).toMatchObject({
      action: "deprecate",
      reason: expect.stringContaining("scales changed"),
    });
    expect(await desk.conflicts()).toEqual([]);
    expect(await desk.conflicts({ settled: true })).toHaveLength(1);
  });

  test("the one that lost does not come back while the winner is active", async () => {
    const { old, fresh } = await clash();
    await desk.resolve(fresh.id, old.id, { keep: old.id });
    expect(await statusOf(fresh)).toBe("deprecated");
    await desk.restore(fresh.id);
    await expect(desk.approve(fresh.id, { reason: "again" })).rejects.toMatchObject(refused);
  });

  test("a person may let both stand, with a reason", async () => {
    const { old, fresh } = await clash();
    await expect(desk.resolve(fresh.id, old.id, { both: true, reason: " " })).rejects.toMatchObject({ code: "invalid" });
    await desk.resolve(fresh.id, old.id, { both: true, reason: "two scales" });
    expect((await desk.approve(fresh.id)).status).toBe("active");
    expect(await desk.conflicts()).toEqual([]);
  });

  test("code that is no person may not", async () => {
    const { old, fresh } = await clash();
    const code = createKnowledgeDesk({ store, clock, actor: "learner" });
    await expect(code.resolve(fresh.id, old.id, { both: true, reason: "why not" })).rejects.toMatchObject({ code: "conflict" });
  });

  test("each in a scope of its own goes together; one scope alone does not part them", async () => {
    const { old, fresh } = await clash();
    await expect(desk.resolve(fresh.id, old.id, { scopes: { [fresh.id]: { agentName: "post" } } })).rejects.toMatchObject({
      code: "invalid",
    });
    await desk.resolve(fresh.id, old.id, { scopes: { [fresh.id]: { agentName: "post" }, [old.id]: { agentName: "kitchen" } } });
    expect((await desk.approve(fresh.id)).agentName).toBe("post");
    expect((await store.getKnowledgeItem(old.id)).agentName).toBe("kitchen");
  });

  test("what was let stand is asked again when one of them says something else", async () => {
    const { old, fresh } = await clash();
    await desk.resolve(fresh.id, old.id, { both: true, reason: "two scales" });
    await desk.edit(fresh.id, { content: "Always give weights in grams.", reason: "clearer" });
    await expect(desk.approve(fresh.id, { reason: "clearer" })).rejects.toMatchObject(refused);
  });

  test("there is nothing to settle between two that get along", async () => {
    const [one, other] = [await propose(GRAMS), await propose("Name the parcel by its number.")];
    await expect(desk.resolve(one.id, other.id, { keep: one.id })).rejects.toMatchObject({ code: "conflict" });
  });

  test("only one of the two can be kept", async () => {
    const { old, fresh } = await clash();
    const third = await propose("Name the parcel by its number.");
    await expect(desk.resolve(fresh.id, old.id, { keep: third.id })).rejects.toMatchObject({ code: "invalid" });
  });
});
