import { describe, expect, test } from "vitest";
import { assign, drawSeed } from "../../../src/injection/assign.ts";
import { exposureAttributes, exposureOf } from "../../../src/injection/exposure.ts";
import type { Injection } from "../../../src/injection/injection.ts";
import { exposureFrom, uniteExposures } from "../../../src/span/exposure.ts";
import type { Attributes } from "../../../src/span/raw-span.ts";
import type { SpanExposure } from "../../../src/span/span.ts";
import { anActiveItem } from "../../support/an-item.ts";

const pinned = anActiveItem({ id: "core", content: "always say please", priority: "pinned" });
const normal = anActiveItem({ id: "rule", content: "weights are in grams" });

function draw(seed: string, controlShare: number, withholdProbability = 0.1): Injection {
  return assign({ task: "weigh", seed, withholdProbability, controlShare }, { pinned: [pinned], ranked: [normal] });
}

const draws = Array.from({ length: 4_000 }, (_, index) => draw(`run-${index}`, 0.25));

/** As a span carries it from the agent to the learner. */
const overTheWire = (injection: Injection): SpanExposure | undefined => {
  const exposure = exposureOf(injection);
  return exposure === undefined ? undefined : exposureFrom(exposureAttributes(exposure) as Attributes);
};

describe("the control group", () => {
  test("gets no knowledge at all, pinned items neither, and says what was eligible", () => {
    const control = draws.find(({ arm }) => arm === "control");
    expect(control).toMatchObject({ text: "", given: [], arm: "control", controlShare: 0.25 });
    expect(control?.withheld.map(({ id }) => id)).toEqual(["core", "rule"]);
  });

  test("has the share that was asked for", () => {
    const share = draws.filter(({ arm }) => arm === "control").length / draws.length;
    expect(Math.abs(share - 0.25)).toBeLessThan(0.03);
  });

  test("leaves a normal item as often as its stated total probability says", () => {
    const withheld = draws.filter((injection) => injection.withheld.some(({ id }) => id === "rule")).length / draws.length;
    expect(draws[0]?.withholdProbability).toBeCloseTo(0.25 + 0.75 * 0.1, 12);
    expect(Math.abs(withheld - 0.325)).toBeLessThan(0.03);
  });

  test("is drawn apart from the draws of the items", () => {
    const knowledge = draws.filter(({ arm }) => arm === "knowledge");
    const withheld = knowledge.filter((injection) => injection.withheld.length > 0).length / knowledge.length;
    expect(Math.abs(withheld - 0.1)).toBeLessThan(0.02);
  });

  test("keeps one seed in one arm", () => {
    expect(draw("run-7", 0.25)).toEqual(draw("run-7", 0.25));
  });

  test("is not drawn unless asked for", () => {
    const injection = draw("run-7", 0);
    expect("arm" in injection || "controlShare" in injection).toBe(false);
  });

  test("refuses a share of one", () => {
    expect(() => draw("run-7", 1)).toThrow("controlShare is 1");
  });
});

describe("drawSeed", () => {
  test("is the conversation where there is one, else the trace", () => {
    expect([
      drawSeed({ conversationId: "chat-1", traceId: "t" }),
      drawSeed({ conversationId: "", traceId: "t" }),
      drawSeed({ traceId: "t" }),
    ]).toEqual(["chat-1", "t", "t"]);
  });
});

describe("an exposure with a control group", () => {
  test("comes back from the span as it was stamped", () => {
    for (const injection of draws.slice(0, 50)) expect(overTheWire(injection)).toEqual(exposureOf(injection));
  });

  test.each([
    ["a control run that was given something", { "agentlearn.knowledge.given": ["rule"] }],
    ["a control run without a sound share", { "agentlearn.knowledge.control_share": 2 }],
    ["a pinned item withheld outside of the control group", { "agentlearn.knowledge.arm": "knowledge" }],
  ])("is no evidence: %s", (_, changed) => {
    const control = draws.find(({ arm }) => arm === "control") as Injection;
    const attributes = exposureAttributes(exposureOf(control) as SpanExposure) as Attributes;
    expect(exposureFrom({ ...attributes, ...changed })).toBeUndefined();
  });

  test("is of the knowledge arm when one call of the run was given knowledge", () => {
    const control = { given: [], withheld: ["a"], withholdProbability: 0.3, arm: "control", controlShare: 0.2 } as const;
    const given = { ...control, given: ["a"], withheld: [], arm: "knowledge" } as const;
    expect(uniteExposures([control, given])).toEqual({ ...given, withheld: [] });
  });
});
