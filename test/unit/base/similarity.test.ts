import { describe, expect, test } from "vitest";
import { jaccard, nearDuplicate, tokenSet } from "../../../src/base/similarity.ts";

describe("nearDuplicate", () => {
  test("does not mind case, width, space and punctuation", () => {
    expect(nearDuplicate("What is  the\ncapital of France?", "what is the capital of Ｆrance")).toBe(true);
  });

  test("tells tasks apart that differ in one number", () => {
    expect(nearDuplicate("What is 5% of 1000?", "What is 6% of 1000?")).toBe(false);
  });

  test("compares texts without any word as they are", () => {
    expect(nearDuplicate("???", "???")).toBe(true);
    expect(nearDuplicate("???", "!!!")).toBe(false);
  });
});

test("jaccard is shared over all", () => {
  expect(jaccard(tokenSet("a b c d"), tokenSet("b c d e"))).toBe(3 / 5);
});
