import { expect, test } from "vitest";
import { oneLine, printable } from "../../../src/base/text.ts";

test("printable shows controls, bidi, zero-width, tag and separator characters as what they are", () => {
  const hostile = "a\u001b[31m\u009b\u0007\u0000\u202e\u2066\u200b\ufeff\u{e0041}\u2028z";
  expect(printable(hostile)).toBe("a\\u{1b}[31m\\u{9b}\\u{7}\\u{0}\\u{202e}\\u{2066}\\u{200b}\\u{feff}\\u{e0041}\\u{2028}z");
});

test("printable leaves text of any script, tabs and line breaks alone", () => {
  expect(printable("Zürich\t東京\n🏁 é")).toBe("Zürich\t東京\n🏁 é");
});

test("oneLine folds white space and cuts with an ellipsis inside the length", () => {
  expect([oneLine(" a\n\t b ", 10), oneLine("abcdef", 4), oneLine("abcd", 4)]).toEqual(["a b", "abc…", "abcd"]);
});
