import { describe, expect, test } from "vitest";
import { uniformOf } from "../../../src/base/id.ts";
import { exposureAttributes, exposureOf } from "../../../src/injection/exposure.ts";
import type { KnowledgeSearch } from "../../../src/injection/ports.ts";
import { type SelectOptions, select } from "../../../src/injection/select.ts";
import { createSimpleInjector } from "../../../src/injection/simple-injector.ts";
import { createSmartInjector } from "../../../src/injection/smart-injector.ts";
import type { KnowledgeItem } from "../../../src/knowledge/knowledge-item.ts";
import { anActiveItem, anItem, aValidation } from "../../support/an-item.ts";

const WORDS = [
  "alpha",
  "bravo",
  "carbon",
  "delta",
  "echo",
  "foxtrot",
  "golf",
  "hotel",
  "india",
  "juliet",
  "kilo",
  "lima",
  "mike",
  "oscar",
  "papa",
];

function items(count: number, overrides: Partial<KnowledgeItem> = {}): KnowledgeItem[] {
  return Array.from({ length: count }, (_, index) =>
    anActiveItem({
      id: `${overrides.priority ?? "normal"}-${index}`,
      content: `rule ${WORDS[index % WORDS.length]} ${index} ${overrides.priority ?? ""}`,
      ...overrides,
    }),
  );
}

function searchOf(
  pinned: readonly KnowledgeItem[],
  ranked: readonly KnowledgeItem[],
  proven: readonly KnowledgeItem[] = [],
  active: readonly KnowledgeItem[] = [],
): KnowledgeSearch {
  return {
    pinnedItems: async () => pinned,
    searchKnowledge: async (_task, limit) => ranked.slice(0, limit),
    provenItems: async (_agentName, limit) => proven.slice(0, limit),
    activeItems: async () => active,
  };
}

function options(
  overrides: Partial<SelectOptions> & { pinned?: readonly KnowledgeItem[]; ranked?: readonly KnowledgeItem[] } = {},
): SelectOptions {
  const { pinned = [], ranked = [], ...rest } = overrides;
  return { task: "rules", search: searchOf(pinned, ranked), withholdProbability: 0, seed: "trace-1", ...rest };
}

const ids = (list: readonly { readonly id: string }[]): string[] => list.map((item) => item.id);

