import { describe, expect, test } from "vitest";
import type { Limits } from "../../../src/injection/assign.ts";
import type { Injection } from "../../../src/injection/injection.ts";
import type { Injector } from "../../../src/injection/injector.ts";
import type { InjectionRequest } from "../../../src/injection/ports.ts";
import type { KnowledgeItem } from "../../../src/knowledge/knowledge-item.ts";
import { anActiveItem, anItem, aValidation } from "../../support/an-item.ts";
import { aLibrary } from "./a-library.ts";

const RULES = [
  "write lap times with three decimals",
  "join the drivers table by surname only",
  "round every championship total upwards",
  "never trust the weather column before 1990",
  "pit stops are counted from one",
  "convert miles into kilometres first",
  "a retired car keeps its last position",
  "quote circuit names with apostrophes",
  "sprint races give fewer points than others",
  "sort the constructors by their founding year",
  "qualifying has three separate parts",
  "fuel loads are stored in pounds",
];

/** Items that all fit the task "racing questions", each in words of its own. */
function rules(count: number, overrides: Partial<KnowledgeItem> = {}): readonly KnowledgeItem[] {
  return Array.from({ length: count }, (_, index) =>
    anActiveItem({
      id: `${overrides.priority === "pinned" ? "pin" : "item"}-${String(index).padStart(2, "0")}`,
      content: `${RULES[index % RULES.length]}${index >= RULES.length ? ` (${index})` : ""}`,
      appliesWhen: "racing questions",
      ...overrides,
    }),
  );
}

const request = (overrides: Partial<InjectionRequest & Limits> = {}): InjectionRequest & Limits => ({
  task: "racing questions",
  seed: "run-1",
  withholdProbability: 0,
  ...overrides,
});

const ids = (items: readonly { readonly id: string }[] = []): readonly string[] => items.map(({ id }) => id).sort();
/** What the agent can get at: in full, or by its line. */
const reached = ({ given, listed = [] }: Injection): readonly string[] => ids([...given, ...listed]);

