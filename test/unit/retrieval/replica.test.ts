import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { KnowledgeFeed } from "../../../src/injection/ports.ts";
import { appliesTo, type KnowledgeItem, type Scope } from "../../../src/knowledge/knowledge-item.ts";
import { createKnowledgeReplica, type KnowledgeReplica } from "../../../src/retrieval/replica.ts";
import { anActiveItem, anItem } from "../../support/an-item.ts";

const SCOPES: readonly Scope[] = [
  {},
  { agentName: "biller" },
  { agentName: "biller", service: "shop" },
  { service: "desk", model: "m-1" },
  { tenant: "north" },
  { tenant: "south", agentName: "biller" },
];

/** A feed over a list of changes, as the store keeps it: an item stands once, at its last change. */
function aFeed() {
  const rows = new Map<string, { seq: number; item?: KnowledgeItem }>();
  let newest = 0;
  const state = { asked: 0, answer: async (): Promise<void> => undefined };
  const note = (id: string, item?: KnowledgeItem): void => {
    newest += 1;
    rows.set(id, { seq: newest, ...(item === undefined ? {} : { item }) });
  };
  const feed: KnowledgeFeed = {
    knowledgeChanges: async (since, limit) => {
      state.asked += 1;
      await state.answer();
      const later = [...rows].filter(([, row]) => row.seq > since).sort(([, a], [, b]) => a.seq - b.seq);
      const changes = later.slice(0, limit).map(([id, row]) => ({ id, ...row }));
      return { changes, seq: changes.at(-1)?.seq ?? newest, more: later.length > limit };
    },
  };
  return {
    feed,
    state,
    put: (...items: KnowledgeItem[]): void => {
      for (const item of items) note(item.id, item);
    },
    remove: (id: string) => note(id),
    startAnew: () => {
      rows.clear();
      newest = 0;
    },
  };
}

let source: ReturnType<typeof aFeed>;
let copy: KnowledgeReplica;
let nowMs: number;
beforeEach(() => {
  source = aFeed();
  nowMs = 0;
  copy = createKnowledgeReplica({ feed: source.feed, nowMs: () => nowMs });
});
afterEach(() => copy.close());

const found = async (task: string, asking: Scope = {}): Promise<string[]> =>
  (await copy.searchKnowledge(task, 10, asking)).map(({ id }) => id);
const named = (id: string, content: string, changes: Partial<KnowledgeItem> = {}) =>
  anActiveItem({ id, content, appliesWhen: "", ...changes });

