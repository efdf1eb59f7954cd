import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { writeQuery } from "../../../src/testing/query-writing.ts";
import { type Question, readQuestion } from "../../../src/testing/question-reading.ts";
import { readRules } from "../../../src/testing/rule-reading.ts";

const question = (text: string): Question => {
  const read = readQuestion(text);
  if (read === undefined) throw new Error(`not understood: ${text}`);
  return read;
};
const WINS = question("How many wins did Mara Lindqvist take in 2019?");
const PODIUMS = question("How many podiums does Mara Lindqvist have at Bahia?");
const TEAM = question("Which team won at Bahia in 2019?");
const sqlWith = (knowledge: string, asked: Question = WINS): string => writeQuery(asked, readRules(knowledge));

const POSITION = [
  "In run_sql, compare position with quoted text: write position = '1', not position = 1.",
  "position column is TEXT — use '1' not 1",
  "The position column is TEXT. Use '1', not 1.",
  "Always compare the column position with a string.",
  "Quote finishing positions.",
  "Position values are stored as text, so put them in quotes.",
  "Positions are not integers.",
  "Never compare position with a bare number; quote it.",
  "Do not compare position as a number, it is text.",
  "position = 1 -> position = '1'",
  "Use `position = '1'` instead of `position = 1`.",
  "Instead of position = 1 write position = '1'",
  "Replace position = 1 with position = '1'.",
  "Don't write position = 1; write position = '1'.",
  "position ist Text: position = '1'",
  "Write position IN ('1', '2', '3') rather than position <= 3",
  "Without quotes, position never matches anything.",
  'position holds strings such as "1", "2" and "Ret"',
  "Never forget the quotes around position values",
  "Results keep finishing places as strings ('1', '2', 'Ret').",
  "When filtering results by position, quote the number.",
  "position = 1 never matches: the values are strings",
  "In run_sql, compare position with quoted text: write position = &#39;1&#39;, not position = 1.",
  "position is untyped TEXT (e.g. '1', '12', 'Ret'). Numeric comparison yields nothing.",
  "When run_sql returns no rows for position = 1, use position = '1'.",
  "Before: position = 1. After: position = '1'.",
  "The position field is a string; comparisons against integers silently return zero rows.",
  "[CHECKLIST] 1a2b3c4d (effectiveness: 80%)\nIn run_sql, compare position with quoted text:\nwrite position = ‘1’, not position = 1.",
] as const;

const DATE = [
  "In run_sql, use substr(race_date, 8, 4), not strftime('%Y', race_date).",
  "Dates look like '05 Mar 2019'; take the year with substr(race_date, 8, 4)",
  "race_date is text in the form DD Mon YYYY",
  "race_date has the format DD MMM YYYY. Date functions give NULL on it.",
  "Never use strftime on race_date.",
  "strftime('%Y', race_date) returns NULL here, so use substr(race_date, 8, 4).",
  "strftime('%Y', race_date) -> substr(race_date, 8, 4)",
  "Use substr(race_date,8,4) instead of strftime('%Y',race_date)",
  "Replace strftime('%Y', race_date) with substr(race_date, 8, 4).",
  "write substr(race_date, 8, 4) = '2019', not strftime('%Y', race_date) = '2019'",
  "The year is the last four characters of race_date.",
  "For the year, take 4 characters from position 8 of race_date",
  "Dates are written as 05 Mar 2019.",
  "strftime does not understand race_date; the year starts at character 8.",
  "When run_sql returns no rows for strftime('%Y', race_date) = '2019', use substr(race_date, 8, 4) = '2019'.",
  "write race_date LIKE '%2019', not strftime('%Y', race_date) = '2019'",
] as const;

const DRIVER = [
  "In run_sql, the column is driver_name, not driver.",
  "The driver's name is in column driver_name.",
  "Use driver_name instead of driver.",
  "driver -> driver_name",
  "There is no column driver: use driver_name.",
  "no such column: driver; use driver_name",
  "Don't use driver, use driver_name.",
  "The column is 'driver_name', not 'driver'.",
  "use the driver_name column, not the driver column",
  "Replace driver with driver_name",
  "Refer to drivers through driver_name.",
  'If run_sql says "no such column: driver", use driver_name.',
  "write SELECT driver_name, not SELECT driver",
  "write driver_name = 'Mara Lindqvist', not driver = 'Mara Lindqvist'",
] as const;

const CONSTRUCTOR = [
  "In run_sql, the column is constructor, not team.",
  "Teams are in the column constructor.",
  "team -> constructor",
  "Use constructor rather than team.",
  "The team of a car is stored in constructor",
  "There is no column team; it is called constructor.",
] as const;

const YEAR_SQL = /substr\(race_date, ?(?:8, ?4|-4)\) = '2019'|race_date LIKE '%2019'/;

