import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { caseEValue, casesNeeded, lowerEnd, roundsEValue, roundWeights } from "../../../src/stats/case-evidence.ts";

const rate = fc.double({ min: 0, max: 1, noNaN: true });

/** P(win), P(tie), P(loss) of one pair of a case that passes with these rates. */
const pairLaw = ([without, withItem]: readonly [number, number]) =>
  [
    [1, (1 - without) * withItem],
    [-1, without * (1 - withItem)],
    [0, (1 - without) * (1 - withItem) + without * withItem],
  ] as const;

/** Every course that `rounds` pairs of every case can take, with its probability; pairs in the order of the rounds. */
function* courses(cases: readonly (readonly [number, number])[], rounds: number): Generator<readonly [readonly number[], number]> {
  const laws = Array.from({ length: rounds }, () => cases.map(pairLaw)).flat();
  const walk = function* (at: number, seen: readonly number[], chance: number): Generator<readonly [readonly number[], number]> {
    if (chance === 0) return;
    const law = laws[at];
    if (law === undefined) yield [seen, chance];
    else for (const [difference, probability] of law) yield* walk(at + 1, [...seen, difference], chance * probability);
  };
  yield* walk(0, [], 1);
}

/** Mean differences after each round, from the pairs of a course. */
const byRound = (course: readonly number[], cases: number, rounds: number): readonly (readonly number[])[] =>
  Array.from({ length: rounds }, (_, round) =>
    Array.from({ length: cases }, (_case, index) => {
      const own = Array.from({ length: round + 1 }, (_pair, k) => course[k * cases + index] ?? 0);
      return own.reduce((sum, difference) => sum + difference, 0) / (round + 1);
    }),
  );

/** Rates with which the item helps the cases no more than it hurts them, in the mean. */
const nullCases = (count: number) =>
  fc.array(fc.tuple(rate, rate), { minLength: count, maxLength: count }).map((cases) => {
    const effect = cases.reduce((sum, [without, withItem]) => sum + withItem - without, 0);
    return effect <= 0 ? cases : cases.map(([without, withItem]) => [withItem, without] as const);
  });

