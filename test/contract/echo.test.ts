import { describe, expect, test } from "vitest";
import { createCanaryInjector } from "../../src/injection/canary-injector.ts";
import { createEmbeddingInjector } from "../../src/injection/embedding-injector.ts";
import { createHybridInjector } from "../../src/injection/hybrid-injector.ts";
import type { Injector } from "../../src/injection/injector.ts";
import { renderReplay, renderTrial } from "../../src/injection/render.ts";
import { createSimpleInjector } from "../../src/injection/simple-injector.ts";
import { createSmartInjector } from "../../src/injection/smart-injector.ts";
import { putIntoCanary } from "../../src/knowledge/canary.ts";
import { agentsSection } from "../../src/knowledge/exchange/agents-section.ts";
import { skillFile } from "../../src/knowledge/exchange/skill-file.ts";
import { injectable } from "../../src/knowledge/injectable.ts";
import type { KnowledgeItem } from "../../src/knowledge/knowledge-item.ts";
import { stripKnowledge } from "../../src/lesson/strip-knowledge.ts";
import { anActiveItem, anItem, NOW_US } from "../support/an-item.ts";
import { aLibrary } from "./injector/a-library.ts";

/** Words of items that may not be left over; long ones, since a cut may leave a few letters. */
const SECRET = /zebra|quagga/i;
const RULES = [
  "",
  'Count "zebra" === stripes\nand write <zebra>.',
  "Join zebra drivers by surname",
  "Quote zebra circuits",
  "Round zebra totals upwards",
];
const item = (index: number, overrides: Partial<KnowledgeItem> = {}): KnowledgeItem =>
  anActiveItem({
    id: `0000000${index}-0000-4000-8000-000000000000`,
    content: RULES[index] ?? "",
    appliesWhen: "racing questions about a quagga",
    ...overrides,
  });
const ITEMS = [
  item(1, { priority: "pinned" }),
  item(2),
  item(3, { type: "code_template" }),
  item(4, { counts: { given: 4, givenSuccess: 3, withheld: 0, withheldSuccess: 0 } }),
];
const inCanary = putIntoCanary(
  anItem({
    ...item(5, { content: "Sort zebra constructors by year" }),
    status: "candidate",
    validation: undefined,
  } as unknown as KnowledgeItem),
  {
    actor: "cli:ada",
    reason: "to see",
    atUs: NOW_US,
    validationId: "v5",
  },
).item;
const trial: KnowledgeItem = { ...inCanary, version: 1 };

const INJECTORS: readonly (readonly [string, Injector])[] = [
  ["smart", createSmartInjector()],
  ["simple", createSimpleInjector()],
  ["embedding", createEmbeddingInjector()],
  ["hybrid", createHybridInjector()],
  ["canary", createCanaryInjector({ share: 0.99 })],
];

/** Everything of ours that agents read, by where it comes from. */
async function texts(): Promise<readonly (readonly [string, string])[]> {
  const found: (readonly [string, string])[] = [];
  const library = await aLibrary([...ITEMS, trial]);
  for (const [name, injector] of INJECTORS) {
    const injection = await injector.inject({ task: "racing questions about quagga zebra", seed: "s1", withholdProbability: 0 }, library);
    found.push([name, injection.text]);
    for (const { recalled } of injection.listed ?? []) found.push([`${name}: recall_knowledge`, recalled]);
  }
  const usable = ITEMS.flatMap((one) => injectable(one) ?? []);
  found.push(["the gate", renderTrial(usable, trial)], ["blame", renderReplay(ITEMS)], ["AGENTS.md", agentsSection(usable)]);
  for (const one of usable) found.push(["SKILL.md", skillFile(one).text]);
  return found;
}

/** How text arrives in a span. */
const WRAPPED: readonly (readonly [string, (text: string) => string])[] = [
  ["as it is", (text) => `before\n${text}`],
  ["in JSON", (text) => JSON.stringify([{ role: "system", content: `before ${text}` }])],
  ["in JSON in JSON", (text) => JSON.stringify({ messages: JSON.stringify([{ role: "tool", content: `before ${text}` }]) })],
  [
    "with every sign escaped that some writers escape",
    (text) => JSON.stringify(`before ${text}`).replace(/[=<>&']/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`),
  ],
  ["in HTML", (text) => `before ${text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;")}`],
];

describe("nothing of what agents are given is left for mining", () => {
  test("every injector writes something here, and the trial item is in one of them", async () => {
    const all = await texts();
    for (const [name, text] of all) expect([name, SECRET.test(text)]).toEqual([name, true]);
    expect(all.some(([, text]) => text.includes("TRIAL KNOWLEDGE"))).toBe(true);
  });

  test.each(WRAPPED)("%s, and what stands before it stays", async (_way, wrap) => {
    for (const [name, text] of await texts()) {
      const left = stripKnowledge(wrap(text));
      expect([name, SECRET.exec(left)?.[0], left.includes("before")]).toEqual([name, undefined, true]);
    }
  });

  test.each(WRAPPED)("%s, cut off at any place behind", async (_way, wrap) => {
    for (const [name, text] of await texts()) {
      const whole = wrap(text);
      for (let end = whole.indexOf("before") + 6; end < whole.length; end += 7) {
        const left = stripKnowledge(whole.slice(0, end));
        // The name of a skill has words of its condition in it, and stands before anything that says whose it is.
        const secret = name === "SKILL.md" ? /zebra/i : SECRET;
        expect([name, end, secret.exec(left)?.[0]]).toEqual([name, end, undefined]);
      }
    }
  });

  // Some backends keep the end of a long attribute. Files have no mark at their end, so that what is left of those has none.
  test.each(WRAPPED)("%s, cut off at any place in front while the end of the block is there", async (_way, wrap) => {
    for (const [name, text] of (await texts()).filter(([from]) => from !== "SKILL.md")) {
      const whole = wrap(`${text}\nafter`);
      const lastMark = Math.max(whole.lastIndexOf("END "), whole.lastIndexOf("agentlearn:end")) - 24;
      for (let start = 0; start < lastMark; start += 7) {
        const left = stripKnowledge(whole.slice(start));
        expect([name, start, SECRET.exec(left)?.[0], left.includes("after")]).toEqual([name, start, undefined, true]);
      }
    }
  });
});
