import { describe, expect, test } from "vitest";
import { readCertificates } from "../../../src/knowledge/certificate.ts";
import type { Validation } from "../../../src/knowledge/knowledge-item.ts";
import { recheck } from "../../../src/knowledge/recheck.ts";
import { validate } from "../../../src/knowledge/validate.ts";
import { wearOf } from "../../../src/knowledge/wear.ts";
import { anItem, NOW_US } from "../../support/an-item.ts";

const ITEM = anItem();

async function certificate(id = "v-1", itemId = ITEM.id): Promise<Validation> {
  return validate({
    item: { ...ITEM, id: itemId },
    cases: Array.from({ length: 12 }, (_, index) => ({
      id: `c-${index}`,
      task: `t ${index}`,
      mustPass: false,
      score: (output: string) => Number(output === "right"),
    })),
    runner: (_task, knowledge) => (knowledge === "" ? "wrong" : "right"),
    context: "",
    renderWith: (item) => item.content,
    position: 1,
    passedBefore: 0,
    nowUs: NOW_US,
    id,
    actor: "learner",
    runnerName: "biller",
    packageVersion: "1.2.3",
  });
}

describe("a certificate in a file", () => {
  test.each([
    ["alone", (one: Validation): unknown => one],
    ["in a list", (one: Validation) => [one]],
    ["as knowledge show prints it", (one: Validation) => ({ item: { ...ITEM, validation: one }, validations: [one] })],
    ["as knowledge export prints it", (one: Validation) => ({ items: [{ ...ITEM, certificates: [one] }] })],
  ])("is found %s, with all it needs to be recomputed", async (_where, wrap) => {
    const one = await certificate();
    const [read, ...more] = readCertificates(JSON.stringify(wrap(one)), "f.json");
    expect([read, more]).toEqual([one, []]);
    expect(recheck(read as Validation)).toEqual({ ok: true, problems: [] });
    expect(read).toMatchObject({ runner: "biller", packageVersion: "1.2.3", seed: "v-1", rule: 2, agentRuns: 24 });
  });

  test.each([
    ["no JSON", "{", "f.json is not JSON"],
    ["nothing of the kind", '{"a": 1}', "f.json holds no certificate"],
    ["an empty list", "[]", "f.json holds no certificate"],
    ["pairs that are none", '{"pairs": 3}', "certificate 1: id is not a text"],
  ])("is refused with %s", (_what, text, message) => {
    expect(() => readCertificates(text, "f.json")).toThrow(message);
  });

  test.each([
    ["eValue", "1e9", "eValue is not a number"],
    ["kind", "trust me", 'kind is "trust me"'],
    ["pairs", [null], "pair 1: it is not an object"],
    ["pairs", [{ caseId: "a", baselineScore: "1", candidateScore: 1, replicates: 0 }], "a score or the number"],
    [
      "pairs",
      [{ caseId: "a", baselineScore: 0, candidateScore: 1, replicates: 0, confirmedRegression: false, laterScores: [[1]] }],
      "not pairs",
    ],
  ])("is refused with %s of the wrong shape", async (key, value, message) => {
    const text = JSON.stringify({ ...(await certificate()), [key]: value });
    expect(() => readCertificates(text, "f.json")).toThrow(message);
  });
});

describe("wear", () => {
  test("counts the tests in which a case decided, and those of an item that was tested before", async () => {
    const tests = [await certificate("a"), await certificate("b"), await certificate("c", "other")];
    const wear = wearOf([...tests, { ...(tests[0] as Validation), decision: "inconclusive" }], 12);
    expect(wear.get("c-0")).toEqual({ decided: 3, again: 1, runs: 6, lastUsedAtUs: NOW_US, worn: false });
    expect(wear.size).toBe(12);
  });

  test("calls a case worn when it decided more often than there are cases", async () => {
    const one = await certificate();
    const wornAfter = (tests: number, cases: number) =>
      wearOf(
        Array.from({ length: tests }, () => one),
        cases,
      ).get("c-3")?.worn;
    expect([wornAfter(20, 12), wornAfter(21, 12), wornAfter(21, 40), wornAfter(41, 40)]).toEqual([false, true, false, true]);
  });
});
