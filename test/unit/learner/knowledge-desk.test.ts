import { describe, expect, test } from "vitest";
import type { KnowledgeItem } from "../../../src/knowledge/knowledge-item.ts";
import { createKnowledgeDesk, type KnowledgeDesk } from "../../../src/learner/knowledge-desk.ts";
import type { SqlStore } from "../../../src/store/local-store.ts";
import { aLesson, aValidation, changed } from "../../contract/store/factories.ts";
import { NOW_US } from "../../support/an-item.ts";
import { openSqlStore } from "../../support/sql-store.ts";
import { temporaryFolder } from "../store/temporary.ts";

const inFolder = temporaryFolder();
let stores = 0;

async function withDesk(work: (desk: KnowledgeDesk, store: SqlStore) => Promise<void>): Promise<void> {
  stores += 1;
  const store = await openSqlStore(inFolder(`desk-${stores}.db`));
  await work(createKnowledgeDesk({ store, clock: { nowUs: () => NOW_US }, actor: "cli:ada" }), store).finally(() => store.close());
}

async function candidate(store: SqlStore, content: string, changes: Partial<KnowledgeItem> = {}): Promise<KnowledgeItem> {
  const { item } = await store.propose(aLesson({ content }), "learner");
  const [next, entry] = changed(item, { validation: aValidation(item.id), ...changes });
  await store.saveItem(next, entry);
  return next;
}

describe("many items at once", () => {
  test("those that are meant are changed, and no other", () =>
    withDesk(async (desk, store) => {
      const mine = await candidate(store, "Round money", { agentName: "biller", status: "validated" });
      const other = await candidate(store, "Round money too", { agentName: "shipper", status: "validated" });
      const report = await desk.changeMany({ action: "approve", filter: { agentName: "biller" } });
      expect(report.done.map(({ item, from }) => [item.id, from, item.status])).toEqual([[mine.id, "validated", "active"]]);
      expect((await store.getKnowledgeItem(mine.id)).status).toBe("active");
      expect((await store.getKnowledgeItem(other.id)).status).toBe("validated");
    }));

  test("one that refuses is named with its reason and stops no other", () =>
    withDesk(async (desk, store) => {
      const bad = await candidate(store, "one", { status: "archived" });
      const good = await candidate(store, "two", { status: "validated" });
      const report = await desk.changeMany({ action: "approve", ids: [bad.id, good.id] });
      expect(report.done.map(({ item }) => item.id)).toEqual([good.id]);
      expect(report.refused).toMatchObject([{ item: { id: bad.id }, code: "conflict", reason: expect.stringContaining("archived") }]);
    }));

  test("a dry run says the same and changes nothing", () =>
    withDesk(async (desk, store) => {
      const item = await candidate(store, "one", { status: "validated" });
      const plan = await desk.changeMany({ action: "reject", ids: [item.id], reason: "stale", dryRun: true });
      expect(plan).toMatchObject({ dryRun: true, done: [{ from: "validated", item: { status: "archived" } }] });
      expect(await store.getKnowledgeItem(item.id)).toEqual(item);
    }));

  test("nothing named means none, not all", () =>
    withDesk(async (desk, store) => {
      await candidate(store, "one");
      await expect(desk.changeMany({ action: "reject", filter: { tags: [] }, reason: "x" })).rejects.toMatchObject({ code: "invalid" });
    }));

  test("the same new words for several items are refused before the first is changed", () =>
    withDesk(async (desk, store) => {
      const items = [await candidate(store, "one"), await candidate(store, "two")];
      const request = { action: "edit", filter: { status: "candidate" }, edit: { content: "both" }, reason: "x" } as const;
      await expect(desk.changeMany(request)).rejects.toMatchObject({ code: "invalid" });
      for (const item of items) expect(await store.getKnowledgeItem(item.id)).toEqual(item);
    }));

  test("tags and scope go to all of them", () =>
    withDesk(async (desk, store) => {
      await candidate(store, "one", { tags: ["old", "kept"] });
      await candidate(store, "two", { tags: [], tenant: "north" });
      const edit = { addTags: ["sql"], removeTags: ["old"], scope: { agentName: "biller", tenant: "" } };
      const { done } = await desk.changeMany({ action: "edit", filter: { status: "candidate" }, edit, reason: "sorted" });
      expect(done.map(({ item }) => [item.content, item.tags, item.agentName, item.tenant])).toEqual([
        ["two", ["sql"], "biller", undefined],
        ["one", ["kept", "sql"], "biller", undefined],
      ]);
    }));
});

describe("one item", () => {
  test.each([
    [{ query: "MONEY  round" }, true],
    [{ query: "computing interest" }, true],
    [{ query: "money ship" }, false],
    [{ tags: ["money"] }, true],
    [{ tags: ["money", "sql"] }, false],
    [{ taint: "tool" }, true],
    [{ taint: "imported" }, false],
    [{ type: "checklist" }, false],
    [{ priority: "pinned" }, false],
    [{ service: "shop" }, false],
  ] as const)("is listed by %j: %j", (filter, isListed) =>
    withDesk(async (desk, store) => {
      await candidate(store, "Round money");
      expect(await desk.list(filter)).toHaveLength(isListed ? 1 : 0);
    }),
  );

  test("shows every change with who, when, why and the words that changed", () =>
    withDesk(async (desk, store) => {
      const { id } = await candidate(store, "Round money to cents.");
      await desk.edit(id, { content: "Round money to whole cents.", reason: "clearer" });
      const { history } = await desk.show(id);
      expect(history.at(-1)).toMatchObject({ action: "edit", actor: "cli:ada", atUs: NOW_US, reason: "clearer" });
      expect(history.at(-1)?.words).toEqual({
        content: [
          { kind: "same", text: "Round money to " },
          { kind: "added", text: "whole " },
          { kind: "same", text: "cents." },
        ],
      });
    }));

  test("takes no type that there is not, and no empty tag", () =>
    withDesk(async (desk, store) => {
      const { id } = await candidate(store, "one");
      await expect(desk.edit(id, { type: "advice" as never, reason: "x" })).rejects.toMatchObject({ code: "invalid" });
      await expect(desk.edit(id, { addTags: [" "], reason: "x" })).rejects.toMatchObject({ code: "invalid" });
    }));
});
