import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { shade, splitShaded } from "../../../src/knowledge/conflict/shade.ts";

describe("a shaded text", () => {
  test.each([
    ["use substr(d, 8, 4), not left(d, 4)", "use substr(·······), not left(····)"],
    ['it failed with "no. Not: now"', 'it failed with "············"'],
    ["add --no-cache now", "add ·········· now"],
    ["wait 60 s (not 30 s)", "wait 60 s (not 30 s)"],
    ["pass [1, 2] or {a: 1}", "pass [····] or {····}"],
    ["don't cut at can't, ever", "don't cut at can't, ever"],
    ["f(g(a, b), c", "f(g(····), c"],
  ])("hides what is quoted, called and flagged: %s", (text, shaded) => {
    expect(shade(text)).toBe(shaded);
  });

  test("keeps every character in its place, so that a part can be cut from the text itself", () => {
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: fc.constantFrom(..."'\"`()[]{} a-.,\n“”") }));
    fc.assert(
      fc.property(text, (any) => {
        expect(shade(any)).toHaveLength(any.length);
        expect(splitShaded(any, /, /g).join(", ")).toBe(any);
      }),
    );
  });
});
