import { describe, expect, test } from "vitest";
import { effectFor, effectOf, libraryEffectOf } from "../../../src/knowledge/effect.ts";
import type { ExposedRun } from "../../../src/knowledge/ports.ts";
import { seededRandom } from "../../support/seeded-random.ts";

interface Stream {
  readonly count: number;
  readonly given: number;
  readonly withheld: number;
  readonly probability?: number;
  readonly seed?: number;
  readonly from?: number;
}

/** Runs whose success rates are as named, by arm. */
function runs({ count, given, withheld, probability = 0.3, seed = 1, from = 0 }: Stream, more: Partial<ExposedRun> = {}): ExposedRun[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, index) => {
    const inArm = random() >= probability;
    const id = `${(from + index).toString(16).padStart(32, "0")}-${"b".repeat(16)}`;
    return {
      runId: id,
      unitId: id.slice(0, 32),
      given: inArm,
      probability,
      control: false,
      controlShare: 0,
      success: random() < (inArm ? given : withheld),
      model: "m-1",
      startTimeUs: from + index,
      ...more,
    };
  });
}

describe("effectOf", () => {
  test("knows nothing about an item that was never shown", () => {
    const effect = effectOf([]);
    expect(effect).toMatchObject({ overall: { interval: { lower: -1, upper: 1 }, given: 0 }, byModel: [], verdict: "undecided" });
    expect("effectiveness" in effect.overall || "lift" in effect.overall || "currentModel" in effect).toBe(false);
  });

  test("says that a rule for hard tasks helps although most runs with it fail", () => {
    const effect = effectOf(runs({ count: 1_500, given: 0.28, withheld: 0.05 }));
    expect(effect.overall.effectiveness).toBeLessThan(0.3);
    expect(effect.verdict).toBe("helps");
  });

  test("says that a rule harms although most runs with it succeed", () => {
    const effect = effectOf(runs({ count: 1_500, given: 0.7, withheld: 0.92 }));
    expect(effect.overall.effectiveness).toBeGreaterThan(0.6);
    expect(effect.verdict).toBe("harms");
  });

  test("stays undecided where luck could do the same, and says how many more runs are needed", () => {
    const effect = effectOf(runs({ count: 150, given: 0.7, withheld: 0.6 }));
    expect(effect.verdict).toBe("undecided");
    expect(effectFor(effect)).toMatchObject({ moreRuns: expect.any(Number), moreRunsToTell: expect.any(Number) });
  });

  test("does not depend on the order in which runs are read", () => {
    const list = runs({ count: 200, given: 0.7, withheld: 0.4 });
    expect(effectOf([...list].reverse())).toEqual(effectOf(list));
  });

  test("counts a conversation once, with its first run that has a result", () => {
    const [first] = runs({ count: 1, given: 1, withheld: 1 }, { given: true, success: true });
    const run = first as ExposedRun;
    const { success: _, ...unjudged } = { ...run, runId: "a", startTimeUs: -1 };
    const more = Array.from({ length: 50 }, (_, index) => ({
      ...run,
      runId: `!sorts-before-${index}`,
      success: false,
      startTimeUs: 10 + index,
    }));
    const effect = effectOf([unjudged, run, ...more]);
    expect([effect.overall.given, effect.overall.givenSuccess, effect.unjudged]).toEqual([1, 1, 1]);
  });

  test("opens the question again for a new model, with a smaller share of the error budget", () => {
    const old = runs({ count: 1_500, given: 0.9, withheld: 0.6 });
    const now = runs({ count: 40, given: 0.6, withheld: 0.6, seed: 4, from: 10_000 }, { model: "m-2" });
    const effect = effectOf([...old, ...now]);
    expect(effect.byModel.map(({ model, verdict }) => [model, verdict])).toEqual([
      ["m-1", "helps"],
      ["m-2", "undecided"],
    ]);
    expect([effect.currentModel, effect.verdict]).toEqual(["m-2", "undecided"]);
    const [first, second] = effect.byModel.map(({ alpha }) => alpha) as [number, number];
    expect([first / second, first < 0.05]).toEqual([expect.closeTo(4, 9), true]);
  });

  // The control group lacks the other items too. Counted as withheld, an item that does nothing would inherit what those do.
  test("does not credit an item with what the control group lacks besides it", () => {
    const controlShare = 0.3;
    const probability = controlShare + (1 - controlShare) * 0.1;
    const knowledge = runs({ count: 2_000, given: 0.8, withheld: 0.8, probability: 0.1 }, { probability, controlShare });
    const control = runs(
      { count: 900, given: 0.3, withheld: 0.3, from: 5_000 },
      { given: false, control: true, probability, controlShare },
    );
    const effect = effectOf([...knowledge, ...control]);
    expect(effect.overall.withheld).toBe(knowledge.filter((run) => !run.given).length);
    expect([effect.verdict, effect.ratio.mismatch]).toEqual(["undecided", false]);
    expect(
      libraryEffectOf([...knowledge, ...control].map((run) => ({ ...run, given: !run.control, probability: controlShare }))).verdict,
    ).toBe("helps");
  });

  test("says nothing about a pinned item, which only the control group withholds, but its effectiveness", () => {
    const effect = effectOf(runs({ count: 400, given: 0.2, withheld: 0.2, probability: 0 }, { probability: 0.2, controlShare: 0.2 }));
    expect(effect.overall).toMatchObject({ given: 400, interval: { lower: -1, upper: 1 } });
    expect([effect.verdict, effect.ratio.mismatch, "lift" in effect.overall]).toEqual(["undecided", false, false]);
  });
});

describe("the sample-ratio check", () => {
  test("says mismatch and gives no verdict when the arms were not drawn as stated", () => {
    const effect = effectOf(runs({ count: 1_500, given: 0.9, withheld: 0.3, probability: 0.3 }, { probability: 0.1 }));
    expect([effect.ratio.mismatch, effect.verdict, effect.byModel[0]?.verdict]).toEqual([true, "mismatch", "mismatch"]);
    expect(effect.ratio.withheld).toBeGreaterThan(effect.ratio.expectedWithheld * 2);
  });

  test("finds a fair draw whose arms are judged unequally", () => {
    const list = runs({ count: 1_500, given: 0.6, withheld: 0.6, probability: 0.5 }).map((run) => {
      const { success, ...rest } = run;
      return run.given && success === false ? rest : run;
    });
    expect(effectOf(list).verdict).toBe("mismatch");
  });

  test("keeps quiet about a fair one", () => {
    expect(effectOf(runs({ count: 3_000, given: 0.6, withheld: 0.6, probability: 0.1 })).ratio.mismatch).toBe(false);
  });
});
