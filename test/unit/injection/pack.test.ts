import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pack, takeInOrder } from "../../../src/injection/pack.ts";

const parcels = (...costs: number[]) => costs.map((cost, place) => ({ place, cost }));
const places = (taken: readonly { readonly place: number }[]): number[] => taken.map(({ place }) => place);

describe("packing", () => {
  test("takes the beginning of the ranking while it fits", () => {
    expect(places(pack(parcels(50, 1, 1, 1), 100, 3))).toEqual([0, 1, 2]);
    expect(places(pack(parcels(50, 1), 100, 5))).toEqual([0, 1]);
  });

  test("prefers several short ones to a long one that is hardly better", () => {
    expect(places(pack(parcels(90, 30, 30, 30), 100, 10))).toEqual([1, 2, 3]);
  });

  test("keeps a long one that is worth more than the short ones that fit beside it", () => {
    expect(places(pack(parcels(60, 100, 50), 100, 10))).toEqual([0]);
  });

  test("taking in order skips what does not fit and goes on", () => {
    expect(places(takeInOrder(parcels(90, 30, 10, 1), 100, 2))).toEqual([0, 2]);
  });

  test("takes nothing where nothing fits or there is no place", () => {
    expect(pack(parcels(5, 6), 4, 10)).toEqual([]);
    expect(pack(parcels(5, 6), 40, 0)).toEqual([]);
  });

  test("stays within the budget and the places, keeps the order, and is never worth less than taking in order", () => {
    const value = (taken: readonly { readonly place: number }[]): number =>
      taken.reduce((sum, { place }) => sum + 1 / Math.log2(place + 2), 0);
    const input = fc.record({
      costs: fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 30 }),
      budget: fc.integer({ min: 0, max: 600 }),
      limit: fc.integer({ min: 0, max: 12 }),
    });
    fc.assert(
      fc.property(input, ({ costs, budget, limit }) => {
        const taken = pack(parcels(...costs), budget, limit);
        expect(taken.reduce((sum, { cost }) => sum + cost, 0)).toBeLessThanOrEqual(budget);
        expect(taken.length).toBeLessThanOrEqual(limit);
        expect(places(taken)).toEqual([...places(taken)].sort((a, b) => a - b));
        expect(value(taken)).toBeGreaterThanOrEqual(value(takeInOrder(parcels(...costs), budget, limit)));
      }),
    );
  });
});