/** What every injector has to hold to, whatever it chooses by. `choosesByTask`: it leaves out what has nothing to do with the task. */
export function describeInjector(name: string, injector: Injector, { choosesByTask }: { readonly choosesByTask: boolean }): void {
  describe(name, () => {
    test("gives active items that fit, and their text or line stands in the prompt", async () => {
      const injection = await injector.inject(request(), await aLibrary(rules(3)));
      expect(reached(injection)).toEqual(["item-00", "item-01", "item-02"]);
      for (const id of reached(injection)) expect(injection.text).toContain(id.slice(0, 8));
    });

    test("gives nothing that is not active or whose evidence is about other words", async () => {
      const [edited, refused] = [
        anActiveItem({ id: "edited", content: "before" }),
        anActiveItem({ id: "refused", content: "refused words" }),
      ];
      const sources = await aLibrary([
        ...rules(1),
        ...(["candidate", "validated", "deprecated", "archived"] as const).map((status) =>
          anActiveItem({ id: status, status, content: `${status} words`, appliesWhen: "racing questions" }),
        ),
        anItem({ id: "untested", status: "active", content: "untested words", appliesWhen: "racing questions" }),
        { ...edited, content: "edited words", appliesWhen: "racing questions" },
        { ...refused, appliesWhen: "racing questions", validation: aValidation(refused, { decision: "refuse" }) },
      ]);
      for (let run = 0; run < 50; run += 1) {
        const injection = await injector.inject(request({ seed: `run-${run}` }), sources);
        expect([reached(injection), injection.text.includes("words")]).toEqual([["item-00"], false]);
      }
    });

    test("gives nobody what was made for another agent, service, model or tenant", async () => {
      const sources = await aLibrary([
        ...rules(1),
        anActiveItem({ id: "agent", agentName: "billing", content: "for billing", appliesWhen: "racing questions" }),
        anActiveItem({ id: "service", service: "shop", content: "for the shop", appliesWhen: "racing questions" }),
        anActiveItem({ id: "model", model: "small", content: "for a small model", appliesWhen: "racing questions" }),
        anActiveItem({ id: "tenant", tenant: "acme", content: "for acme alone", appliesWhen: "racing questions" }),
        anActiveItem({ id: "tenant-pin", tenant: "acme", content: "always for acme", priority: "pinned" }),
      ]);
      const asked = async (scope: Partial<InjectionRequest>) => reached(await injector.inject(request(scope), sources));
      const other = { agentName: "support", service: "desk", model: "large", tenant: "other" };
      expect(await asked(other)).toEqual(["item-00"]);
      expect(await asked({})).toEqual(["agent", "item-00", "model", "service"]);
      expect(await asked({ ...other, tenant: "acme" })).toEqual(["item-00", "tenant", "tenant-pin"]);
    });

    test("holds to the number of items, of pinned ones, and to the tokens", async () => {
      const sources = await aLibrary([...rules(12), ...Array.from({ length: 6 }, pinnedRule)]);
      const few = await injector.inject(request({ maxItems: 4, maxPinned: 2, maxTokens: 10_000 }), sources);
      expect(few.given.filter(({ priority }) => priority === "pinned")).toHaveLength(2);
      expect(reached(few)).toHaveLength(6);
      const maxTokens = 60;
      const small = await injector.inject(request({ maxItems: 12, maxTokens }), sources);
      expect(small.given.length).toBeGreaterThan(0);
      const body = small.text.split("\n").filter((line) => !line.startsWith("==="));
      expect(body.join("\n").length).toBeLessThanOrEqual(maxTokens * 3.5);
    });

    test("withholds by the seed alone, as often as it says, and what it withholds is nowhere in the prompt", async () => {
      const sources = await aLibrary(rules(6));
      let withheld = 0;
      for (let run = 0; run < 100; run += 1) {
        const asked = request({ seed: `run-${run}`, withholdProbability: 0.3 });
        const injection = await injector.inject(asked, sources);
        expect(ids([...injection.given, ...(injection.listed ?? []), ...injection.withheld])).toEqual(ids(rules(6)));
        for (const { id, content } of injection.withheld) {
          expect(injection.text).not.toContain(content);
          expect(injection.text).not.toContain(`] ${id.slice(0, 8)} (`);
        }
        if (run < 5) expect(ids((await injector.inject(asked, sources)).withheld)).toEqual(ids(injection.withheld));
        withheld += injection.withheld.length;
      }
      // 600 draws of 0.3: four standard deviations are 45.
      expect(Math.abs(withheld - 180)).toBeLessThan(45);
    });

    test("never withholds what is pinned", async () => {
      const sources = await aLibrary(rules(3, { priority: "pinned" }));
      const injection = await injector.inject(request({ withholdProbability: 0.99 }), sources);
      expect([ids(injection.given), injection.withheld]).toEqual([["pin-00", "pin-01", "pin-02"], []]);
    });

    test.runIf(choosesByTask)("leaves places empty rather than fill them with what has nothing to do with the task", async () => {
      const sources = await aLibrary([...rules(1), anActiveItem({ id: "far", content: "bake bread slowly", appliesWhen: "in a kitchen" })]);
      expect(reached(await injector.inject(request(), sources))).toEqual(["item-00"]);
      expect(reached(await injector.inject(request({ task: "  " }), sources))).toEqual([]);
    });

    test("with nothing to give says nothing", async () => {
      const injection = await injector.inject(request(), await aLibrary([]));
      expect([injection.text, injection.given, injection.withheld]).toEqual(["", [], []]);
    });

    test("refuses a probability that is none", async () => {
      const sources = await aLibrary(rules(1));
      await expect(injector.inject(request({ withholdProbability: 1 }), sources)).rejects.toMatchObject({ code: "invalid" });
    });
  });
}

function pinnedRule(_: unknown, index: number): KnowledgeItem {
  return anActiveItem({ id: `core-${index}`, priority: "pinned", content: `${RULES[index]} at any time of the day` });
}
