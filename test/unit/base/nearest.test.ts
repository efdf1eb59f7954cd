import { expect, test } from "vitest";
import { nearest } from "../../../src/base/nearest.ts";

test.each([
  ["approv", "approve"],
  ["APPROVE", "approve"],
  ["regect", "reject"],
  ["restroe", "restore"],
  ["something", undefined],
] as const)("%s was probably meant as %s", (word, meant) => {
  expect(nearest(word, ["approve", "reject", "restore"])).toBe(meant);
});