describe("select", () => {
  test("gives pinned items before ranked ones, each in the order of its source", async () => {
    const injection = await select(options({ pinned: items(2, { priority: "pinned" }), ranked: items(2) }));
    expect(ids(injection.given)).toEqual(["pinned-0", "pinned-1", "normal-0", "normal-1"]);
    expect(injection.text.indexOf("rule alpha 0 pinned")).toBeLessThan(injection.text.indexOf("=== END CORE RULES ==="));
  });

  test("gives nothing that did not pass, whatever the search returns", async () => {
    const [untested, refused, stale, good] = [
      anItem({ id: "untested", status: "active", content: "one" }),
      anActiveItem({ id: "refused", content: "two" }),
      anActiveItem({ id: "stale", content: "three" }),
      anActiveItem({ id: "good", content: "four" }),
    ] as const;
    const ranked = [
      untested,
      { ...refused, validation: aValidation(refused, { decision: "refuse" }) },
      { ...stale, content: "edited" },
      good,
    ];
    expect(ids((await select(options({ ranked }))).given)).toEqual(["good"]);
  });

  test("fills the places left with what is proven for the agent that asks, once each", async () => {
    const ranked = items(2, { agentName: "billing" });
    const proven = [...ranked.slice(1), anActiveItem({ id: "proven", content: "always round down", agentName: "billing" })];
    const search = searchOf([], ranked, proven);
    expect(ids((await select(options({ search, agentName: "billing" }))).given)).toEqual(["normal-0", "normal-1", "proven"]);
    expect(ids((await select(options({ search, agentName: "billing", maxItems: 2 }))).given)).toEqual(["normal-0", "normal-1"]);
    expect(ids((await select(options({ search }))).given)).toEqual(["normal-0", "normal-1"]);
  });

  test("leaves out items of another agent", async () => {
    const ranked = [...items(1, { agentName: "billing" }), ...items(1, { id: "any", content: "for everyone" })];
    expect(ids((await select(options({ ranked, agentName: "support" }))).given)).toEqual(["any"]);
    expect(ids((await select(options({ ranked, agentName: "billing" }))).given)).toEqual(["normal-0", "any"]);
  });

  test("holds to its limits for pinned and for normal items", async () => {
    const injection = await select(options({ pinned: items(30, { priority: "pinned" }), ranked: items(40), maxTokens: 100_000 }));
    expect(injection.given.filter((item) => item.priority === "pinned")).toHaveLength(20);
    expect(injection.given.filter((item) => item.priority === "normal")).toHaveLength(10);
  });

  test("stays inside the token budget and skips what is too long for a shorter one", async () => {
    const long = anActiveItem({ id: "long", content: "many words ".repeat(100) });
    const injection = await select(options({ ranked: [long, ...items(2)], maxTokens: 60 }));
    expect(ids(injection.given)).toEqual(["normal-0", "normal-1"]);
    const block = (await select(options({ ranked: items(15), maxItems: 15, maxTokens: 100 }))).text;
    const inside = block.split("\n").slice(1, -1).join("\n");
    expect(inside.length / 3.5).toBeLessThanOrEqual(100);
    expect(inside.length / 3.5).toBeGreaterThan(85);
  });

  test("lets the better ranked of two that say the same speak for both", async () => {
    const ranked = [
      anActiveItem({ id: "first", content: "Always use TO_DATE for the date column." }),
      anActiveItem({ id: "twin", content: "always use to_date for the date column" }),
    ];
    expect(ids((await select(options({ ranked }))).given)).toEqual(["first"]);
  });

  test("gives no twin of an item that the draw withheld", async () => {
    const ranked = [anActiveItem({ id: "first", content: "use TO_DATE" }), anActiveItem({ id: "twin", content: "Use TO_DATE!" })];
    const seed = seedWhere((candidate) => uniformOf(`${candidate}:first`) < 0.5 && uniformOf(`${candidate}:twin`) >= 0.5);
    const injection = await select(options({ ranked, seed, withholdProbability: 0.5 }));
    expect(ids(injection.withheld)).toEqual(["first"]);
    expect(injection.text).toBe("");
  });

  test("does not ask the search about a blank task", async () => {
    const search: KnowledgeSearch = { ...searchOf([], []), searchKnowledge: () => Promise.reject(new Error("asked")) };
    expect((await select(options({ task: "  ", search }))).text).toBe("");
  });
});

function seedWhere(holds: (seed: string) => boolean): string {
  for (let index = 0; ; index += 1) if (holds(`seed-${index}`)) return `seed-${index}`;
}

