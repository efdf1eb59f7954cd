import { describe, expect, test } from "vitest";
import type { KnowledgeItem } from "../../../src/knowledge/knowledge-item.ts";
import type { NewSnapshot, SnapshotItem } from "../../../src/knowledge/ports.ts";
import type { SqlStore } from "../../../src/store/local-store.ts";
import { aLesson, aValidation, changed, hex, T0 } from "./factories.ts";

function aSnapshot(changes: Partial<NewSnapshot> = {}): NewSnapshot {
  return { id: `s${hex(30)}`, createdAtUs: T0, actor: "cli:test", ...changes };
}

const kept = ({ counts: _c, updatedAtUs: _u, version: _v, ...item }: KnowledgeItem): SnapshotItem => item;

export function describeSnapshots(store: () => SqlStore): void {
  const propose = async () => (await store().propose(aLesson(), "learner")).item;

  describe("many versions at once", () => {
    test("are saved together with their history", async () => {
      const items = [await propose(), await propose()];
      await store().saveItems(
        items.map((item) => {
          const [next, entry] = changed(item, { content: "together" });
          return { item: next, entry };
        }),
      );
      for (const { id } of items) {
        expect((await store().getKnowledgeItem(id)).content).toBe("together");
        expect(await store().historyOf(id)).toHaveLength(2);
      }
    });

    test("are not saved at all when one of them will not go", async () => {
      const [good, stale] = [await propose(), await propose()];
      const [next, entry] = changed(good, { content: "half" });
      const [bad, badEntry] = changed({ ...stale, version: 5 }, {});
      const writes = [
        { item: next, entry },
        { item: bad, entry: badEntry },
      ];
      await expect(store().saveItems(writes)).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining(stale.id) });
      expect(await store().getKnowledgeItem(good.id)).toEqual(good);
      expect(await store().historyOf(good.id)).toHaveLength(1);
    });

    test("a new item brings its history, which has to be whole", async () => {
      const first = { ...(await propose()), id: hex(16), fingerprint: hex(32) };
      const [item, entry] = changed(first, {});
      const past = [{ ...entry, version: 1, action: "propose" as const }];
      await expect(store().saveItems([{ item, entry, past: [{ ...entry, version: 3 }] }])).rejects.toMatchObject({ code: "invalid" });
      await store().saveItems([{ item, entry, past }]);
      expect((await store().historyOf(item.id)).map(({ action }) => action)).toEqual(["propose", "edit"]);
      const again = changed(item, {});
      await expect(store().saveItems([{ item: again[0], entry: again[1], past }])).rejects.toMatchObject({ code: "invalid" });
    });
  });

  describe("snapshots", () => {
    test("keep every item as it was, with the certificate it carried", async () => {
      const item = await propose();
      const [next, entry] = changed(item, { status: "active", validation: aValidation(item.id), service: "shop" });
      await store().saveItem(next, entry);
      const made = await store().createSnapshot(aSnapshot({ reason: "because" }));
      const [later, laterEntry] = changed(next, { content: "other words" });
      await store().saveItem(later, laterEntry);
      const { items, ...info } = await store().getSnapshot(made.id);
      expect(info).toEqual(made);
      expect(info).toMatchObject({ reason: "because", imported: false, itemCount: items.length });
      expect(items.find(({ id }) => id === item.id)).toEqual(kept(next));
      expect(items.map(({ id }) => id)).toEqual(items.map(({ id }) => id).sort());
    });

    test("are found by tag before id, and by a unique prefix", async () => {
      const stem = `p${hex(10)}`;
      const [first, second] = [
        await store().createSnapshot(aSnapshot({ id: `${stem}-1` })),
        await store().createSnapshot(aSnapshot({ id: `${stem}-2`, tag: `${stem}-1` })),
      ];
      expect((await store().getSnapshot(`${stem}-1`)).id).toBe(second.id);
      expect((await store().getSnapshot(`${stem}-2`)).id).toBe(second.id);
      await expect(store().getSnapshot(stem)).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining(first.id) });
      await expect(store().getSnapshot("nowhere")).rejects.toMatchObject({ code: "not-found" });
    });

    test("refuse a tag that is taken, and free it when they are deleted", async () => {
      const tag = `t${hex(10)}`;
      const { id } = await store().createSnapshot(aSnapshot({ tag }));
      await expect(store().createSnapshot(aSnapshot({ tag }))).rejects.toMatchObject({ code: "conflict" });
      await store().deleteSnapshot(id);
      await store().deleteSnapshot(id);
      await expect(store().getSnapshot(id)).rejects.toMatchObject({ code: "not-found" });
      expect((await store().createSnapshot(aSnapshot({ tag }))).tag).toBe(tag);
    });

    test("are listed newest first, without their items", async () => {
      const [first, second] = [await store().createSnapshot(aSnapshot()), await store().createSnapshot(aSnapshot())];
      expect((await store().listSnapshots()).slice(0, 2)).toEqual([second, first]);
    });

    test("hold what a file says, and say that it came from one", async () => {
      const items = [kept({ ...(await propose()), content: "from a file" })];
      const { id } = await store().createSnapshot(aSnapshot({ items }));
      expect(await store().getSnapshot(id)).toMatchObject({ imported: true, itemCount: 1, items });
      expect((await store().listSnapshots())[0]?.imported).toBe(true);
    });

    test("a backup is written with the versions behind it, or neither", async () => {
      const item = await propose();
      const [next, entry] = changed(item, { content: "restored" });
      const backup = aSnapshot();
      const { id } = await store().saveItemsBehind(backup, [{ item: next, entry }]);
      expect((await store().getSnapshot(id)).items.find((old) => old.id === item.id)?.content).toBe(item.content);
      const second = aSnapshot();
      await expect(store().saveItemsBehind(second, [{ item: next, entry }])).rejects.toMatchObject({ code: "conflict" });
      await expect(store().getSnapshot(second.id)).rejects.toMatchObject({ code: "not-found" });
    });

    test("forget an item that is removed", async () => {
      const [gone, stays] = [await propose(), await propose()];
      const { id, itemCount } = await store().createSnapshot(aSnapshot());
      await store().removeItem(gone.id);
      const { items, ...info } = await store().getSnapshot(id);
      expect(info.itemCount).toBe(itemCount - 1);
      expect(items.map((item) => item.id)).toContain(stays.id);
      expect(items.map((item) => item.id)).not.toContain(gone.id);
    });
  });
}
