import { expect, test } from "vitest";
import { demoText } from "../../../src/cli/demo.ts";

const evidence = { reason: "16 wins and 0 losses", wins: 16, losses: 0, eValue: 7710, threshold: 164, broke: [] };
const item = (id: string, more: Partial<Parameters<typeof demoText>[0]["items"][number]>) =>
  ({
    id,
    type: "skill",
    content: `rule of ${id}`,
    status: "validated",
    verdict: "passed",
    sourceTraceIds: ["t1"],
    analyzer: "recovery",
    next: "",
    ...evidence,
    ...more,
  }) as const;

const page = demoText({
  model: "loopback-sql",
  tasks: 31,
  before: { passed: 19, accuracy: 19 / 31, failedTasks: [] },
  after: { passed: 31, accuracy: 1, failedTasks: [] },
  items: [
    item("11111111", { status: "active" }),
    item("22222222", { verdict: "held", heldBy: { itemId: "11111111-more", reason: "they demand opposites" } }),
    item("33333333", { status: "archived", verdict: "refused" }),
    item("44444444", { status: "candidate", verdict: "undecided" }),
    item("55555555", { next: "it passed, but a guard objects; `agentlearn knowledge approve 55555555`" }),
  ],
  plantedRefused: true,
  store: "file:demo.db",
  durationMs: 5_000,
});

const lineOf = (id: string): string => page.split("\n").find((line) => line.endsWith(id)) ?? "";

// The demo showed a lesson that won 16 of 16 as REFUSED, because another active item contradicted it.
test("a passed item that contradicts an active one is shown as held, with whom and what to type", () => {
  expect(lineOf("22222222")).toBe("HELD     [SKILL] 22222222");
  expect(page).toContain("held: contradicts 11111111 (they demand opposites)");
  expect(page).toContain("npx agentlearn knowledge conflicts --store file:demo.db");
});

test("refused is only what failed its test", () => {
  expect([lineOf("11111111"), lineOf("33333333"), lineOf("44444444")]).toEqual([
    "LEARNED  [SKILL] 11111111",
    "REFUSED  [SKILL] 33333333",
    "UNDECIDED  [SKILL] 44444444",
  ]);
});

test("what passed and a guard wants a person to look at waits, and says for what", () => {
  expect(lineOf("55555555")).toBe("WAITS FOR YOU  [SKILL] 55555555");
  expect(page).toContain("next      it passed, but a guard objects; `agentlearn knowledge approve 55555555`");
});
