import { expect, test } from "vitest";
import { scoreRacing } from "../../../src/testing/racing-score.ts";

test.each([
  ["The answer is 3.", "3"],
  ["3", "3"],
  ["They won 3 times", "3"],
  ["1,234 points", "1234"],
  ["3.0", "3"],
  ["The answer is Mara Lindqvist.", "Mara Lindqvist"],
  ["mara lindqvist won the race", "Mara Lindqvist"],
  ["Anaïs Duval", "Anais Duval"],
  ["The answer is 05 Mar 2019.", "05 Mar 2019"],
  ["Yes.", "Yes"],
  ["No, never.", "No"],
])("takes %j for %j", (output, expected) => {
  expect(scoreRacing(output, expected)).toBe(1);
});

test.each([
  ["The answer is 13.", "3"],
  ["3 or 4", "3"],
  ["0", "3"],
  ["", "3"],
  ["I could not find an answer.", "3"],
  ["Mara Lindqvist, Tomas Berger", "Mara Lindqvist"],
  ["Mara Lindqvist or Tomas Berger", "Mara Lindqvist"],
  ["Mara Lindqvistson", "Mara Lindqvist"],
  ["Nobody", "No"],
  ["No.", "Yes"],
  ["", ""],
])("refuses %j for %j", (output, expected) => {
  expect(scoreRacing(output, expected)).toBe(0);
});
