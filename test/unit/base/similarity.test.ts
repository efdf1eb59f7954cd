import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jaccard, jaccardReaches, mayReach, nearDuplicate, tokenPrint, tokenSet } from "../../../src/base/similarity.ts";

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

test("jaccardReaches says whether jaccard is at least that, to the last bit", () => {
  const tokens = fc.uniqueArray(fc.integer({ min: 0, max: 14 }).map(String), { maxLength: 15 });
  // Thresholds that some pair of sets hits exactly.
  const threshold = fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.tuple(fc.nat(15), fc.integer({ min: 1, max: 15 })).map(([part, all]) => Math.min(part, all) / all),
  );
  fc.assert(
    fc.property(tokens, tokens, threshold, (left, right, least) => {
      const [a, b] = [new Set(left), new Set(right)];
      expect(jaccardReaches(a, b, least)).toBe(jaccard(a, b) >= least);
    }),
    { numRuns: 2_000 },
  );
});

test("two prints say no only where the words say no too, and nearly always where texts are about different things", () => {
  const word = fc.integer({ min: 0, max: 200 }).map((number) => `word${number}`);
  // Most of both in common, so that both answers come up.
  const shared = fc.uniqueArray(word, { maxLength: 30 });
  const own = fc.uniqueArray(word, { maxLength: 4 });
  const threshold = fc.constantFrom(0.5, 2 / 3, 0.75, 0.8, 0.9, 1);
  let [reached, told] = [0, 0];
  fc.assert(
    fc.property(shared, own, own, threshold, (common, left, right, least) => {
      const [a, b] = [new Set([...common, ...left]), new Set([...common, ...right])];
      const may = mayReach(tokenPrint(a), tokenPrint(b), least);
      if (jaccardReaches(a, b, least)) {
        reached += 1;
        expect(may).toBe(true);
      } else if (!may) told += 1;
    }),
    { numRuns: 3_000, seed: 1 },
  );
  expect(Math.min(reached, told)).toBeGreaterThan(300);
  const [money, parcels] = ["Round each amount of money to whole cents", "Weigh the parcels before you print their labels"].map((text) =>
    tokenPrint(tokenSet(text)),
  );
  expect(mayReach(money as never, parcels as never, 0.9)).toBe(false);
});

test("the words of English text are those that any text would have", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii" }), (text) => {
      // One letter of another script makes it any text.
      expect([...tokenSet(`${text} \u00e9`)]).toEqual([...new Set([...tokenSet(text), "\u00e9"])]);
    }),
  );
});
