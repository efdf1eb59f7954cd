import { expect, test } from "vitest";
import { satisfies } from "../../../src/cli/version-range.ts";

test.each([
  ["1.9.1", ">=1.3.0 <1.10.0", true],
  ["1.10.0", ">=1.3.0 <1.10.0", false],
  ["1.10.0", ">= 1.10.0 < 1.11.0", true],
  ["1.9.0", "^1.9.0", true],
  ["2.0.0", "^1.9.0", false],
  ["0.3.0", "^0.2.1", false],
  ["0.2.9", "^0.2.1", true],
  ["1.4.0", "~1.3.0", false],
  ["1.3.9", "1.3", true],
  ["1.3.9", "1.x", true],
  ["1.3.9", "<=1.3", true],
  ["1.4.0", ">1.3", true],
  ["1.3.9", ">1.3", false],
  ["2.1.0", "^1.0.0 || ^2.0.0", true],
  ["3.0.0", "^1.0.0 || ^2.0.0", false],
  ["1.9.1-rc.1", "^1.9.0", true],
  ["5.0.0", "*", true],
])("%s in %j: %j", (version, range, inside) => {
  expect(satisfies(version, range)).toBe(inside);
});

test.each(["workspace:*", "1.0.0 - 2.0.0", "latest"])("a range written as %j is not guessed at", (range) => {
  expect(satisfies("1.9.0", range)).toBeUndefined();
});