describe("the copy of the knowledge", () => {
  test("reads nothing before the first question", async () => {
    await copy.refresh();
    copy.changed();
    expect(source.state.asked).toBe(0);
  });

  test("has every page of the feed at the first question", async () => {
    source.put(...Array.from({ length: 1_234 }, (_, index) => named(`item-${index}`, `rule w${index}`)));
    expect(await found("w1233")).toEqual(["item-1233"]);
    expect(await found("w0")).toEqual(["item-0"]);
  });

  test("follows changes, retirements and deletions a second later, and at once those of this process", async () => {
    source.put(named("a", "weigh parcels"), named("b", "weigh letters"));
    expect(await found("weigh")).toEqual(["a", "b"]);
    source.put(named("a", "round cents"));
    source.remove("b");
    expect(await found("weigh")).toEqual(["a", "b"]);
    nowMs += 1_001;
    expect(await found("weigh")).toEqual([]);
    expect(await found("cents")).toEqual(["a"]);
    source.put(anItem({ id: "a", status: "deprecated" }));
    copy.changed();
    expect(await found("cents")).toEqual([]);
  });

  test("keeps out what has no passing evidence", async () => {
    const refused = named("a", "weigh parcels");
    source.put(
      { ...refused, validation: { ...(refused.validation as object), decision: "refuse" } as never },
      anItem({ id: "b", status: "active", content: "weigh" }),
    );
    expect(await found("weigh")).toEqual([]);
  });

  test("reads all anew from a store that is behind it, and forgets what that one has not", async () => {
    source.put(named("a", "weigh parcels"), named("b", "weigh letters"), named("c", "weigh"));
    expect(await found("weigh")).toHaveLength(3);
    source.startAnew();
    source.put(named("z", "weigh whales"));
    copy.changed();
    expect(await found("weigh")).toEqual(["z"]);
  });

  test("gives pinned items, oldest first, and what is proven for the agent, most wins first", async () => {
    const proven = (id: string, wins: number) => {
      const item = named(id, id, { agentName: "biller" });
      return { ...item, validation: { ...(item.validation as NonNullable<typeof item.validation>), wins } };
    };
    source.put(
      proven("few", 3),
      proven("many", 9),
      named("new", "x", { priority: "pinned", createdAtUs: 2 }),
      named("old", "x", { priority: "pinned", createdAtUs: 1 }),
    );
    expect((await copy.pinnedItems({})).map(({ id }) => id)).toEqual(["old", "new"]);
    expect((await copy.provenItems({ agentName: "biller" }, 1)).map(({ id }) => id)).toEqual(["many"]);
    expect(await copy.provenItems({ agentName: "other" }, 5)).toEqual([]);
    expect(await found("x")).toEqual([]);
  });

  test.each(SCOPES.map((asking) => ({ asking })))("gives $asking what applies there and nothing else", async ({ asking }) => {
    const items = SCOPES.map((scope, index) => named(`item-${index}`, "weigh parcels", scope));
    const pinned = SCOPES.map((scope, index) => named(`pinned-${index}`, "rule", { ...scope, priority: "pinned" }));
    source.put(...items, ...pinned);
    const applying = (list: readonly KnowledgeItem[]): string[] => list.filter((item) => appliesTo(item, asking)).map(({ id }) => id);
    expect(await found("weigh", asking)).toEqual(applying(items));
    expect((await copy.pinnedItems(asking)).map(({ id }) => id)).toEqual(applying(pinned));
  });

  test("what does not apply to who asks takes no place among the proven and the active", async () => {
    const proven = (id: string, wins: number, scope: Partial<KnowledgeItem>) => {
      const item = named(id, id, { agentName: "biller", ...scope });
      return { ...item, validation: { ...(item.validation as NonNullable<typeof item.validation>), wins } };
    };
    source.put(proven("theirs", 20, { tenant: "north" }), proven("small", 15, { model: "small" }), proven("all", 9, {}));
    const first = async (asking: Scope) => {
      const lists = [await copy.provenItems({ agentName: "biller", ...asking }, 1), await copy.activeItems(1, asking)];
      return lists.map((list) => list.map(({ id }) => id));
    };
    expect(await first({ model: "large" })).toEqual([["all"], ["all"]]);
    expect(await first({ tenant: "north" })).toEqual([["theirs"], ["all"]]);
    expect(await copy.provenItems({ tenant: "north" }, 5)).toEqual([]);
    expect(await copy.activeItems(5)).toHaveLength(3);
  });

  test("an item that changes its scope is not given by the old one", async () => {
    source.put(named("a", "weigh parcels"));
    expect(await found("weigh")).toEqual(["a"]);
    source.put(named("a", "weigh parcels", { tenant: "north" }));
    copy.changed();
    expect(await found("weigh")).toEqual([]);
    expect(await found("weigh", { tenant: "north" })).toEqual(["a"]);
  });

  test("takes any text for a task", async () => {
    source.put(named("a", "weigh parcels"));
    const syntax = fc.constantFrom('"', "NEAR(", "*", "^", " OR ", "content:", "\0", "\ud800", "--", "%", "weigh", "計り");
    const hostile = fc.array(fc.oneof(syntax, fc.string({ unit: "binary" })), { maxLength: 40 }).map((parts) => parts.join(""));
    await fc.assert(
      fc.asyncProperty(hostile, async (task) => {
        expect(Array.isArray(await found(task))).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(await found(`weigh${" \0\ud800 x".repeat(200_000)}`)).toEqual(["a"]);
    expect(await found("y".repeat(1_000_000))).toEqual([]);
  });
});

describe("with the store gone", () => {
  const gone = async (): Promise<never> => {
    throw new Error("gone");
  };

  test("serves what was known last", async () => {
    source.put(named("a", "weigh parcels"));
    expect(await found("weigh")).toEqual(["a"]);
    source.state.answer = gone;
    nowMs += 5_000;
    expect(await found("weigh")).toEqual(["a"]);
  });

  test("gives nothing when there was never anything, and recovers", async () => {
    source.put(named("a", "weigh parcels"));
    source.state.answer = gone;
    expect(await found("weigh")).toEqual([]);
    expect(await found("weigh")).toEqual([]);
    expect(source.state.asked).toBe(1);
    source.state.answer = async () => undefined;
    nowMs += 1_001;
    expect(await found("weigh")).toEqual(["a"]);
  });

  test("does not wait for a store that does not answer", async () => {
    source.put(named("a", "weigh parcels"));
    expect(await found("weigh")).toEqual(["a"]);
    source.state.answer = () => new Promise(() => undefined);
    nowMs += 5_000;
    const first = await Promise.race([found("weigh"), sleep(5_000, "late")]);
    nowMs += 5_000;
    expect([first, await found("weigh")]).toEqual([["a"], ["a"]]);
  });
});

// Each question asked while the copy loaded waited 0.8 s of its own, and one for nearness the rest of 2 s.
describe("while it loads", () => {
  const hanging = () => new Promise<never>(() => undefined);
  const waitOf = async (ask: () => Promise<unknown>): Promise<number> => {
    const began = performance.now();
    await ask().catch(() => undefined);
    return performance.now() - began;
  };
  const askBoth = [
    ["words", () => copy.searchKnowledge("weigh", 10, {})],
    ["nearness", () => copy.nearestItems("weigh", 10, {}, 0.3)],
  ] as const;

  test.each(askBoth)("who asks by %s waits no longer than the first, and not after it", async (_by, ask) => {
    source.state.answer = hanging;
    copy.close();
    copy = createKnowledgeReplica({ feed: source.feed, model: hanging });
    const began = performance.now();
    const first = copy.searchKnowledge("weigh", 10, {});
    await sleep(300);
    await Promise.all([first, waitOf(ask)]);
    expect(performance.now() - began).toBeGreaterThan(700);
    expect(performance.now() - began).toBeLessThan(1_050);
    expect(await waitOf(ask)).toBeLessThan(300);
  });

  test("nearness is answered from what is loaded when its model opens late", async () => {
    source.put(named("a", "weigh parcels"));
    copy.close();
    copy = createKnowledgeReplica({ feed: source.feed, model: hanging });
    expect(await found("weigh")).toEqual(["a"]);
    await sleep(60);
    const began = performance.now();
    expect(await copy.nearestItems("weigh", 10, {}, 0.3)).toEqual([]);
    expect(performance.now() - began).toBeLessThan(300);
  });
});

describe("with a store to ask while it loads", () => {
  const item = named("of the store", "weigh parcels");
  const nothing = async () => [];
  const asStore = (searchKnowledge: () => Promise<readonly KnowledgeItem[]>) => ({
    ...{ pinnedItems: nothing, provenItems: nothing, activeItems: nothing },
    searchKnowledge,
  });
  const open = (searchKnowledge: () => Promise<readonly KnowledgeItem[]>): void => {
    copy.close();
    copy = createKnowledgeReplica({ feed: source.feed, search: asStore(searchKnowledge), nowMs: () => nowMs });
  };

  test("takes the store's answer until it is loaded, and its own from then on", async () => {
    source.put(named("a", "weigh parcels"));
    let release = (): void => undefined;
    source.state.answer = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    open(async () => [item]);
    expect(await found("weigh")).toEqual(["of the store"]);
    release();
    await sleep(1);
    expect(await found("weigh")).toEqual(["a"]);
  });

  // The store answers in turn: the first question waited for the first page of the load before it was looked at.
  test("asks the store before it loads", async () => {
    const asked: string[] = [];
    source.state.answer = async () => void asked.push("page");
    open(async () => {
      asked.push("search");
      return [item];
    });
    await Promise.all([copy.pinnedItems({}), copy.searchKnowledge("weigh", 10, {}), copy.provenItems({ agentName: "biller" }, 5)]);
    expect(asked).toEqual(["search", "page"]);
  });

  test.each([
    ["fails", () => Promise.reject(new Error("gone"))],
    ["hangs", () => new Promise<never>(() => undefined)],
  ])("waits for the load where the store %s", async (_how, search) => {
    source.put(named("a", "weigh parcels"));
    open(search);
    expect(await found("weigh")).toEqual(["a"]);
  });
});

describe("candidates on trial", () => {
  const trial = { ...anItem({ id: "untested" }), createdAtUs: 1 };
  const feed = (answers: { fails: boolean; trials: readonly KnowledgeItem[] }): KnowledgeFeed => ({
    knowledgeChanges: async () => {
      if (answers.fails) throw new Error("down");
      return { changes: answers.trials.map((item, seq) => ({ seq: seq + 1, id: item.id, trial: item })), seq: 1, more: false };
    },
  });

  test("are known apart from what is active", async () => {
    const tried = createKnowledgeReplica({ feed: feed({ fails: false, trials: [trial] }), nowMs: () => nowMs });
    expect((await tried.trialItems()).map(({ id }) => id)).toEqual(["untested"]);
    expect(await tried.activeItems(10)).toEqual([]);
    tried.close();
  });

  test("are none for who has not heard of the store for 5 s, and again when it is back", async () => {
    const answers = { fails: false, trials: [trial] };
    const tried = createKnowledgeReplica({ feed: feed(answers), nowMs: () => nowMs });
    expect(await tried.trialItems()).toHaveLength(1);
    answers.fails = true;
    nowMs = 4_000;
    expect(await tried.trialItems()).toHaveLength(1);
    nowMs = 6_000;
    expect(await tried.trialItems()).toEqual([]);
    answers.fails = false;
    nowMs = 8_000;
    expect(await tried.trialItems()).toHaveLength(1);
    tried.close();
  });
});
