import { describe, expect, test } from "vitest";
import { contentDigest } from "../../../src/knowledge/evidence.ts";
import { createHumanInLoopValidator } from "../../../src/knowledge/human-validator.ts";
import type { ValidationCase, ValidatorContext } from "../../../src/knowledge/ports.ts";
import { createStatisticalValidator } from "../../../src/knowledge/statistical-validator.ts";
import { anItem, NOW_US } from "../../support/an-item.ts";

const ITEM = anItem();
const CASES: readonly ValidationCase[] = Array.from({ length: 12 }, (_, index) => ({
  id: `c-${index}`,
  task: `task number ${index}`,
  mustPass: false,
  score: (output) => (output === "right" ? 1 : 0),
}));

function context(overrides: Partial<ValidatorContext> = {}): ValidatorContext {
  return {
    cases: CASES,
    sourceTasks: [],
    context: "",
    renderWith: (item) => item.content,
    position: 1,
    passedBefore: 0,
    id: "v-1",
    nowUs: NOW_US,
    ...overrides,
  };
}

describe("HumanInLoopValidator", () => {
  test("abstains without a callback, so that the item stays in the queue", async () => {
    expect(await createHumanInLoopValidator().validate(ITEM, context())).toBeUndefined();
  });

  test.each([undefined, null])("abstains when the person answers %s", async (answer) => {
    expect(await createHumanInLoopValidator({ approve: () => answer }).validate(ITEM, context())).toBeUndefined();
  });

  test.each([
    [true, "pass", "approved by human:callback through the approve callback"],
    [false, "refuse", "refused by human:callback through the approve callback"],
    [{ approved: true, reason: "matches the schema" }, "pass", "matches the schema"],
    [{ approved: false, reason: "wrong table" }, "refuse", "wrong table"],
  ] as const)("turns the answer %j into a certificate of that person", async (answer, decision, reason) => {
    const certificate = await createHumanInLoopValidator({ approve: () => answer }).validate(ITEM, context());
    expect(certificate).toMatchObject({ kind: "human", decision, reason, itemId: ITEM.id, id: "v-1", createdAtUs: NOW_US });
  });

  test("rejects when the callback throws, and says whose fault it is", async () => {
    const validator = createHumanInLoopValidator({
      approve: () => {
        throw new Error("no terminal");
      },
    });
    await expect(validator.validate(ITEM, context())).rejects.toThrow("the approve callback failed: no terminal");
  });
});

describe("what a person says", () => {
  test("may be other words, and the certificate is about those", async () => {
    const validator = createHumanInLoopValidator({
      approve: () => ({ approved: true, edit: { content: "Better words." } }),
      actor: "human:ada",
    });
    const certificate = await validator.validate(ITEM, context());
    expect(certificate?.contentDigest).toBe(contentDigest({ ...ITEM, content: "Better words." }));
    expect(certificate?.contentDigest).not.toBe(contentDigest(ITEM));
    expect(certificate?.actor).toBe("human:ada");
  });

  test.each(["yes", 1, {}, { approved: "no" }])("is no yes when it is %j", async (answer) => {
    const validator = createHumanInLoopValidator({ approve: () => answer as never });
    await expect(validator.review(ITEM, {})).rejects.toThrow("neither true nor false");
  });

  test("is not waited for longer than said, and the callback is told", async () => {
    let told: AbortSignal | undefined;
    const approve = (_item: unknown, { signal }: { signal: AbortSignal }) => {
      told = signal;
      return new Promise<boolean>(() => undefined);
    };
    expect(await createHumanInLoopValidator({ approve, timeoutMs: 5 }).review(ITEM, {})).toBeUndefined();
    expect(told?.aborted).toBe(true);
  });

  test("is not waited for after an abort, before and while the person is asked", async () => {
    const approve = () => new Promise<boolean>(() => undefined);
    await expect(createHumanInLoopValidator({ approve }).review(ITEM, {}, AbortSignal.abort())).rejects.toMatchObject({
      code: "cancelled",
    });
    const controller = new AbortController();
    const asked = createHumanInLoopValidator({ approve }).review(ITEM, {}, controller.signal);
    controller.abort();
    await expect(asked).rejects.toMatchObject({ code: "cancelled" });
  });
});

describe("StatisticalValidator", () => {
  const runner = (_task: string, knowledge: string): string => (knowledge === ITEM.content ? "right" : "wrong");

  test("certifies what the runner shows", async () => {
    const certificate = await createStatisticalValidator({ runner, runnerName: "gpt-4o-mini" }).validate(ITEM, context());
    expect(certificate).toMatchObject({ kind: "statistical", decision: "pass", wins: 12, actor: "learner", runner: "gpt-4o-mini" });
  });

  test("leaves the item's own tasks out", async () => {
    const certificate = await createStatisticalValidator({ runner }).validate(ITEM, context({ sourceTasks: ["Task  number 3"] }));
    expect(certificate?.cases).toBe(11);
  });

  test("abstains when there is nothing to test on", async () => {
    expect(await createStatisticalValidator({ runner }).validate(ITEM, context({ cases: [] }))).toBeUndefined();
  });

  test("stops on an abort", async () => {
    const running = createStatisticalValidator({ runner }).validate(ITEM, context(), AbortSignal.abort());
    await expect(running).rejects.toMatchObject({ code: "cancelled" });
  });
});
