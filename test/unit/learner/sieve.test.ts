import { describe, expect, test } from "vitest";
import { createSieve, sayingOf } from "../../../src/learner/sieve.ts";
import type { JudgedTrace } from "../../../src/lesson/ports.ts";
import { anItem } from "../../support/an-item.ts";
import { aLesson } from "../lesson-factory.ts";
import { aTrace } from "../trace-factory.ts";

const idOf = (n: number): string => `${String(n).padStart(32, "0")}-000000000000000a`;
const run = (n: number, given?: readonly string[]): JudgedTrace => ({
  trace: aTrace({ id: idOf(n), ...(given === undefined ? {} : { exposure: { given, withheld: [], withholdProbability: 0 } }) }),
});
const ITEM = anItem({ content: "In run_sql, quote the position column.", fingerprint: "known" });
const lesson = (content: string, ...runs: readonly number[]) => aLesson({ content, fingerprint: "new", sourceTraceIds: runs.map(idOf) });
const ECHO = "Quote the position columns in run_sql.";

describe("what the agent was told and says again", () => {
  test("is no new support from the runs that were told", () => {
    expect(createSieve([ITEM], [])(lesson(ECHO, 1), [run(1, [ITEM.id])])).toContain("was given in every run");
  });

  test("is a sighting of the item from those that were not", () => {
    const sifted = createSieve([ITEM], [])(lesson(ECHO, 1, 2), [run(1, [ITEM.id]), run(2)]);
    expect(sifted).toMatchObject({ fingerprint: "known", sourceTraceIds: [idOf(2)] });
  });

  test("counts as told when only its line was listed, or a canary run had it", () => {
    const trace = { given: [], withheld: [], withholdProbability: 0 };
    for (const exposure of [
      { ...trace, listed: [ITEM.id] },
      { ...trace, canary: { ids: [ITEM.id], member: true, share: 0.1 } },
    ])
      expect(createSieve([ITEM], [])(lesson(ECHO, 1), [{ trace: aTrace({ id: idOf(1), exposure }) }])).toBeTypeOf("string");
  });

  test.each([
    "In run_sql, quote the round column.",
    "In run_sql, do not quote the position column.",
    "In run_sql, quote the position column as 'p'.",
  ])("is not the same as: %s", (content) =>
    expect(createSieve([ITEM], [])(lesson(content, 1), [run(1, [ITEM.id])])).toMatchObject({ fingerprint: "new" }),
  );

  test("of another agent is another item", () => {
    const other = { ...ITEM, agentName: "other" };
    expect(createSieve([other], [])(lesson(ECHO, 1), [run(1, [ITEM.id])])).toMatchObject({ fingerprint: "new" });
  });
});

test("a lesson that copies an expected answer is refused, whatever the verdict said about it", () => {
  const cases = [{ id: "c", task: "how much is it", expected: "1157.63", tags: [], mustPass: false, createdAtUs: 1 }];
  const outcome = {
    traceId: idOf(1),
    source: "evaluation:x",
    status: "failure",
    score: 0,
    reasoning: "expected 1157.63",
    evidence: [],
    createdAtUs: 1,
  } as const;
  const judged: JudgedTrace = { ...run(1), outcome };
  expect(createSieve([], cases)(lesson("The total is 1157.63.", 1), [judged])).toContain("copies the expected answer");
});

test("words in another order, endings and small words are the same saying; a turn is not", () => {
  expect(sayingOf("Quote the positions")).toBe(sayingOf("the position is quoted"));
  expect(sayingOf("Quote the position")).not.toBe(sayingOf("Never quote the position"));
});
