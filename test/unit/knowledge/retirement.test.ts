import { describe, expect, test } from "vitest";
import { conclusionOf, rank, type Suspect, suspectOf } from "../../../src/knowledge/blame.ts";
import { type Effect, effectOf } from "../../../src/knowledge/effect.ts";
import type { KnowledgeItem } from "../../../src/knowledge/knowledge-item.ts";
import type { ExposedRun } from "../../../src/knowledge/ports.ts";
import { retirementOf } from "../../../src/knowledge/retirement.ts";
import { anActiveItem, NOW_US } from "../../support/an-item.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const DAY_US = 86_400_000_000;
const rules = { minimumGain: 0.05, hibernateDays: 0 };
const times = { newestRunUs: NOW_US, activeSinceUs: NOW_US };

function effect(given: number, withheld: number, count: number, more: Partial<ExposedRun> = {}, drawn = 0.5): Effect {
  const random = seededRandom(9);
  return effectOf(
    Array.from({ length: count }, (_, index): ExposedRun => {
      const inArm = random() >= drawn;
      const success = random() < (inArm ? given : withheld);
      const base = { probability: 0.5, control: false, controlShare: 0, model: "m-1", startTimeUs: NOW_US + index };
      return { runId: `r${index}`, unitId: `u${index}`, given: inArm, success, ...base, ...more };
    }),
  );
}

const decide = (of: Effect, item: KnowledgeItem = anActiveItem(), given = rules) => retirementOf(item, of, given, times);

describe("retirementOf", () => {
  test("retires what harms, with the figures in the reason", () => {
    expect(decide(effect(0.4, 0.8, 400))).toMatchObject({
      action: "retire",
      why: "harms",
      reason: expect.stringMatching(/m-1: lift -\d+.* points \(-.* to -.*\) over 400 runs/),
    });
  });

  test("keeps what is not decided, and what helps", () => {
    expect([decide(effect(0.6, 0.6, 100)).action, decide(effect(0.8, 0.4, 400)).action]).toEqual(["keep", "keep"]);
  });

  test("keeps a rule for hard tasks that helps although nine of ten runs with it fail", () => {
    const hard = effect(0.2, 0.05, 2_000);
    expect(hard.overall.effectivenessInterval.upper).toBeLessThan(0.3);
    expect(decide(hard).action).toBe("keep");
  });

  test("keeps a rule with a low effectiveness whose lift is only not shown yet", () => {
    const early = effect(0.1, 0.2, 150);
    expect([early.overall.effectivenessInterval.upper < 0.3, (early.overall.lift ?? 1) <= 0]).toEqual([true, true]);
    expect(decide(early).action).toBe("keep");
  });

  test("retires what fails in most runs once a lift worth having is ruled out", () => {
    const found = effect(0.05, 0.055, 6_000);
    expect([found.verdict, (found.overall.lift ?? 1) <= 0]).toEqual(["undecided", true]);
    expect(decide(found)).toMatchObject({ action: "retire", why: "useless", reason: expect.stringContaining("and is no help") });
  });

  test("keeps what succeeds in most runs although it is no help", () => {
    const found = effect(0.9, 0.905, 6_000);
    expect([(found.overall.lift ?? 1) <= 0, (found.byModel[0]?.interval.upper ?? 1) < 0.05]).toEqual([true, true]);
    expect(decide(found).action).toBe("keep");
  });

  test("reports a pinned item and leaves it", () => {
    expect(decide(effect(0.4, 0.8, 400), anActiveItem({ priority: "pinned" }))).toMatchObject({ action: "report", why: "harms" });
  });

  test("says of unfair arms that nothing can be told, whatever the lift looks like", () => {
    expect(decide(effect(0.4, 0.8, 600, {}, 0.2))).toMatchObject({
      action: "report",
      why: "mismatch",
      reason: expect.stringContaining("not drawn as stated"),
    });
  });

  test("lets an unused item hibernate by the clock of the runs, and never by default", () => {
    const idle = (days: number, hibernateDays: number, priority: "normal" | "pinned" = "normal") =>
      retirementOf(
        anActiveItem({ priority }),
        effectOf([]),
        { ...rules, hibernateDays },
        { newestRunUs: NOW_US + days * DAY_US, activeSinceUs: NOW_US },
      );
    expect([idle(31, 30).why, idle(29, 30).action, idle(900, 0).action, idle(31, 30, "pinned").action]).toEqual([
      "unused",
      "keep",
      "keep",
      "keep",
    ]);
    expect(idle(31, 30).reason).toMatch(/^hibernates/);
  });

  test("counts use from the newest run that met the item", () => {
    const used = effect(0.6, 0.6, 1, { startTimeUs: NOW_US + 20 * DAY_US });
    const at = { newestRunUs: NOW_US + 40 * DAY_US, activeSinceUs: NOW_US };
    expect(retirementOf(anActiveItem(), used, { ...rules, hibernateDays: 30 }, at).action).toBe("keep");
  });
});

describe("blame", () => {
  const suspect = (id: string, of: Effect, more: Partial<Suspect> = {}): Suspect => ({
    ...suspectOf(anActiveItem({ id }), of, "m-1", false),
    ...more,
  });
  const harmful = suspect("old-harmful", effect(0.4, 0.8, 400));
  const fresh = suspect("new-unknown", effectOf([]));
  const good = suspect("good", effect(0.8, 0.4, 400));

  test("ranks by evidence of harm, and a new item that nobody knows never first", () => {
    expect(rank([fresh, good, harmful]).map(({ itemId }) => itemId)).toEqual(["old-harmful", "good", "new-unknown"]);
  });

  test("ranks much evidence of little harm before little evidence of much", () => {
    const sure = suspect("sure", effect(0.6, 0.75, 3_000));
    const maybe = suspect("maybe", effect(0.1, 0.9, 12));
    expect((maybe.effect?.lift ?? 0) < (sure.effect?.lift ?? 0)).toBe(true);
    expect(rank([maybe, sure])[0]?.itemId).toBe("sure");
  });

  test("puts a decisive replay of this very run before everything", () => {
    const replay = { pairs: 8, passedWith: 0, passedWithout: 1, eValue: 56, decisive: true };
    expect(rank([harmful, suspect("replayed", effectOf([]), { replay })])[0]?.itemId).toBe("replayed");
  });

  test("says when nothing can be said, and why", () => {
    expect(conclusionOf("failure", 0, [])).toMatch(/^nothing can be said: the run was given no knowledge/);
    expect(conclusionOf("failure", 2, [fresh, good])).toMatch(/^nothing can be said: no item given is shown to harm/);
    expect(conclusionOf("success", 1, [fresh])).toMatch(/^the run succeeded; nothing can be said/);
  });

  test("names what is shown to harm, and that one run proves nothing", () => {
    expect(conclusionOf("failure", 2, [harmful, fresh])).toMatch(/^shown to harm over many runs: old-harm\. .*only a replay/);
  });

  test("judges by the model of the run", () => {
    const other = suspectOf(anActiveItem(), effect(0.4, 0.8, 400), "m-2", false);
    expect([other.verdict, other.finding]).toEqual(["undecided", "no run of this model counts yet, so nothing can be said"]);
  });
});
