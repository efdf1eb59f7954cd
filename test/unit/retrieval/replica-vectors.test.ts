import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ItemVector, KnowledgeChange, VectorStore } from "../../../src/injection/ports.ts";
import type { KnowledgeItem } from "../../../src/knowledge/knowledge-item.ts";
import { createKnowledgeReplica, type KnowledgeReplica, type ReplicaOptions } from "../../../src/retrieval/replica.ts";
import { anActiveItem } from "../../support/an-item.ts";
import { aFarModel, aWordModel } from "./word-model.ts";

let changes: KnowledgeChange[];
let rows: Map<string, ItemVector>;
let saves: string[];
let open: KnowledgeReplica[];
beforeEach(() => {
  [changes, rows, saves, open] = [[], new Map(), [], []];
});
afterEach(() => {
  for (const copy of open) copy.close();
});

const vectors: VectorStore = {
  itemVectors: async (modelId, ids) => ids.flatMap((id) => rows.get(`${modelId} ${id}`) ?? []),
  saveItemVectors: async (modelId, made) => {
    for (const row of made) rows.set(`${modelId} ${row.itemId}`, row);
    saves.push(...made.map(({ itemId }) => `${modelId} ${itemId}`));
  },
};

function put(id: string, content: string, more: Partial<KnowledgeItem> = {}): void {
  changes = [
    ...changes.filter((change) => change.id !== id),
    { seq: (changes.at(-1)?.seq ?? 0) + 1, id, item: anActiveItem({ id, content, appliesWhen: "", ...more }) },
  ];
}

function aCopy(options: Partial<ReplicaOptions> = {}): KnowledgeReplica {
  const feed = {
    knowledgeChanges: async (since: number) => {
      const later = changes.filter(({ seq }) => seq > since);
      return { changes: later, seq: later.at(-1)?.seq ?? changes.at(-1)?.seq ?? 0, more: false };
    },
  };
  const copy = createKnowledgeReplica({ feed, vectors, ...options });
  open.push(copy);
  return copy;
}

const found = async (copy: KnowledgeReplica, task: string, asking = {}): Promise<string[]> =>
  (await copy.searchKnowledge(task, 10, asking)).map(({ id }) => id);
/** Asks until vectors are there. */
const eventually = (copy: KnowledgeReplica, task: string, expected: string[]): Promise<void> =>
  vi.waitFor(async () => expect(await found(copy, task)).toEqual(expected));

describe("with an embedding model", () => {
  test("finds what means the same in other words, and nothing for a task that means something else", async () => {
    put("a", "weigh parcels");
    put("b", "round money");
    const copy = aCopy({ model: async () => aWordModel() });
    await eventually(copy, "package weight", ["a"]);
    expect(await found(copy, "weather tomorrow")).toEqual([]);
    expect(await found(copy, "")).toEqual([]);
  });

  test("a shared word alone does not do where the vectors disagree", async () => {
    put("a", "round the corner there stands a house with a garden and seven trees");
    put("b", "round money");
    const copy = aCopy({ model: async () => aWordModel() });
    await eventually(copy, "round cents", ["b"]);
    expect(await found(aCopy(), "round cents")).toEqual(["b", "a"]);
  });

  test("holds to scopes", async () => {
    put("a", "weigh parcels", { tenant: "north" });
    const copy = aCopy({ model: async () => aWordModel() });
    await vi.waitFor(async () => expect(await found(copy, "package weight", { tenant: "north" })).toEqual(["a"]));
    expect(await found(copy, "package weight")).toEqual([]);
    expect(await found(copy, "package weight", { tenant: "south" })).toEqual([]);
  });

  test("an item whose words change is found by the new ones only", async () => {
    put("a", "weigh parcels");
    const copy = aCopy({ model: async () => aWordModel() });
    await eventually(copy, "package weight", ["a"]);
    put("a", "round money");
    copy.changed();
    expect(await found(copy, "package weight")).toEqual([]);
    await eventually(copy, "cents", ["a"]);
  });

  test("makes each vector once, for all processes", async () => {
    put("a", "weigh parcels");
    put("b", "round money");
    await eventually(aCopy({ model: async () => aWordModel() }), "package weight", ["a"]);
    await vi.waitFor(() => expect(saves).toEqual(["words-64 a", "words-64 b"]));
    await eventually(aCopy({ model: async () => aWordModel() }), "package weight", ["a"]);
    expect(saves).toHaveLength(2);
    put("b", "weigh invoice");
    await eventually(aCopy({ model: async () => aWordModel() }), "bill weight", ["b", "a"]);
    await vi.waitFor(() => expect(saves.slice(2)).toEqual(["words-64 b"]));
  });

  test("does not take another model's vectors for its own", async () => {
    put("a", "weigh parcels");
    const copy = aCopy({ model: async () => aWordModel("one", 64) });
    await eventually(copy, "package weight", ["a"]);
    await eventually(aCopy({ model: async () => aWordModel("two", 32) }), "package weight", ["a"]);
    expect(saves).toEqual(["one a", "two a"]);
  });

  test("an unopened or failing model leaves the search by words", async () => {
    put("a", "weigh parcels");
    const failing = { ...aWordModel(), embedNow: () => expect.unreachable("down") as never };
    for (const model of [async () => Promise.reject(new Error("no table")), async () => failing]) {
      const copy = aCopy({ model });
      expect(await found(copy, "weigh")).toEqual(["a"]);
      expect(await found(copy, "weigh")).toEqual(["a"]);
    }
  });
});

describe("with a model elsewhere", () => {
  test("only who is to makes vectors of items; the others read them", async () => {
    put("a", "weigh parcels");
    const [reading, making] = [aFarModel("far"), aFarModel("far")];
    const reader = aCopy({ model: async () => reading });
    expect(await found(reader, "weigh")).toEqual(["a"]);
    await eventually(aCopy({ model: async () => making, embedsItems: true }), "package weight", ["a"]);
    expect(reading.asked).toEqual([]);
    await eventually(aCopy({ model: async () => reading }), "package weight", ["a"]);
    expect(reading.asked).not.toContain("weigh parcels ");
  });

  test("a task that takes too long is searched by its words", async () => {
    put("a", "weigh parcels");
    let answer = async (): Promise<void> => undefined;
    const copy = aCopy({ model: async () => aFarModel("far", () => answer()), embedsItems: true });
    await eventually(copy, "package weight", ["a"]);
    answer = () => new Promise(() => undefined);
    expect(await Promise.race([found(copy, "weigh"), sleep(5_000, "late")])).toEqual(["a"]);
  });

  test("a new model takes over when it has its vectors, and the old one serves until then", async () => {
    put("a", "weigh parcels");
    const old = aFarModel("old");
    const copy = aCopy({ model: async () => old, embedsItems: true });
    await eventually(copy, "package weight", ["a"]);
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const next = aFarModel("next", () => gate);
    const taken = copy.useModel(next);
    expect(await found(copy, "package weight")).toEqual(["a"]);
    expect(old.asked.filter((text) => text === "package weight").length).toBeGreaterThan(1);
    release();
    await taken;
    old.asked.length = 0;
    expect(await found(copy, "package weight")).toEqual(["a"]);
    expect([old.asked, next.asked]).toEqual([[], ["weigh parcels ", "package weight"]]);
  });
});
