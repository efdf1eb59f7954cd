import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createAnswerCheck } from "../../../src/lesson/copies-answer.ts";
import { createRacingDatabase } from "../../../src/testing/racing-database.ts";
import { racingTasks } from "../../../src/testing/racing-tasks.ts";
import { loadRetrievalSet } from "../../support/retrieval-set.ts";

const check = (expected: string, content: string, { task = "a question", runs = [] as readonly string[], appliesWhen = "always" } = {}) =>
  createAnswerCheck([{ task, expected }])({ content, appliesWhen }, () => runs);

describe("a lesson copies an expected answer", () => {
  test.each([
    ["five words in a row", "the lap record is held by the red car", "Remember: lap record is held by nobody else."],
    ["other case and punctuation", "Use a left outer join on drivers", "use a LEFT outer-join on drivers, always"],
    ["a number", "1157", "The answer about interest is 1157."],
    ["a number with separators", "$1,157.63", "It comes to 1157.63 in the end."],
    ["a name", "Lewis Hamilton", "When asked, say Lewis Hamilton."],
    ["a name of one word", "Bahia", "The right circuit is Bahia."],
  ])("%s", (_what, expected, content) => expect(check(expected, content)).toContain('eval case "a question"'));

  test("also in its condition", () =>
    expect(check("Lewis Hamilton", "Say so.", { appliesWhen: "asked for Lewis Hamilton" })).toBeDefined());
});

describe("a lesson does not copy an expected answer", () => {
  test.each([
    ["four words in a row", "the lap record is held by the red car", "the lap record is what was asked for"],
    ["a small number", "5", "List at most 5 rows."],
    ["yes and no", "Yes", "Yes, check the schema first."],
    ["a small word", "red", "Paint it red."],
    ["part of another number", "57", "The answer is 1157."],
    ["part of another word", "Bahia", "The Bahian circuit."],
    ["no answer at all", "", "Anything."],
  ])("%s", (_what, expected, content) => expect(check(expected, content)).toBeUndefined());

  test("that stands in a run it was read from", () =>
    expect(check("2019", "Compare season with '2019'.", { runs: ["SELECT * FROM races WHERE season = '2019'"] })).toBeUndefined());

  test("that its own task says", () => expect(check("Monza", "Prefer Monza.", { task: "which is faster, Monza or Spa" })).toBeUndefined());

  test("but five words in a row are copied even where a run holds them", () =>
    expect(check("the lap record is held by the red car", "the lap record is held", { runs: ["the lap record is held"] })).toBeDefined());
});

describe("rules that people wrote", () => {
  test("150 of them are not taken for copies of each other, nor of 106 answers about races that no run of theirs holds", async () => {
    const { rules } = (await loadRetrievalSet()).readRetrievalSet();
    const folder = mkdtempSync(join(tmpdir(), "agentlearn-answers-"));
    createRacingDatabase(join(folder, "racing.db"));
    const { train, heldOut } = racingTasks(join(folder, "racing.db"));
    rmSync(folder, { recursive: true });
    const racing = [...train, ...heldOut];
    expect([rules.length, racing.length]).toEqual([150, 106]);
    const refused = rules.flatMap((rule) => {
      const others = rules.filter(({ id }) => id !== rule.id).map(({ content }) => ({ task: "another question", expected: content }));
      return createAnswerCheck([...others, ...racing])({ content: rule.content, appliesWhen: rule.applies_when }, () => []) ?? [];
    });
    expect(refused).toEqual([]);
  });
});
