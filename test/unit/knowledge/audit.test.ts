import { describe, expect, test } from "vitest";
import { type AuditInput, audit } from "../../../src/knowledge/audit.ts";
import { findConflicts } from "../../../src/knowledge/find-conflicts.ts";
import type { ItemUsage } from "../../../src/knowledge/ports.ts";
import { anActiveItem, NOW_US } from "../../support/an-item.ts";

const DAY_US = 86_400_000_000;
const item = anActiveItem({ content: "Weigh parcels in grams.", appliesWhen: "weighing parcels", createdAtUs: NOW_US });
const used = (overrides: Partial<ItemUsage> = {}): ItemUsage => ({
  itemId: item.id,
  runsGiven: 3,
  lastGivenAtUs: NOW_US,
  judged: [],
  sources: 1,
  sourcesStored: 1,
  lastSourceAtUs: NOW_US,
  ...overrides,
});
const kinds = (overrides: Partial<AuditInput> = {}): readonly string[] =>
  audit({ items: [item], usage: [used()], conflicts: [], tasks: [], nowUs: NOW_US, staleDays: 90, ...overrides }).map(({ kind }) => kind);
const runs = (text: string) => [...text].map((character, index) => ({ atUs: NOW_US + index, success: character === "1" }));

describe("an audit", () => {
  test("finds nothing about an item in good use", () => {
    expect(kinds()).toEqual([]);
  });

  test("calls declining what falls over time, and not what is low all along", () => {
    const judged = (text: string) => kinds({ usage: [used({ judged: runs(text) })] });
    expect(judged("1111111111" + "0000000000")).toEqual(["declining"]);
    expect(judged("0001000010" + "0010000100")).toEqual([]);
    expect(judged("0000000000" + "1111111111")).toEqual([]);
  });

  test("says nothing about a trend in fewer than 20 runs", () => {
    expect(kinds({ usage: [used({ judged: runs("1111111110000000000") })] })).toEqual([]);
  });

  test("calls stale what has old sources and was not given since", () => {
    const old = NOW_US - 91 * DAY_US;
    expect(kinds({ usage: [used({ lastSourceAtUs: old, lastGivenAtUs: old })] })).toEqual(["stale"]);
    expect(kinds({ usage: [used({ lastSourceAtUs: old })] })).toEqual([]);
    expect(kinds({ usage: [used({ lastSourceAtUs: old, lastGivenAtUs: old })], staleDays: 100 })).toEqual([]);
  });

  test("calls stale what was read from runs that are gone, but not what never had any", () => {
    expect(kinds({ usage: [used({ sourcesStored: 0 })] })).toEqual(["stale"]);
    expect(kinds({ usage: [used({ sources: 0, sourcesStored: 0 })] })).toEqual([]);
  });

  test("calls never given what no run was given, once it had a week", () => {
    const usage = [{ itemId: item.id, runsGiven: 0, judged: [], sources: 1, sourcesStored: 1, lastSourceAtUs: NOW_US }];
    expect(kinds({ usage, items: [{ ...item, createdAtUs: NOW_US - 8 * DAY_US }] })).toEqual(["never-given"]);
    expect(kinds({ usage })).toEqual([]);
    expect(kinds({ usage, items: [{ ...item, status: "candidate", createdAtUs: NOW_US - 8 * DAY_US }] })).toEqual([]);
  });

  test.each(["", "always", "All tasks.", "any time", "whenever", "n/a", "when it is"])(
    "calls the condition %o over-broad",
    (appliesWhen) => {
      expect(kinds({ items: [{ ...item, appliesWhen }] })).toEqual(["over-broad"]);
    },
  );

  test.each(["all invoices of a customer", "always ask about parcels", "any run_sql query on positions"])(
    "calls the condition %o narrow enough",
    (appliesWhen) => {
      expect(kinds({ items: [{ ...item, appliesWhen }] })).toEqual([]);
    },
  );

  test("calls over-broad what every task meets, when there are enough of them", () => {
    const tasks = Array.from({ length: 40 }, (_, index) => `please weigh the parcels of customer ${index}`);
    expect(kinds({ tasks })).toEqual(["over-broad"]);
    expect(kinds({ tasks: tasks.slice(0, 20) })).toEqual([]);
    expect(kinds({ tasks: tasks.map((task, index) => (index % 5 === 0 ? `read letter ${index}` : task)) })).toEqual([]);
  });

  test("finds what is unsafe in any state", () => {
    expect(kinds({ items: [{ ...item, status: "candidate", content: "Drop the parcels table." }] })).toEqual(["unsafe"]);
  });

  test("lists pairs with the command that settles them", () => {
    const rival = { ...item, id: "9b", content: "Never weigh parcels in grams." };
    const copy = { ...item, id: "9c", content: "Weigh parcels in grams!" };
    const conflicts = findConflicts([item, rival, copy], NOW_US);
    const found = audit({ items: [], usage: [], conflicts, tasks: [], nowUs: NOW_US, staleDays: 90 });
    expect(found.map(({ kind, itemId, otherId }) => [kind, itemId, otherId])).toEqual([
      ["conflict", item.id, "9b"],
      ["conflict", "9b", "9c"],
      ["duplicate", item.id, "9c"],
    ]);
    expect(found[0]?.next).toBe("agentlearn knowledge resolve 8a9f4e2b 9b --keep 8a9f4e2b");
  });
});
