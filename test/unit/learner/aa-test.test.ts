import { describe, expect, test } from "vitest";
import type { ValidationCase } from "../../../src/knowledge/ports.ts";
import { type AaTestOptions, aaTest, mostAgentRuns } from "../../../src/learner/aa-test.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const CASES: readonly ValidationCase[] = Array.from({ length: 20 }, (_, index) => ({
  id: `c-${index}`,
  task: `task ${index}`,
  mustPass: false,
  score: (output) => Number(output === "right"),
}));

const aa = (options: Partial<AaTestOptions>) => aaTest({ runner: () => "right", cases: CASES, repetitions: 20, nowUs: 1, ...options });

describe("aa-test", () => {
  test("promotes nothing of a noisy agent beyond what is promised, and says how noisy it is", async () => {
    const random = seededRandom(11);
    let runs = 0;
    const runner = () => {
      runs += 1;
      return random() < 0.5 ? "right" : "wrong";
    };
    const report = await aa({ runner, repetitions: 60 });
    expect(report).toMatchObject({ verdict: "held", repetitions: 60, cases: 20, agentRuns: runs });
    expect(report.wentUp).toBeGreaterThan(10);
    expect(report.flipped).toBeGreaterThan(0.4);
    expect(report.flipped).toBeLessThan(0.6);
    expect(report.agentRuns).toBeLessThanOrEqual(mostAgentRuns({ repetitions: 60, cases: 20 }));
  });

  // The agent fails twenty times, then succeeds twenty times: the baseline of each test fails and the other arm does not, with the same knowledge.
  test("finds an agent whose runs hang together", async () => {
    let runs = 0;
    const runner = () => {
      runs += 1;
      return (runs - 1) % 40 < 20 ? "wrong" : "right";
    };
    const report = await aa({ runner });
    expect(report).toMatchObject({ verdict: "broken", promotions: 20, rate: 1, agentRuns: 800 });
    expect(report.interval.lower).toBeGreaterThan(report.allowed);
  });

  test("says so when no test could begin", async () => {
    const report = await aa({});
    expect(report).toMatchObject({ verdict: "not-begun", promotions: 0, agentRuns: 400 });
    expect(report.reason).toContain("needs at least 7 held-out cases that fail today");
  });

  test("puts the same text on both sides", async () => {
    const seen = new Set<string>();
    const random = seededRandom(2);
    const runner = (_task: string, knowledge: string) => {
      seen.add(knowledge);
      return random() < 0.5 ? "right" : "wrong";
    };
    await aa({ runner, context: "the rules", repetitions: 1 });
    expect([...seen]).toEqual(["the rules"]);
  });

  test("refuses a number of repetitions that is none, and no cases", async () => {
    await expect(aa({ repetitions: 0 })).rejects.toMatchObject({ code: "invalid" });
    await expect(aa({ cases: [] })).rejects.toThrow("there are no eval cases");
  });
});
