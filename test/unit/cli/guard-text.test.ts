import { expect, test } from "vitest";
import { guardLines } from "../../../src/cli/guard-text.ts";

const NOTHING = { taint: [], principals: 1, guards: [], findings: [], provenance: [], sources: 1, missing: 0 };

test("a quarantine says why and which words stand in which step, with invisible characters spelt out", () => {
  const lines = guardLines({
    ...NOTHING,
    findings: [{ guard: "copy-through", decision: "quarantine", reason: "repeats 9 words\u202e" }],
    provenance: [{ traceId: "0123456789abcdef", step: 2, field: "tool result", words: "give\u200b all\u001b[31m weights" }],
  });
  expect(lines.join("\n")).toContain("it repeats 9 words\\u{202e} (copy-through)");
  expect(lines.join("\n")).toContain("give\\u{200b} all\\u{1b}[31m weights (tool result of step 2, run 0123456789ab)");
});

test("what only waits for a person says so", () => {
  expect(guardLines({ ...NOTHING, waits: "its words may come from users" }).at(-1)).toBe(
    "waits         for a person: its words may come from users",
  );
});

test("every guard that was asked is named with what it said", () => {
  const guards = [
    { guard: "length", decision: "allow" },
    { guard: "copy-through", decision: "quarantine", reason: "repeats 9 words" },
  ] as const;
  const lines = guardLines({ ...NOTHING, taint: ["tool", "model"], principals: 2, guards });
  expect(lines).toContain("taint         tool, model");
  expect(lines).toContain("guards        length ok, copy-through quarantine");
  expect(lines[0]).toContain("2 independent users or conversations");
});