describe("the draw", () => {
  test("withholds each item by the hash of seed and id, so that one run stays in one arm", async () => {
    const ranked = items(10);
    const first = await select(options({ ranked, withholdProbability: 0.5 }));
    const again = await select(options({ ranked, withholdProbability: 0.5 }));
    expect(ids(first.withheld)).toEqual(ids(ranked).filter((id) => uniformOf(`trace-1:${id}`) < 0.5));
    expect(ids(again.withheld)).toEqual(ids(first.withheld));
    expect(ids(first.given)).toEqual(ids(ranked).filter((id) => uniformOf(`trace-1:${id}`) >= 0.5));
  });

  test("withholds as often as it says, each item on its own", async () => {
    const ranked = items(2);
    const seen = { first: 0, second: 0, both: 0 };
    const runs = 4_000;
    for (let run = 0; run < runs; run += 1) {
      const withheld = ids((await select(options({ ranked, seed: `run-${run}`, withholdProbability: 0.2 }))).withheld);
      if (withheld.includes("normal-0")) seen.first += 1;
      if (withheld.includes("normal-1")) seen.second += 1;
      if (withheld.length === 2) seen.both += 1;
    }
    // Three standard deviations of a binomial.
    expect(Math.abs(seen.first / runs - 0.2)).toBeLessThan(0.019);
    expect(Math.abs(seen.second / runs - 0.2)).toBeLessThan(0.019);
    expect(Math.abs(seen.both / runs - 0.04)).toBeLessThan(0.0093);
  });

  test("never withholds a pinned item", async () => {
    for (let run = 0; run < 50; run += 1) {
      const injection = await select(options({ pinned: items(3, { priority: "pinned" }), seed: `run-${run}`, withholdProbability: 0.99 }));
      expect(injection.given).toHaveLength(3);
    }
  });

  test("does not fill the place of a withheld item", async () => {
    const ranked = items(12);
    const injection = await select(options({ ranked, maxItems: 3, withholdProbability: 0.9 }));
    expect([...ids(injection.given), ...ids(injection.withheld)].sort()).toEqual(["normal-0", "normal-1", "normal-2"]);
  });

  test.each([1, -0.1, Number.NaN])("refuses a probability of %d", async (withholdProbability) => {
    await expect(select(options({ withholdProbability }))).rejects.toMatchObject({ code: "invalid" });
  });
});

describe("exposureAttributes", () => {
  test("names both arms and the probability", async () => {
    const injection = await select(options({ ranked: items(10), withholdProbability: 0.5 }));
    expect(exposureAttributes(exposureOf(injection) ?? { given: [], withheld: [], withholdProbability: 0 })).toEqual({
      "agentlearn.knowledge.given": ids(injection.given),
      "agentlearn.knowledge.withheld": ids(injection.withheld),
      "agentlearn.knowledge.withhold_probability": 0.5,
    });
  });

  test("is empty when no item was eligible", async () => {
    expect(exposureOf(await select(options()))).toBeUndefined();
  });
});

describe("injectors", () => {
  test("SmartInjector gives what the search finds, within its limits", async () => {
    const injector = createSmartInjector({ maxItems: 2 });
    const sources = { search: searchOf([], items(5)) };
    const injection = await injector.inject({ task: "rules", seed: "s", withholdProbability: 0 }, sources);
    expect(ids(injection.given)).toEqual(["normal-0", "normal-1"]);
  });

  test.each([createSmartInjector, createSimpleInjector])("say so when more items are pinned than are given", async (create) => {
    const said: string[] = [];
    const reporter = { failure: (what: string) => said.push(what), count: () => said.length };
    const pinned = items(5, { priority: "pinned" });
    const sources = { search: searchOf(pinned, [], [], pinned) };
    const injector = create({}, reporter);
    const request = { task: "rules", seed: "s", withholdProbability: 0 };
    expect((await injector.inject({ ...request, maxPinned: 3 }, sources)).given).toHaveLength(3);
    await injector.inject({ ...request, maxPinned: 5 }, sources);
    expect(said).toEqual(["5 items are pinned and maxPinned is 3: the newest 2 are not given; unpin some"]);
  });

  test("SimpleInjector gives every active item, the most effective first and new ones in the middle", async () => {
    const counts = (given: number, givenSuccess: number) => ({ given, givenSuccess, withheld: 0, withheldSuccess: 0 });
    const all = [
      anActiveItem({ id: "poor", content: "poor one", counts: counts(10, 1) }),
      anActiveItem({ id: "new", content: "new two", counts: counts(0, 0) }),
      anActiveItem({ id: "good", content: "good three", counts: counts(10, 9) }),
      anActiveItem({ id: "core", content: "core four", priority: "pinned" }),
    ];
    const injector = createSimpleInjector();
    const sources = { search: searchOf([], [], [], all) };
    const injection = await injector.inject({ task: "", seed: "s", withholdProbability: 0 }, sources);
    expect(ids(injection.given)).toEqual(["core", "good", "new", "poor"]);
  });
});
