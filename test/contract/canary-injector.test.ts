import { describe, expect, test } from "vitest";
import type { Limits } from "../../src/injection/assign.ts";
import { createCanaryInjector } from "../../src/injection/canary-injector.ts";
import type { InjectionRequest } from "../../src/injection/ports.ts";
import { putIntoCanary } from "../../src/knowledge/canary.ts";
import type { KnowledgeItem } from "../../src/knowledge/knowledge-item.ts";
import { anActiveItem, anItem, NOW_US } from "../support/an-item.ts";
import { aLibrary } from "./injector/a-library.ts";

const tried = (overrides: Partial<KnowledgeItem> = {}): KnowledgeItem => {
  const { item } = putIntoCanary(anItem({ id: "untested", content: "count racing laps from zero", ...overrides }), {
    actor: "cli:ada",
    atUs: NOW_US,
    reason: "worth a try",
    validationId: "note",
  });
  return { ...item, version: 1 };
};
const request = (overrides: Partial<InjectionRequest & Limits> = {}): InjectionRequest & Limits => ({
  task: "who led the racing laps?",
  seed: "run-1",
  withholdProbability: 0,
  ...overrides,
});

/** A seed on each side of a share of one half. */
async function sides(items: readonly KnowledgeItem[], overrides: Partial<InjectionRequest & Limits> = {}) {
  const sources = await aLibrary(items);
  const injector = createCanaryInjector({ share: 0.5 });
  const runs = await Promise.all(
    Array.from({ length: 40 }, (_, run) => injector.inject(request({ ...overrides, seed: `run-${run}` }), sources)),
  );
  return {
    runs,
    members: runs.filter(({ canary }) => canary?.member === true),
    others: runs.filter(({ canary }) => canary?.member === false),
  };
}

describe("CanaryInjector", () => {
  test("gives the item to its share of the runs and records the probability in all of them", async () => {
    const sources = await aLibrary([tried()]);
    const injector = createCanaryInjector({ share: 0.2 });
    let members = 0;
    for (let run = 0; run < 1_000; run += 1) {
      const { canary, text } = await injector.inject(request({ seed: `run-${run}` }), sources);
      expect([canary?.item.id, canary?.share, text.includes("from zero")]).toEqual(["untested", 0.2, canary?.member]);
      members += canary?.member === true ? 1 : 0;
    }
    // Four standard deviations of 1,000 draws of 0.2.
    expect(Math.abs(members - 200)).toBeLessThan(51);
  });

  test("keeps a conversation on its side, whatever it asks", async () => {
    const sources = await aLibrary([tried()]);
    const injector = createCanaryInjector({ share: 0.5 });
    for (const seed of ["conversation-1", "conversation-2", "conversation-3", "conversation-4"]) {
      const answers = await Promise.all(
        ["racing laps?", "laps in Monaco", "the last laps"].map((task) => injector.inject(request({ seed, task }), sources)),
      );
      expect(new Set(answers.map(({ canary }) => canary?.member)).size).toBe(1);
    }
  });

  test("says in the prompt that it was not tested, apart from what was", async () => {
    const { members } = await sides([tried(), anActiveItem({ id: "tested", content: "racing times have three decimals" })]);
    expect(members[0]?.text.split("\n\n").at(-1)).toBe(
      "=== TRIAL KNOWLEDGE (not tested yet: use it only where it clearly fits) ===\n[SKILL] untested\ncount racing laps from zero\n=== END TRIAL KNOWLEDGE ===",
    );
    expect(members[0]?.given.map(({ id }) => id)).toEqual(["tested"]);
  });

  test("gives everything else as without it, on both sides", async () => {
    const { members, others } = await sides([tried(), anActiveItem({ id: "tested", content: "racing times have three decimals" })]);
    const rest = new Set([...members, ...others].map(({ text }) => text.split("\n\n=== TRIAL")[0]));
    expect([members.length > 0, others.length > 0, rest.size]).toEqual([true, true, 1]);
  });

  test("never puts two into one run, and gives each its turn", async () => {
    const { runs } = await sides([tried(), tried({ id: "second", content: "racing flags are listed by colour" })]);
    expect(runs.every(({ text }) => !(text.includes("from zero") && text.includes("by colour")))).toBe(true);
    expect(new Set(runs.map(({ canary }) => canary?.item.id))).toEqual(new Set(["untested", "second"]));
  });

  test.each([
    ["nobody put it there", anItem({ id: "untested", content: "count racing laps from zero" }), {}],
    ["it has nothing to do with the task", tried({ content: "bake bread slowly", appliesWhen: "in a kitchen" }), {}],
    ["it is of another agent", tried({ agentName: "billing" }), { agentName: "support" }],
    ["it is of another tenant", tried({ tenant: "acme" }), { tenant: "beta" }],
    ["it is of a tenant, and nobody says whom the run works for", tried({ tenant: "acme" }), {}],
    ["it is of a tenant that did not ask", tried({ tenant: "acme" }), {}],
    ["there is no room for it", tried(), { maxTokens: 3 }],
  ])("gives nothing untested where %s", async (_why, item, overrides) => {
    const { runs } = await sides([item], overrides);
    expect(runs.map(({ canary, text }) => [canary, text])).toEqual(runs.map(() => [undefined, ""]));
  });

  test("gives what was read from runs of the agent that asks on every task", async () => {
    const { members } = await sides([tried({ agentName: "racer" })], { agentName: "racer", task: "quite another thing" });
    expect(members.length).toBeGreaterThan(0);
  });

  test("leaves what says the same as a tested item to that one", async () => {
    const { runs } = await sides([tried(), anActiveItem({ id: "tested", content: "Count racing laps from zero." })]);
    expect(runs.every(({ canary }) => canary === undefined)).toBe(true);
  });

  test("gives a control run nothing, and counts that into the probability", async () => {
    const { runs } = await sides([tried()], { controlShare: 0.4 });
    const control = runs.filter(({ arm }) => arm === "control");
    expect([control.length > 0, control.every(({ text, canary }) => text === "" && canary?.member === false)]).toEqual([true, true]);
    expect(new Set(runs.map(({ canary }) => canary?.share))).toEqual(new Set([0.3]));
  });

  test.each([0, 1, Number.NaN])("refuses a share of %s", (share) => {
    expect(() => createCanaryInjector({ share })).toThrow("must be above 0 and below 1");
  });
});
