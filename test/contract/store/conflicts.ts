import { describe, expect, test } from "vitest";
import { type Conflict, conflictBetween, conflictOf } from "../../../src/knowledge/conflict.ts";
import type { KnowledgeItem } from "../../../src/knowledge/knowledge-item.ts";
import type { Lesson } from "../../../src/lesson/lesson.ts";
import type { SqlStore } from "../../../src/store/local-store.ts";
import { aLesson, anOutcome, aTrace, changed, hex, T0 } from "./factories.ts";

/** A word of letters for a number. */
const word = (index: number): string => `box${[...String(index)].map((digit) => "abcdefghij"[Number(digit)]).join("")}`;

export function describeConflicts(store: () => SqlStore): void {
  // Other tests of the suite leave items in the same store; a scope of its own keeps theirs away.
  const propose = async (content: string, lesson: Partial<Lesson> = {}) =>
    (await store().propose(aLesson({ content, appliesWhen: "sorting the shelf", ...lesson }), "learner")).item;
  const save = async (item: KnowledgeItem, changes: Partial<KnowledgeItem>) => {
    const [next, entry] = changed(item, changes);
    await store().saveItem(next, entry);
    return next;
  };
  const rivals = async (agentName = hex(8)) => {
    const up = await propose("Sort the shelf in ascending order.", { agentName });
    const down = await propose("Sort the shelf in descending order.", { agentName });
    return { up, down };
  };
  const found = (a: KnowledgeItem, b: KnowledgeItem): Conflict => conflictBetween(a, b, T0) as Conflict;

  describe("conflicts", () => {
    test("an item cannot be saved as active beside an active one that contradicts it", async () => {
      const { up, down } = await rivals();
      await save(up, { status: "active" });
      await expect(save(down, { status: "active" })).rejects.toMatchObject({
        code: "conflict",
        message: expect.stringContaining(up.id.slice(0, 8)),
        hint: expect.stringContaining("agentlearn knowledge resolve"),
      });
      expect((await store().getKnowledgeItem(down.id)).status).toBe("candidate");
      expect(await store().historyOf(down.id)).toHaveLength(1);
    });

    test("says what keeps an item from being active, and writes nothing by it", async () => {
      const { up, down } = await rivals();
      expect(await store().conflictsOf(down)).toEqual([]);
      await save(up, { status: "active" });
      expect(await store().conflictsOf(down)).toMatchObject([{ kind: "contradiction", rule: "opposite" }]);
      expect(await store().listConflicts(down.id)).toEqual([]);
    });

    test("two that a person lets stand may both be active, until one of them says something else", async () => {
      const { up, down } = await rivals();
      const resolution = { outcome: "both", reason: "two shelves", actor: "cli:ann", atUs: T0 } as const;
      await store().saveConflicts([{ ...found(up, down), resolution }]);
      await save(up, { status: "active" });
      const active = await save(down, { status: "active" });
      expect(await store().listConflicts(up.id)).toMatchObject([{ resolution }]);
      await expect(save(active, { content: "Sort the whole shelf in descending order." })).rejects.toMatchObject({ code: "conflict" });
    });

    test("a stored finding keeps an item out that the rules let pass", async () => {
      const agentName = hex(8);
      const first = await save(await propose("Books stand by author.", { agentName }), { status: "active" });
      const second = await propose("The colour of the back decides where a book goes.", { agentName });
      const [one, two] = first.id < second.id ? [first, second] : [second, first];
      const clash = { kind: "contradiction", rule: "judge", first: "by author", second: "colour", reason: "two orders" } as const;
      await store().saveConflicts([conflictOf(one, two, clash, T0)]);
      await expect(save(second, { status: "active" })).rejects.toMatchObject({
        code: "conflict",
        message: expect.stringContaining("two orders"),
      });
    });

    // An older version took "the column is grid, not grid_position" for a contradiction of every other column, and stored it.
    test("what the rules once found, and find no longer, keeps nothing out", async () => {
      const agentName = hex(8);
      const first = await save(await propose("The column is grid, not grid_position.", { agentName }), { status: "active" });
      const second = await propose("The column is driver_name, not driver.", { agentName });
      const [one, two] = first.id < second.id ? [first, second] : [second, first];
      const clash = {
        kind: "contradiction",
        rule: "constant",
        first: "grid",
        second: "driver",
        reason: "they name different values",
      } as const;
      await store().saveConflicts([conflictOf(one, two, clash, T0)]);
      expect(await store().conflictsOf(second)).toEqual([]);
      expect((await save(second, { status: "active" })).status).toBe("active");
    });

    test("an item that is active already may be pinned although another contradicts it", async () => {
      const { up, down } = await rivals();
      const resolution = { outcome: "both", reason: "two shelves", actor: "cli:ann", atUs: T0 } as const;
      await store().saveConflicts([{ ...found(up, down), resolution }]);
      await save(up, { status: "active" });
      const active = await save(down, { status: "active" });
      await store().saveConflicts([{ ...found(up, down), resolution: { ...resolution, outcome: "keep", keep: up.id } }]);
      expect((await save(active, { priority: "pinned" })).priority).toBe("pinned");
    });

    test("items of different agents never meet", async () => {
      const [one, other] = [await rivals(), await rivals()];
      await save(one.up, { status: "active" });
      expect((await save(other.down, { status: "active" })).status).toBe("active");
    });

    test("a finding does not undo a settlement of the same texts", async () => {
      const { up, down } = await rivals();
      const conflict = found(up, down);
      const resolution = { outcome: "both", reason: "two shelves", actor: "cli:ann", atUs: T0 } as const;
      await store().saveConflicts([{ ...conflict, resolution }]);
      await store().saveConflicts([{ ...conflict, foundAtUs: T0 + 5 }]);
      expect(await store().listConflicts(up.id)).toEqual([{ ...conflict, resolution }]);
    });

    test("refuses a pair that is not ordered", async () => {
      const { up, down } = await rivals();
      const conflict = found(up, down);
      await expect(store().saveConflicts([{ ...conflict, firstId: conflict.secondId, secondId: conflict.firstId }])).rejects.toMatchObject({
        code: "invalid",
      });
    });

    test("a removed item takes its conflicts with it", async () => {
      const { up, down } = await rivals();
      await store().saveConflicts([found(up, down)]);
      await store().removeItem(up.id);
      expect(await store().listConflicts(down.id)).toEqual([]);
    });

    test("of two that become active at once only one does", async () => {
      const { up, down } = await rivals();
      const results = await Promise.allSettled([save(up, { status: "active" }), save(down, { status: "active" })]);
      expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    });

    test("tells how often and when an item was given, how judged runs ended, and which of its sources are stored", async () => {
      const [stored, gone] = [hex(32), hex(32)];
      const source = aTrace({ id: stored, startTimeUs: T0 - 7 });
      const item = await propose("Sort by size.", { agentName: hex(8), sourceTraceIds: [stored, gone] });
      const runs = ["success", "failure", undefined].map((status, index) => {
        const exposure = { given: [item.id], withheld: [], withholdProbability: 0.2 };
        return { status, trace: aTrace({ exposure, startTimeUs: T0 + index }) };
      });
      await store().saveManyAssembled([{ traceId: source.traceId, traces: [source], outcomes: [], seenArrivalUs: T0 }]);
      for (const { status, trace } of runs) {
        const outcomes = status === undefined ? [] : [anOutcome(trace.id, { status: status as "success" | "failure" })];
        await store().saveManyAssembled([{ traceId: trace.traceId, traces: [trace], outcomes, seenArrivalUs: T0 }]);
      }
      const judged = [
        { atUs: T0, success: true },
        { atUs: T0 + 1, success: false },
      ];
      const usage = { itemId: item.id, runsGiven: 3, lastGivenAtUs: T0 + 2, sources: 2, sourcesStored: 1, lastSourceAtUs: T0 - 7 };
      expect(await store().usageOf([item.id, "unknown"], 10)).toEqual([{ ...usage, judged }]);
      expect(await store().usageOf([item.id], 1)).toEqual([{ ...usage, judged: judged.slice(1) }]);
    });

    test("among many active items the one that contradicts is found", async () => {
      const agentName = hex(8);
      const { up, down } = await rivals(agentName);
      await save(up, { status: "active" });
      for (let index = 0; index < 220; index += 1)
        await save(await propose(`Pack ${word(index)} with care.`, { agentName, appliesWhen: `packing ${word(index)}` }), {
          status: "active",
        });
      await expect(save(down, { status: "active" })).rejects.toMatchObject({ code: "conflict" });
    }, 60_000);
  });
}
