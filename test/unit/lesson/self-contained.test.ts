import { describe, expect, test } from "vitest";
import { namesOneQuestion, pointsOutside } from "../../../src/lesson/self-contained.ts";
import { loadRetrievalSet } from "../../support/retrieval-set.ts";

const POINTING = [
  "Quote the position as above.",
  "As described earlier, list the tables first.",
  "Use the column mentioned above instead of position.",
  "Follow the above rule when dates are involved.",
  "Repeat the previous step with a smaller limit.",
  "In this task, the season has to be quoted.",
  "For these questions, join on the driver id.",
  "Do the same as before but with DISTINCT.",
  "Use the same query as in the previous one.",
  "The error in step 3 shows that the table is called races.",
  "The query failed (step 2), so quote the column.",
  "As we saw, position is text.",
  "It must be quoted.",
  "This is a text column.",
  "That fails without quotes.",
  "Same here: quote it.",
  "Ditto for the season column.",
  "Handle the aforementioned table with care.",
  "This run shows that position is text.",
  "Use LIKE, as noted before.",
  "See below for the right columns.",
  "Apply what the earlier examples show.",
  "Remember what this conversation established about dates.",
  "Proceed as previously, with the table quoted.",
  "The preceding lesson also holds for teams.",
];

const SELF_CONTAINED = [
  "In run_sql, compare position with quoted text: write position = '1', not position = 1.",
  "Check the schema before you write a query.",
  "List values above 100 only when they are asked for.",
  "Keep the header row above the data.",
  "If a call fails, read the error before you repeat the call; in that case change one thing.",
  "In this case sensitive database, quote mixed-case names.",
  "Step 1: read the schema. Step 2: write the query. Step 3: check the count.",
  "Do not repeat a failed query unchanged.",
  "Use the same unit as the question.",
  "Sort by date before taking the first row.",
  "Dates before 1990 are stored as text.",
  "Ask for the previous page with the cursor of the first row.",
  "Compare a year with the year before it by LAG.",
  "Retry the failing call once, then report it.",
  "Add the earlier date as the start of the range.",
  "Use a window function such as LAG to read the previous row.",
  "See the table sqlite_master for the names of all tables.",
  "Each of those columns that end in _id is a key: join on them.",
  "When a task names a team, filter on team and not on driver.",
  "Questions about podiums need position IN ('1', '2', '3').",
  "Write the answer as the question asks, without units.",
  "Run the tests before committing.",
  "As soon as a tool times out, lower its limit.",
  "Treat the same name in two tables as two columns.",
  "Say which step failed and why.",
];

describe("a lesson that needs something its reader does not have", () => {
  test.each(POINTING)("is refused: %s", (content) =>
    expect(pointsOutside({ content, appliesWhen: "a query" })).toContain("points outside"),
  );
  test.each(SELF_CONTAINED)("is not: %s", (content) => expect(pointsOutside({ content, appliesWhen: "a query" })).toBeUndefined());

  test("is not found among the rules of the retrieval set, which people wrote to stand by themselves", async () => {
    const { readRetrievalSet } = await loadRetrievalSet();
    const wrong = readRetrievalSet().rules.flatMap(
      ({ content, applies_when: appliesWhen }) => pointsOutside({ content, appliesWhen }) ?? [],
    );
    expect(wrong).toEqual([]);
  });
});

describe("a condition that belongs to one question", () => {
  const TASK = 'Did Lewis Hamilton win at "Silverstone Circuit" in 2019 with car 44?';
  test.each([
    "asked about Lewis Hamilton",
    "a question about the season 2019",
    "the circuit is Silverstone Circuit",
    "asked about LEWIS HAMILTON",
  ])("is refused: %s", (appliesWhen) => expect(namesOneQuestion({ appliesWhen }, [TASK])).toContain("one question only"));
  test.each([
    "asked whether a driver won",
    "a question about a season",
    "asked about car numbers",
    "asked about the 20199 seasons",
    "asked who won",
  ])("is not: %s", (appliesWhen) => expect(namesOneQuestion({ appliesWhen }, [TASK])).toBeUndefined());
  test("is none where a second task shares the value, since that is their subject", () => {
    expect(namesOneQuestion({ appliesWhen: "asked about the year 2019" }, [TASK, "who won the title in 2019"])).toBeUndefined();
  });
});
