import { describe, expect, test } from "vitest";
import { exposureAttributes } from "../../../src/injection/exposure.ts";
import { exposureFrom, uniteExposures } from "../../../src/span/exposure.ts";
import type { SpanExposure } from "../../../src/span/span.ts";

const exposure = (overrides: Partial<SpanExposure> = {}): SpanExposure => ({
  given: ["a"],
  withheld: ["b"],
  withholdProbability: 0.1,
  listed: ["c"],
  canary: { ids: ["d"], member: true, share: 0.05 },
  ...overrides,
});

describe("an exposure with listed and canary items", () => {
  test("comes back from its span attributes as it was", () => {
    expect(exposureFrom(exposureAttributes(exposure()))).toEqual(exposure());
  });

  test.each([
    ["its side is missing", { "agentlearn.knowledge.canary_member": undefined }],
    ["its side is no boolean", { "agentlearn.knowledge.canary_member": "true" }],
    ["its probability is none", { "agentlearn.knowledge.canary_share": 0 }],
    ["its probability is 1 or more", { "agentlearn.knowledge.canary_share": 1 }],
  ])("loses the canary, which is no evidence then, when %s", (_why, changed) => {
    const { canary: _canary, ...rest } = exposure();
    expect(exposureFrom({ ...exposureAttributes(exposure()), ...(changed as object) })).toEqual(rest);
  });

  test("is none of a control run, which is given nothing", () => {
    const control = { arm: "control", controlShare: 0.2, given: [] } as const;
    const { listed: _listed, canary: _canary, ...bare } = exposure(control);
    expect(exposureFrom(exposureAttributes(bare))).toEqual(bare);
    expect(exposureFrom(exposureAttributes({ ...bare, listed: ["c"] }))).toBeUndefined();
    expect(exposureFrom(exposureAttributes({ ...bare, canary: { ids: ["d"], member: true, share: 0.05 } }))).toBeUndefined();
  });

  test("united: what was read after it was listed was given, and what was listed was not withheld", () => {
    const { canary: _canary, ...first } = exposure();
    const united = uniteExposures([first, { given: ["c"], withheld: ["a"], withholdProbability: 0.1, listed: ["b"] }]);
    expect(united).toEqual({ given: ["a", "c"], withheld: [], withholdProbability: 0.1, listed: ["b"] });
  });

  test("united: canary items of several calls stand together, on the side of the run", () => {
    const other = exposure({ canary: { ids: ["e", "d"], member: true, share: 0.05 } });
    expect(uniteExposures([exposure(), other])?.canary).toEqual({ ids: ["d", "e"], member: true, share: 0.05 });
    const outside = exposure({ canary: { ids: ["f"], member: false, share: 0.05 } });
    expect(uniteExposures([outside, exposure()])?.canary).toEqual({ ids: ["d"], member: true, share: 0.05 });
  });
});
