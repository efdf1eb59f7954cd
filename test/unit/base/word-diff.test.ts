import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DiffPart, wordDiff } from "../../../src/base/word-diff.ts";

const side = (parts: readonly DiffPart[], kind: "removed" | "added"): string =>
  parts
    .filter((part) => part.kind === "same" || part.kind === kind)
    .map(({ text }) => text)
    .join("");
const shown = (before: string, after: string): string =>
  wordDiff(before, after)
    .map(({ kind, text }) => (kind === "same" ? text : kind === "removed" ? `[-${text}-]` : `{+${text}+}`))
    .join("");

describe("the word diff", () => {
  test.each([
    ["Round money to cents.", "Round money to whole cents.", "Round money to {+whole +}cents."],
    ["use '1' not 1", "use 1", "use [-'1' not -]1"],
    ["a b c", "a x c", "a [-b-]{+x+} c"],
    ["same", "same", "same"],
    ["", "new", "{+new+}"],
    ["old", "", "[-old-]"],
    ["", "", ""],
  ])("of %j and %j names words, not letters", (before, after, expected) => {
    expect(shown(before, after)).toBe(expected);
  });

  test("loses nothing: both texts can be read out of it", () => {
    const words = fc
      .array(fc.constantFrom("a", "b", " ", ".", "\n", "日本", "é", "\u{1f600}", "_x1"), { maxLength: 30 })
      .map((all) => all.join(""));
    fc.assert(
      fc.property(fc.oneof(words, fc.string({ unit: "binary" })), words, (before, after) => {
        const parts = wordDiff(before, after);
        expect([side(parts, "removed"), side(parts, "added")]).toEqual([before, after]);
      }),
      { numRuns: 500 },
    );
  });

  test("shows texts that are too long to compare as one replacement", () => {
    const [before, after] = ["a ".repeat(5_000), "b ".repeat(5_000)];
    expect(wordDiff(`x ${before}`, `x ${after}`).map(({ kind }) => kind)).toEqual(["same", "removed", "added", "same"]);
  });
});
