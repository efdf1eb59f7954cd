import { expect, test } from "vitest";
import { trendScore } from "../../../src/stats/trend-test.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const outcomes = (text: string): readonly boolean[] => [...text].map((character) => character === "1");

test("agrees with the formula worked out by hand", () => {
  // r - mean r = -1.5, -0.5, 0.5, 1.5; rate 1/2: slope = (-1.5 - 0.5)(1/2) - (0.5 + 1.5)(1/2) = -2; variance = 1/4 * 5.
  expect(trendScore(outcomes("1100"))).toBeCloseTo(-2 / Math.sqrt(1.25), 12);
  expect(trendScore(outcomes("0011"))).toBeCloseTo(2 / Math.sqrt(1.25), 12);
});

test.each(["", "1", "0", "1111", "0000"])("says nothing about %o", (text) => {
  expect(trendScore(outcomes(text))).toBe(0);
});

test.each([
  [20, 0.5],
  [20, 0.9],
  [50, 0.95],
  [200, 0.6],
])("%i runs that succeed with %f all along are seldom called a decline", (runs, rate) => {
  const random = seededRandom(7);
  const worlds = 5_000;
  let alarms = 0;
  for (let world = 0; world < worlds; world += 1)
    if (trendScore(Array.from({ length: runs }, () => random() < rate)) <= -2.326) alarms += 1;
  console.log(`${runs} runs at ${rate}: ${((100 * alarms) / worlds).toFixed(2)} % false alarms`);
  expect(alarms / worlds).toBeLessThan(0.016);
});

test.each([
  [20, 0.9, 0.4],
  [50, 0.9, 0.6],
])("of %i runs a fall from %f to %f in the middle is found in a third of the worlds or more", (runs, before, after) => {
  const random = seededRandom(11);
  const worlds = 5_000;
  let found = 0;
  for (let world = 0; world < worlds; world += 1)
    if (trendScore(Array.from({ length: runs }, (_, at) => random() < (at < runs / 2 ? before : after))) <= -2.326) found += 1;
  console.log(`${runs} runs from ${before} to ${after}: found in ${((100 * found) / worlds).toFixed(0)} %`);
  expect(found / worlds).toBeGreaterThan(0.33);
});
