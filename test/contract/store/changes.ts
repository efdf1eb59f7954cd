import { describe, expect, test } from "vitest";
import type { KnowledgeChange } from "../../../src/injection/ports.ts";
import type { KnowledgeItem } from "../../../src/knowledge/knowledge-item.ts";
import type { SqlStore } from "../../../src/store/local-store.ts";
import { aLesson, anOutcome, aSpan, aTrace, aValidation, changed, T0 } from "./factories.ts";

export function describeChanges(store: () => SqlStore): void {
  const newest = async (): Promise<number> => {
    let since = 0;
    for (;;) {
      const { seq, more } = await store().knowledgeChanges(since, 1_000);
      since = seq;
      if (!more) return seq;
    }
  };
  const propose = async () => (await store().propose(aLesson(), "learner")).item;
  const save = async (item: KnowledgeItem, changes: Partial<KnowledgeItem>) => {
    const [next, entry] = changed(item, changes);
    await store().saveItem(next, entry);
    return next;
  };
  const changesAfter = async (since: number): Promise<readonly KnowledgeChange[]> => (await store().knowledgeChanges(since, 100)).changes;

  describe("the sequence of changes of knowledge", () => {
    test("tells of an active item what finding, drawing and writing it need, and nothing of others but that they changed", async () => {
      const since = await newest();
      const candidate = await propose();
      const validation = { ...aValidation(candidate.id), contentDigest: "d".repeat(32), pairs: [] };
      const item = await save(await propose(), { status: "active", tenant: "north", content: "a\0b", validation });
      const changes = await changesAfter(since);
      expect(changes.map(({ id }) => id)).toEqual([candidate.id, item.id]);
      expect(changes[0]).not.toHaveProperty("item");
      const { id, type, appliesWhen, priority, status, createdAtUs, counts } = item;
      const { itemId, kind, decision, wins, contentDigest } = validation;
      expect(changes[1]?.item).toEqual({
        ...{ id, type, content: "a\0b", appliesWhen, priority, status, createdAtUs, counts, tenant: "north" },
        validation: { itemId, kind, decision, wins, contentDigest },
      });
    });

    test("tells that an item left the active ones, or was deleted", async () => {
      const [first, second] = [await save(await propose(), { status: "active" }), await save(await propose(), { status: "active" })];
      const since = await newest();
      await save(first, { status: "deprecated" });
      await store().removeItem(second.id);
      expect((await changesAfter(since)).map(({ id, item }) => [id, item])).toEqual([
        [first.id, undefined],
        [second.id, undefined],
      ]);
    });

    test("comes in pages, each item once, at its last change", async () => {
      const since = await newest();
      const items = [await propose(), await propose(), await propose()];
      await save(items[0] as KnowledgeItem, { content: "changed" });
      const ids: string[] = [];
      let at = since;
      for (let more = true; more; ) {
        const page = await store().knowledgeChanges(at, 1);
        expect(page.changes.length).toBeLessThanOrEqual(1);
        ids.push(...page.changes.map(({ id }) => id));
        ({ seq: at, more } = page);
      }
      expect(ids).toEqual([items[1]?.id, items[2]?.id, items[0]?.id]);
    });

    test("with nothing new tells where the store stands, also to who is ahead of it", async () => {
      const seq = await newest();
      expect(await store().knowledgeChanges(seq, 10)).toEqual({ changes: [], seq, more: false });
      expect(await store().knowledgeChanges(seq + 1_000, 10)).toEqual({ changes: [], seq, more: false });
    });

    test("counts the runs that were judged", async () => {
      const item = await save(await propose(), { status: "active" });
      const trace = aTrace({ exposure: { given: [item.id], withheld: [], withholdProbability: 0.1 } });
      await store().saveMapped([], { spans: [aSpan({ traceId: trace.traceId })], logs: [] }, T0);
      await store().saveManyAssembled([{ traceId: trace.traceId, traces: [trace], outcomes: [anOutcome(trace.id)], seenArrivalUs: T0 }]);
      const since = await newest();
      await save(item, { content: "changed" });
      expect((await changesAfter(since))[0]?.item?.counts).toEqual({ given: 1, givenSuccess: 1, withheld: 0, withheldSuccess: 0 });
    });
  });
}

export function describeVectors(store: () => SqlStore): void {
  describe("vectors of items", () => {
    const vector = (itemId: string, ...numbers: number[]) => ({ itemId, digest: "d", vector: Float32Array.from(numbers) });

    test("are kept by item and model, the last ones, and go with the item", async () => {
      const [first, second] = [
        (await store().propose(aLesson(), "learner")).item.id,
        (await store().propose(aLesson(), "learner")).item.id,
      ];
      await store().saveItemVectors("m-1", [vector(first, 0.1, -2, 3e-9), vector(second, 1)]);
      await store().saveItemVectors("m-2", [vector(first, 7)]);
      await store().saveItemVectors("m-1", [{ ...vector(second, 5), digest: "e" }]);
      const rows = await store().itemVectors("m-1", [second, first, "unknown"]);
      expect([...rows].sort((a, b) => a.vector.length - b.vector.length)).toEqual([
        { ...vector(second, 5), digest: "e" },
        vector(first, 0.1, -2, 3e-9),
      ]);
      expect(await store().itemVectors("m-3", [first])).toEqual([]);
      await store().removeItem(first);
      expect(await store().itemVectors("m-1", [first])).toEqual([]);
    });

    test("of an item that is not there are left out", async () => {
      await store().saveItemVectors("m-1", [vector("nobody", 1)]);
      expect(await store().itemVectors("m-1", ["nobody"])).toEqual([]);
    });
  });
}
