import { describe, expect, test } from "vitest";
import { createCompositeSignal } from "../../../src/outcome/composite-signal.ts";
import { customSignal } from "../../../src/outcome/custom-signal.ts";
import { outcomeFromFeedback } from "../../../src/outcome/feedback.ts";
import { humanFeedback } from "../../../src/outcome/human-feedback.ts";
import { judge, verdict } from "../../../src/outcome/judge.ts";
import type { Outcome } from "../../../src/outcome/outcome.ts";
import { aTrace } from "../trace-factory.ts";

const TRACE = aTrace();
const word = (source: string, score: number, atUs: number): Outcome =>
  outcomeFromFeedback(TRACE.id, { traceId: TRACE.id, source, score, comment: `${source} said so` }, atUs);
const machine: Outcome = { ...word("x", 0, 9_000), source: "check:x" };
const people = (...outcomes: readonly Outcome[]) => ({ outcomesOf: async () => [machine, ...outcomes] });

describe("humanFeedback", () => {
  test("says what the newest person said, and nothing where nobody spoke", async () => {
    expect(await humanFeedback(people(word("ann", 0, 1_000), word("ben", 1, 2_000))).judge(TRACE)).toEqual(word("ben", 1, 2_000));
    expect(await humanFeedback(people()).judge(TRACE)).toBeUndefined();
  });

  test("hears only whom it was told to hear", async () => {
    const both = people(word("ann", 0, 1_000), word("thumbs", 1, 2_000));
    expect(await humanFeedback({ ...both, sources: ["ann"] }).judge(TRACE)).toMatchObject({ source: "feedback:ann", score: 0 });
    expect(await humanFeedback({ ...both, sources: ["cem"] }).judge(TRACE)).toBeUndefined();
  });

  test("as a hard part decides the composite, and no model is asked; as a soft one it is weighed", async () => {
    let asked = 0;
    const model = customSignal("model", () => {
      asked += 1;
      return 1;
    });
    const human = humanFeedback(people(word("ann", 0, 1_000)));
    const hard = createCompositeSignal({ hard: [human], soft: [{ signal: model, weight: 1 }] });
    const soft = createCompositeSignal({
      name: "soft",
      soft: [
        { signal: human, weight: 3 },
        { signal: model, weight: 1 },
      ],
    });
    const sum = async (signal: typeof hard) => (await judge(TRACE, [signal], 5_000)).find(({ source }) => source.startsWith("composite:"));
    expect([await sum(hard), asked]).toEqual([expect.objectContaining({ score: 0, status: "failure" }), 0]);
    expect([await sum(soft), asked]).toEqual([expect.objectContaining({ score: 0.25, review: true }), 1]);
  });

  // Told again with the time of now, the older word of one person went before the newer one of another.
  test("keeps the time at which it was said, so that who spoke last still counts", async () => {
    const [ann, ben] = [word("ann", 0, 1_000), word("ben", 1, 2_000)];
    const said = await judge(TRACE, [humanFeedback({ ...people(ann, ben), sources: ["ann"] })], 9_000);
    expect(said).toEqual([ann]);
    expect(verdict([...said, ben])).toEqual(ben);
  });
});
