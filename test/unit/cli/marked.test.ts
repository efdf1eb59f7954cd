import { expect, test } from "vitest";
import { marked } from "../../../src/cli/knowledge-conflicts.ts";

test.each([
  ["Grouped rows are rounded up.", "up", "Grouped rows are rounded >>up<<."],
  ["Wait 60 seconds.", "60 Seconds", "Wait >>60 seconds<<."],
  ["Wait.", "", "Wait."],
  ["Wait.", "elsewhere", "Wait."],
])("marks in %o the part %o", (text, part, shown) => {
  expect(marked(text, part)).toBe(shown);
});
