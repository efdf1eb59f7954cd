import { describe, expect, test } from "vitest";
import { effectOf } from "../../../src/knowledge/effect.ts";

describe("effectOf", () => {
  test("knows nothing about an item that was never shown", () => {
    const effect = effectOf({ given: 0, givenSuccess: 0, withheld: 0, withheldSuccess: 0 });
    expect(effect).toMatchObject({ interval: { lower: -1, upper: 1 }, verdict: "undecided" });
    expect("effectiveness" in effect || "difference" in effect).toBe(false);
  });

  test("says that a rule for hard tasks helps although most runs with it fail", () => {
    const effect = effectOf({ given: 900, givenSuccess: 270, withheld: 100, withheldSuccess: 5 });
    expect(effect.effectiveness).toBeCloseTo(0.3);
    expect(effect.verdict).toBe("helps");
  });

  test("says that a rule harms although most runs with it succeed", () => {
    const effect = effectOf({ given: 900, givenSuccess: 630, withheld: 100, withheldSuccess: 95 });
    expect(effect.effectiveness).toBeCloseTo(0.7);
    expect(effect.verdict).toBe("harms");
  });

  test("stays undecided where luck could do the same", () => {
    expect(effectOf({ given: 90, givenSuccess: 70, withheld: 10, withheldSuccess: 6 }).verdict).toBe("undecided");
  });
});