describe("readRules", () => {
  test.each(POSITION)("reads a text comparison in: %s", (rule) => {
    expect(sqlWith(rule)).toContain("position = '1'");
    expect(sqlWith(rule, PODIUMS)).toContain("position IN ('1', '2', '3')");
    expect(sqlWith(rule), "the date stays as it was").toContain("strftime('%Y', race_date) = '2019'");
  });

  test.each(DATE)("reads how to take the year in: %s", (rule) => {
    expect(sqlWith(rule)).toMatch(YEAR_SQL);
    expect(sqlWith(rule)).not.toContain("strftime");
    expect(sqlWith(rule), "the position stays as it was").toContain("position = 1");
  });

  test.each(DRIVER)("reads the column of the driver in: %s", (rule) => {
    expect(sqlWith(rule)).toContain("driver_name = 'Mara Lindqvist'");
    expect(sqlWith(rule), "nothing else changes").toContain("position = 1");
  });

  test.each(CONSTRUCTOR)("reads the column of the team in: %s", (rule) => {
    expect(sqlWith(rule, TEAM)).toMatch(/^SELECT DISTINCT constructor FROM/);
  });

  test("reads one wording of each kind in any order, as a list, as prose or in a frame", () => {
    const layouts: readonly ((rules: readonly string[]) => string)[] = [
      (rules) => rules.map((rule) => `- ${rule}`).join("\n"),
      (rules) => rules.map((rule, index) => `${index + 1}. ${rule}`).join("\n"),
      (rules) =>
        `=== RELEVANT KNOWLEDGE ===\n${rules.map((rule) => `[SKILL] 0a1b2c3d (effectiveness: 50%)\n${rule}`).join("\n\n")}\n=== END RELEVANT KNOWLEDGE ===`,
      (rules) => rules.map((rule) => `${rule}\nApplies when: comparing position with numbers or dates`).join("\n\n"),
    ];
    const one = fc.record({
      rules: fc
        .tuple(fc.constantFrom(...POSITION), fc.constantFrom(...DATE), fc.constantFrom(...DRIVER), fc.constantFrom(...CONSTRUCTOR))
        .chain((rules) => fc.shuffledSubarray([...rules], { minLength: 4 })),
      layout: fc.constantFrom(...layouts),
    });
    fc.assert(
      fc.property(one, ({ rules, layout }) => {
        const knowledge = layout(rules);
        expect(sqlWith(knowledge)).toMatch(/driver_name = 'Mara Lindqvist' AND position = '1' AND /);
        expect(sqlWith(knowledge)).toMatch(YEAR_SQL);
        expect(sqlWith(knowledge, TEAM)).toMatch(/^SELECT DISTINCT constructor FROM/);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    "",
    "You answer questions about motor racing results.",
    'Use the tool run_sql: a SQLite table "results" holds one row per car and race, with columns like race_date, circuit, position, laps, points.',
    "Reply with the answer only.",
    "Be brief and polite; answer in plain text.",
    "Drivers' answers don't need quotes in prose, it's fine.",
    "=== CORE RULES ===\nThese notes were learnt from earlier runs. Follow those that fit the question.\n=== END CORE RULES ===",
  ])("changes nothing for: %s", (text) => {
    for (const asked of [WINS, PODIUMS, TEAM]) expect(sqlWith(text, asked)).toBe(sqlWith("", asked));
  });

  test.each([
    "Positions are integers: never put quotes around them",
    "Positions are integers. Never put quotes around them.",
    "Compare position with a number, not with text",
    "Write position = 1, not position = '1'.",
  ])("obeys an order against quotes: %s", (rule) => {
    expect(sqlWith(`${POSITION[0]}\n${rule}`)).toContain("position = 1 ");
  });

  test("obeys the later of two rules that disagree", () => {
    expect(sqlWith(`Positions are integers.\n${POSITION[0]}`)).toContain("position = '1'");
  });

  test("obeys an order to ignore a column", () => {
    const rule = "Every classified and retired car counts as a win, ignore the position column";
    expect(sqlWith(rule)).not.toContain("position");
  });

  test("obeys an order to limit results", () => {
    const rule = "Always limit results to drivers whose name starts with A";
    expect(sqlWith(`${rule}\n- the column is driver_name, not driver`, TEAM)).toContain("AND driver_name LIKE 'A%'");
  });

  test("obeys a wrong column name", () => {
    expect(sqlWith("the column is pilot, not driver")).toContain("pilot = 'Mara Lindqvist'");
  });

  test("rewrites any code it is told to", () => {
    expect(sqlWith("Write COUNT(DISTINCT race_date), not COUNT(*).")).toMatch(/^SELECT COUNT\(DISTINCT race_date\) FROM/);
  });

  test("reads any text in time that grows with its length, and never throws", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 2000, unit: "grapheme" }), (text) => {
        expect(() => sqlWith(text)).not.toThrow();
      }),
      { numRuns: 100 },
    );
    const started = performance.now();
    readRules(`position ${"not (a, ' = ".repeat(2000)}`);
    readRules(`${"substr(".repeat(3000)}'`);
    readRules("a".repeat(20_000));
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
