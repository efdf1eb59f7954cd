import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openStaticModel } from "../../../src/embedding/static-model.ts";
import { loadRetrievalSet } from "../../support/retrieval-set.ts";

const { rankingQuality, readRetrievalSet, readTeacher, ruleText, sharedWords } = await loadRetrievalSet();
const set = readRetrievalSet();
const rules = new Map(set.rules.map((rule) => [rule.id, rule]));
const needed = set.tasks.filter(({ rule }) => rule !== null);

describe("the quality set", () => {
  test("holds at least 150 rules from at least ten domains, and 450 tasks, each once", () => {
    expect(set.rules.length).toBeGreaterThanOrEqual(150);
    expect(new Set(set.rules.map(({ domain }) => domain)).size).toBeGreaterThanOrEqual(10);
    expect(set.tasks.length).toBeGreaterThanOrEqual(450);
    expect(new Set([...set.rules, ...set.tasks].map(({ id }) => id)).size).toBe(set.rules.length + set.tasks.length);
    expect(new Set(set.tasks.map(({ text }) => text)).size).toBe(set.tasks.length);
    expect(new Set(set.rules.map(({ content }) => content)).size).toBe(set.rules.length);
  });

  test("has a third of its tasks that need no rule", () => {
    expect(set.tasks.length - needed.length).toBeGreaterThanOrEqual(set.tasks.length / 3);
  });

  test("asks for every rule, and for no rule that is not there", () => {
    expect(new Set(needed.map(({ rule }) => rule))).toEqual(new Set(rules.keys()));
  });

  test("has a third of its tasks that need a rule and share no content word with it, and says rightly which", () => {
    const wrong = needed.filter((task) => {
      const shared = sharedWords(task.text, ruleText(rules.get(task.rule as string) as (typeof set.rules)[number]));
      return (shared.length === 0) !== (task.overlap === "none");
    });
    expect(wrong).toEqual([]);
    expect(needed.filter(({ overlap }) => overlap === "none").length).toBeGreaterThanOrEqual(set.tasks.length / 3);
  });

  test("counts words as shared by their stem, not by their form", () => {
    expect(sharedWords("Refunding the shipped orders", "a refund for an order that ships")).toEqual(["refunding", "shipped", "orders"]);
    expect(sharedWords("Where is my parcel?", "the package is lost, where is it")).toEqual([]);
  });
});

describe("the static table on the quality set", () => {
  test("keeps at least 90 % of the nDCG@10 of its teacher", async () => {
    const model = await openStaticModel();
    const teacher = readTeacher();
    const table = rankingQuality(set, await model.embed(set.rules.map(ruleText)), await model.embed(set.tasks.map(({ text }) => text)));
    const best = rankingQuality(set, teacher.rules, teacher.tasks);
    // The teacher must be a teacher: vectors of another set, or in another order, would make any table look good.
    expect(best.ndcg10).toBeGreaterThan(0.7);
    expect(table.ndcg10 / best.ndcg10).toBeGreaterThanOrEqual(0.9);
  });

  test("is what its quality report speaks of", async () => {
    const model = await openStaticModel();
    expect(readFileSync("assets/embedding/QUALITY.md", "utf8")).toContain(`\`${model.id}\``);
  });
});
