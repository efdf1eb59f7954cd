import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LearnError } from "../../../src/base/error.ts";
import type { ItemVector, KnowledgeChange, VectorStore } from "../../../src/injection/ports.ts";
import type { KnowledgeItem } from "../../../src/knowledge/knowledge-item.ts";
import { createKnowledgeReplica, type KnowledgeReplica, type ReplicaOptions } from "../../../src/retrieval/replica.ts";
import { anActiveItem } from "../../support/an-item.ts";
import { seededRandom } from "../../support/seeded-random.ts";
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

describe("the nearest items", () => {
  const nearest = async (copy: KnowledgeReplica, task: string, { limit = 10, asking = {}, least = 0.3 } = {}): Promise<string[]> =>
    (await copy.nearestItems(task, limit, asking, least)).map(({ id }) => id);

  test("are all there at the first question, and what this process changes is in its next one", async () => {
    for (let at = 0; at < 300; at += 1) put(`item-${at}`, `round money w${at}`);
    put("a", "weigh parcels");
    const copy = aCopy({ model: async () => aWordModel() });
    expect(await nearest(copy, "package weight")).toEqual(["a"]);
    put("b", "package weight");
    copy.changed();
    expect(await nearest(copy, "package weight")).toEqual(["a", "b"]);
    put("a", "round money");
    copy.changed();
    expect(await nearest(copy, "package weight")).toEqual(["b"]);
    expect(await nearest(copy, "  ")).toEqual([]);
  });

  test("are those of an exact comparison with each item, down to the least cosine, of equal ones the oldest first", async () => {
    const model = aWordModel("words-64", 64);
    const words = "round print label weather garden house tree shelf lamp door stone river".split(" ");
    const random = seededRandom(5);
    const pick = () => words[Math.floor(random() * words.length)];
    // In order: the same words in another one would be as near but for the last bits.
    const text = (count: number) => Array.from({ length: count }, pick).sort().join(" ");
    // Few texts, so that many items are equally near; younger ones stand in front.
    const texts = Array.from({ length: 60 }, () => text(4));
    for (let at = 0; at < 600; at += 1) put(`item-${at}`, texts[at % texts.length] ?? "", { createdAtUs: 10_000 - at });
    const copy = aCopy({ model: async () => model });
    const items = changes.flatMap(({ item }) => item ?? []);
    for (const limit of [1, 7, 25, 90]) {
      for (let round = 0; round < 20; round += 1) {
        const task = text(3);
        const asked = model.embedNow(task);
        const expected = items
          .map((item) => ({ item, cosine: dot(asked, model.embedNow(`${item.content} `)) }))
          .filter(({ cosine }) => cosine >= 0.45)
          .sort((a, b) => (Math.abs(a.cosine - b.cosine) > 1e-6 ? b.cosine - a.cosine : a.item.createdAtUs - b.item.createdAtUs))
          .slice(0, limit);
        expect(await nearest(copy, task, { limit, least: 0.45 })).toEqual(expected.map(({ item }) => item.id));
      }
    }
  });

  test("leave no place to items for others, nor to pinned ones", async () => {
    put("north", "weigh parcels", { tenant: "north" });
    put("pinned", "weigh parcels", { priority: "pinned" });
    put("a", "weigh parcels soon");
    const copy = aCopy({ model: async () => aWordModel() });
    expect(await nearest(copy, "package weight", { limit: 1 })).toEqual(["a"]);
    expect(await nearest(copy, "package weight", { limit: 1, asking: { tenant: "north" } })).toEqual(["north"]);
  });

  test("reject with what the model rejects with, also where it can't be opened", async () => {
    put("a", "weigh parcels");
    const copy = aCopy({ model: async () => Promise.reject(new LearnError("not-found", "no table")) });
    await expect(nearest(copy, "weight")).rejects.toThrow("no table");
    const down = async (): Promise<never> => {
      throw new LearnError("unavailable", "down");
    };
    const far = aCopy({ model: async () => ({ ...aFarModel("far"), embed: down }) });
    await expect(nearest(far, "weight")).rejects.toThrow("down");
    await expect(nearest(aCopy(), "weight")).rejects.toMatchObject({ code: "unavailable" });
  });

  test("are those that have their vectors, where the others take long", async () => {
    put("a", "weigh parcels");
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const near = aFarModel("far");
    const embed = async (texts: readonly string[]) => {
      if (texts.includes("package weight ")) await gate;
      return near.embed(texts);
    };
    const copy = aCopy({ model: async () => ({ ...near, embed }), embedsItems: true });
    expect(await nearest(copy, "package weight")).toEqual(["a"]);
    put("b", "package weight");
    copy.changed();
    expect(await nearest(copy, "package weight")).toEqual(["a"]);
    release();
    await vi.waitFor(async () => expect(await nearest(copy, "package weight")).toEqual(["a", "b"]));
  });
});

// The first question opened the model of the options after the one said in code, and then searched by that.
test("a model said in code is searched by, not the one that would be opened", async () => {
  put("a", "weigh parcels");
  let opened = 0;
  const model = async () => {
    opened += 1;
    return aWordModel("opened");
  };
  const copy = aCopy({ model });
  await copy.useModel(aWordModel("said"));
  await eventually(copy, "package weight", ["a"]);
  expect([copy.status().model, opened]).toEqual(["said", 0]);
});

function dot(left: Float32Array, right: Float32Array): number {
  return left.reduce((sum, value, at) => sum + value * (right[at] as number), 0);
}
