import { describe, expect, test } from "vitest";
import { deterministicSignal } from "../../../src/outcome/deterministic-signal.ts";
import { type JsonCheckOptions, jsonCheck } from "../../../src/outcome/json-check.ts";
import { judge } from "../../../src/outcome/judge.ts";
import { aTrace } from "../trace-factory.ts";

const scoreOf = (output: string, options?: JsonCheckOptions): unknown => {
  const said = jsonCheck(options).check(aTrace({ output }));
  return typeof said === "object" ? said.score : said;
};
const fenced = (language: string, code: string, fence = "```"): string => `Here it is:\n\n${fence}${language}\n${code}\n${fence}\n\nDone.`;

describe("jsonCheck", () => {
  test.each([
    ["an object", '{"a": [1, 2]}'],
    ["a list", "[1, 2]"],
    ["a block fenced as json", fenced("json", '{"a": 1}')],
    ["a block with a longer fence and more words", fenced('JSON title="x"', '{"a": "```"}', "````")],
    ["a block of tildes", fenced("json", "[]", "~~~")],
    ["a block without a language that is JSON", fenced("", '{"a": 1}')],
    ["a block that was never closed", '```json\n{"a": 1}'],
    ["Windows line ends", '```json\r\n{"a": 1}\r\n```'],
  ])("%s can be read", (_what, output) => {
    expect(scoreOf(output)).toBe(1);
  });

  test.each([
    ["an object that is cut off", '{"a": [1, 2'],
    ["single quotes in a json block", fenced("json", "{'a': 1}")],
    ["a bad block beside a good one", `${fenced("json", "{}")}\n${fenced("json", "{")}`],
  ])("%s can't", (_what, output) => {
    expect(scoreOf(output)).toBe(0);
  });

  // The reference judged every answer whose first block was not JSON a failure: all answers of a coding agent.
  test.each([
    ["Python", fenced("python", "print({1: 2})")],
    ["TypeScript that begins with a brace", fenced("ts", "{ const a = 1; }")],
    ["code without a language", fenced("", "{ const a = 1; }")],
    ["a template in braces", "{{ name }} was here"],
    ["a link in brackets", "[docs](here) say so"],
    ["prose", "The answer is 42."],
    ["a lone number", "42"],
    ["nothing", ""],
  ])("%s is not bad JSON", (_what, output) => {
    expect(scoreOf(output)).toBeUndefined();
    expect(jsonCheck({ required: true }).check(aTrace({ output }))).toEqual({ score: 0, reason: "there is no JSON in the answer" });
  });

  test("its reason stands in the outcome", async () => {
    const [, outcome] = await judge(aTrace({ output: "{'a': 1}" }), [deterministicSignal({ checks: [jsonCheck({ required: true })] })], 1);
    expect(outcome).toMatchObject({ source: "check:json", reasoning: "there is no JSON in the answer" });
  });

  test("visible faults never judge the form of code", async () => {
    for (const output of [fenced("python", "print(1)"), fenced("json", "{"), "{broken"])
      expect((await judge(aTrace({ output }), [deterministicSignal()], 1))[0]?.status).toBe("success");
  });
});
