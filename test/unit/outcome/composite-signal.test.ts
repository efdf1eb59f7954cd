import { describe, expect, test } from "vitest";
import { LearnError } from "../../../src/base/error.ts";
import { createCompositeSignal } from "../../../src/outcome/composite-signal.ts";
import { type CustomVerdict, customSignal } from "../../../src/outcome/custom-signal.ts";
import type { Outcome } from "../../../src/outcome/outcome.ts";
import type { OutcomeSignal } from "../../../src/outcome/ports.ts";
import { aTrace } from "../trace-factory.ts";

const says = (name: string, verdict: CustomVerdict): OutcomeSignal => customSignal(name, () => verdict);
const weighted = (name: string, verdict: CustomVerdict, weight = 1) => ({ signal: says(name, verdict), weight });
const outcomesOf = async (signal: OutcomeSignal) => (await signal.judge(aTrace())) as readonly Outcome[];
const wholeOf = async (options: Parameters<typeof createCompositeSignal>[0]) =>
  (await outcomesOf(createCompositeSignal(options))).find(({ source }) => source.startsWith("composite:"));

describe("the composite signal", () => {
  test("is the mean by weight of those that said something, with each of them as evidence", async () => {
    const whole = await wholeOf({ soft: [weighted("a", 0.9, 3), weighted("b", 0.5, 1), weighted("c", undefined, 10)] });
    expect(whole).toMatchObject({ source: "composite:composite", score: 0.8, status: "success" });
    expect(whole?.evidence).toEqual(["signal:a (weight 3): 0.90, a scored 0.9", "signal:b (weight 1): 0.50, b scored 0.5"]);
    expect(whole?.review).toBeUndefined();
  });

  test("keeps the outcome of every part", async () => {
    const all = await outcomesOf(createCompositeSignal({ hard: [says("h", true)], soft: [weighted("a", 1)] }));
    expect(all.map(({ source }) => source)).toEqual(["signal:h", "signal:a", "composite:composite"]);
  });

  test("a hard one that fails decides, and nobody else is asked", async () => {
    let asked = 0;
    const judge = customSignal("judge", () => {
      asked += 1;
      return 1;
    });
    const whole = await wholeOf({ hard: [says("ok", true), says("shape", false)], soft: [{ signal: judge, weight: 9 }] });
    expect([whole?.score, whole?.status, asked]).toEqual([0, "failure", 0]);
    expect(whole?.reasoning).toContain("signal:shape failed, which decides");
  });

  test("a hard one that passes, or says nothing, is no argument", async () => {
    expect((await wholeOf({ hard: [says("h", true), says("i", undefined)], soft: [weighted("a", 0.2)] }))?.score).toBe(0.2);
    expect(await wholeOf({ hard: [says("h", true)], soft: [weighted("a", undefined)] })).toBeUndefined();
  });

  test.each([
    [0.5, 0.9, 0.41, false],
    [0.5, 0.9, 0.4, true],
    [0.2, 0.9, 0.7, true],
  ])("with a disagreement of %s, scores %s and %s call a person: %s", async (disagreement, a, b, review) => {
    const whole = await wholeOf({ disagreement, soft: [weighted("a", a), weighted("b", b)] });
    expect(whole?.review ?? false).toBe(review);
    expect(whole?.evidence.some((line) => line.startsWith("review:"))).toBe(review);
  });

  test("what a part wants looked at is looked at", async () => {
    expect((await wholeOf({ soft: [weighted("a", { score: 0.5, review: true })] }))?.review).toBe(true);
  });

  test("a part that throws is reported and left out; one that can't be asked now takes the whole with it", async () => {
    const broken: OutcomeSignal = { name: "broken", judge: () => Promise.reject(new Error("boom")) };
    const wild: OutcomeSignal = { name: "wild", judge: () => ({ ...(a as Outcome), score: 7 }) };
    const [a] = await outcomesOf(createCompositeSignal({ soft: [weighted("a", 1)] }));
    const abstained: string[] = [];
    const soft = [weighted("a", 0.9), { signal: broken, weight: 5 }, { signal: wild, weight: 5 }];
    expect((await wholeOf({ soft, onAbstain: (name) => abstained.push(name) }))?.score).toBe(0.9);
    expect(abstained).toEqual(["broken", "wild"]);
    const down: OutcomeSignal = { name: "llm", judge: () => Promise.reject(new LearnError("unavailable", "no answer")) };
    await expect(outcomesOf(createCompositeSignal({ soft: [weighted("a", 1), { signal: down, weight: 1 }] }))).rejects.toMatchObject({
      code: "unavailable",
    });
  });

  test.each([
    [[weighted("a", 1, -1)], /gives a the weight -1/],
    [[weighted("a", 1, Number.NaN)], /weight NaN/],
    [[weighted("a", 1, 0)], /no weight together/],
    [[], /no weight together/],
  ])("refuses weights that mean nothing: %#", (soft, message) => {
    expect(() => createCompositeSignal({ soft })).toThrow(
      expect.objectContaining({ code: "invalid", message: expect.stringMatching(message) }),
    );
  });

  test("refuses a disagreement outside (0, 1]", () => {
    expect(() => createCompositeSignal({ soft: [weighted("a", 1)], disagreement: 0 })).toThrow(/disagreement/);
  });
});

describe("a custom signal", () => {
  test.each([
    [true, 1],
    [false, 0],
    [0.4, 0.4],
    [{ score: 0.4, reasoning: "so so", evidence: ["e"] }, 0.4],
  ])("%j is the score %s", async (verdict, score) => {
    expect(await says("mine", verdict).judge(aTrace())).toMatchObject({ source: "signal:mine", score });
  });

  test("may be async, and may say nothing", async () => {
    expect(await customSignal("later", async () => 1).judge(aTrace())).toMatchObject({ score: 1 });
    expect(await says("mute", undefined).judge(aTrace())).toBeUndefined();
  });

  test("can't speak for people or for other tools", async () => {
    const sly = customSignal("sly", () => ({ score: 1, source: "feedback:boss" }) as CustomVerdict);
    expect(await sly.judge(aTrace())).toMatchObject({ source: "signal:sly" });
    expect(() => customSignal("feedback:boss", () => 1)).toThrow(expect.objectContaining({ code: "invalid" }));
  });

  test.each([Number.NaN, 1.1, -1])("abstains with %s, and tells", async (score) => {
    const told: string[] = [];
    expect(await customSignal("wild", () => score, { onError: (name) => told.push(name) }).judge(aTrace())).toBeUndefined();
    expect(told).toEqual(["wild"]);
  });
});