describe("the evidence of cases", () => {
  test("has an expectation of 1 at most after any round, for every null over a given set of cases, by enumeration of all courses", () => {
    fc.assert(
      fc.property(fc.constantFrom([2, 3], [3, 2], [6, 1], [1, 5]), fc.infiniteStream(rate), ([cases, rounds], rates) => {
        const drawn = Array.from({ length: cases as number }, () => [rates.next().value, rates.next().value] as [number, number]);
        const effect = drawn.reduce((sum, [without, withItem]) => sum + withItem - without, 0);
        const world = effect <= 0 ? drawn : drawn.map(([without, withItem]) => [withItem, without] as const);
        const expectations = Array.from({ length: rounds as number }, () => 0);
        for (const [course, chance] of courses(world, rounds as number)) {
          for (const [round, differences] of byRound(course, cases as number, rounds as number).entries())
            expectations[round] = (expectations[round] as number) + chance * caseEValue(differences);
        }
        for (const expectation of expectations) expect(expectation).toBeLessThanOrEqual(1 + 1e-9);
      }),
      { numRuns: 60 },
    );
  });

  test("has an expectation of 1 at most when the cases are drawn from tasks that are helped and hurt as much, however often each is run", () => {
    // Half of the tasks go from 0 to `size`, half the other way: the mean effect is 0, that of a drawn set is not.
    for (const size of [0.3, 0.7, 1]) {
      for (const [cases, rounds] of [
        [3, 2],
        [2, 3],
      ] as const) {
        let expectation = 0;
        for (let set = 0; set < 2 ** cases; set += 1) {
          const world = Array.from({ length: cases }, (_, index) => ((set >> index) & 1 ? [0, size] : [size, 0]) as [number, number]);
          for (const [course, chance] of courses(world, rounds))
            expectation += (chance / 2 ** cases) * roundsEValue(byRound(course, cases, rounds), rounds);
        }
        expect(expectation).toBeLessThanOrEqual(1 + 1e-9);
        // The bets are fair: nothing is lost by more than what stops early.
        expect(expectation).toBeGreaterThan(0.9);
      }
    }
  });

  test("reaches 1 / alpha at any moment with probability alpha at most, over every course of ten pairs", () => {
    fc.assert(
      fc.property(nullCases(5), fc.constantFrom(0.5, 0.3, 0.2, 0.1), (world, alpha) => {
        let crossed = 0;
        for (const [course, chance] of courses(world, 2)) {
          const rounds = byRound(course, 5, 2);
          if ([1, 2].some((round) => roundsEValue(rounds.slice(0, round), 2) >= 1 / alpha)) crossed += chance;
        }
        expect(crossed).toBeLessThanOrEqual(alpha + 1e-9);
      }),
      { numRuns: 12 },
    );
  });

  test("counts a case once, however often it was run", () => {
    const once = caseEValue([1, 1, 0]);
    expect(
      roundsEValue(
        [
          [1, 1, 0],
          [1, 1, 0],
          [1, 1, 0],
        ],
        3,
      ),
    ).toBeCloseTo(once, 12);
  });

  test("is the mean of its bets, worked out by hand", () => {
    expect(caseEValue([])).toBeCloseTo(1, 12);
    // 0.1·0.1 + 0.15·0.25 + 0.2·0.5 + 0.2·0.75 + 0.15·0.9 + 0.2·1 = 0.6325
    expect(caseEValue([1])).toBeCloseTo(1.6325, 12);
    expect(caseEValue([-1])).toBeCloseTo(1 - 0.6325, 12);
  });

  test("rises with every difference and falls with the mean that is claimed", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1, max: 0.9, noNaN: true }), { minLength: 1, maxLength: 40 }), (differences) => {
        const more = differences.map((difference, index) => (index === 0 ? difference + 0.1 : difference));
        expect(caseEValue(more)).toBeGreaterThanOrEqual(caseEValue(differences));
        expect(caseEValue(differences, 0.1)).toBeLessThanOrEqual(caseEValue(differences, 0) * (1 + 1e-9));
      }),
    );
  });

  test("stays finite and positive for thousands of cases", () => {
    expect(caseEValue(Array.from({ length: 5_000 }, () => 1))).toBe(Number.MAX_VALUE);
    const lost = caseEValue(Array.from({ length: 5_000 }, () => -1));
    expect(lost).toBeGreaterThanOrEqual(0);
    expect(lost).toBeLessThan(1e-200);
  });

  test("bounds the mean from below exactly where the evidence ends", () => {
    const rounds = [Array.from({ length: 40 }, (_, index) => (index < 20 ? 1 : 0))];
    const lower = lowerEnd(rounds, 1, 33);
    expect(lower).toBeGreaterThan(0.1);
    expect(roundsEValue(rounds, 1, lower - 1e-6)).toBeGreaterThanOrEqual(33);
    expect(roundsEValue(rounds, 1, lower + 1e-6)).toBeLessThan(33);
    expect(lowerEnd([], 1, 33)).toBe(-1);
  });

  test("weighs its rounds to 1", () => {
    for (const rounds of [1, 2, 16, 100]) expect(roundWeights(rounds).reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
    expect(() => roundWeights(0)).toThrow("maxRounds is 0");
  });

  test("needs seven cases that are mended to reach 33", () => {
    expect(casesNeeded(32.9)).toBe(7);
    expect(caseEValue(Array.from({ length: 7 }, () => 1))).toBeGreaterThanOrEqual(32.9);
    expect(caseEValue(Array.from({ length: 6 }, () => 1))).toBeLessThan(32.9);
    expect(casesNeeded(32.9, 0)).toBe(Number.POSITIVE_INFINITY);
  });
});
