import { describe, expect, test } from "vitest";
import type { KnowledgeItem } from "../../../src/knowledge/knowledge-item.ts";
import { endTrial, startTrial } from "../../../src/knowledge/online-trial.ts";
import type { SqlStore } from "../../../src/store/local-store.ts";
import { anOnlineSetting } from "../../support/an-online-setting.ts";
import { aLesson, hex, T0 } from "./factories.ts";

export function describeTrials(store: () => SqlStore): void {
  const begin = async (maxRuns: number): Promise<{ readonly item: KnowledgeItem; readonly seed: string }> => {
    const { item } = await store().propose(aLesson(), "learner");
    const stream = { alpha: 0.05, position: 1, passedBefore: 0, minimumGain: 0.05 };
    const seed = `trial-${hex(16)}`;
    const start = { ...stream, setting: anOnlineSetting({ maxRuns, share: 0.2 }), excluded: [], noteId: seed };
    const begun = startTrial(item, { actor: "learner", atUs: T0 }, start);
    await store().saveItem(begun.item, begun.entry);
    return { item: begun.item, seed };
  };

  describe("answers that may hold an item on trial", () => {
    test("are handed out until there are none", async () => {
      const { seed } = await begin(5);
      expect(await store().trialRunsTaken(seed)).toEqual({ taken: 0 });
      expect([await store().takeTrialRuns(seed, 3), await store().takeTrialRuns(seed, 3), await store().takeTrialRuns(seed, 3)]).toEqual([
        3, 2, 0,
      ]);
      expect(await store().trialRunsTaken(seed)).toEqual({ taken: 5, lastAtUs: expect.any(Number) });
    });

    test("are no more than there are, however many ask at once", async () => {
      const { seed } = await begin(20);
      const granted = await Promise.all(Array.from({ length: 30 }, () => store().takeTrialRuns(seed, 2)));
      expect(granted.reduce((sum, one) => sum + one, 0)).toBe(20);
    });

    test("are none of a trial that nobody began, or that ended", async () => {
      const { item, seed } = await begin(5);
      const ended = endTrial(item, { actor: "cli:ada", atUs: T0, reason: "enough" });
      await store().saveItem(ended.item, ended.entry);
      expect([await store().takeTrialRuns(seed, 1), await store().takeTrialRuns("no trial", 1)]).toEqual([0, 0]);
    });

    test.each([0, -1, 1.5, Number.NaN])("are not taken %s at a time", async (count) => {
      const { seed } = await begin(5);
      await expect(store().takeTrialRuns(seed, count)).rejects.toMatchObject({ code: "invalid" });
    });
  });

  describe("the sequence of changes", () => {
    test("tells of an item on trial beside the active ones, and that its trial ended", async () => {
      const { item, seed } = await begin(5);
      const ofItem = async () => (await everyChange()).find(({ id }) => id === item.id);
      const { content, appliesWhen, validation } = item;
      expect(await ofItem()).toMatchObject({
        trial: { status: "candidate", content, appliesWhen, validation: { kind: "online", itemId: item.id, online: { seed, share: 0.2 } } },
      });
      expect((await ofItem())?.trial?.validation?.contentDigest).toBe(validation?.contentDigest);
      expect(await ofItem()).not.toHaveProperty("item");
      const ended = endTrial(item, { actor: "cli:ada", atUs: T0, reason: "enough" });
      await store().saveItem(ended.item, ended.entry);
      expect(Object.keys((await ofItem()) ?? {}).sort()).toEqual(["id", "seq"]);
    });
  });

  describe("the stream of tests", () => {
    test("counts a trial from its start on, once", async () => {
      const before = await store().testStream();
      const { item } = await begin(5);
      const note = item.validation;
      if (note?.online === undefined) throw new Error("no note");
      await store().saveValidation({ ...note, id: `certificate-${note.id}`, decision: "pass", online: { ...note.online, endedAtUs: T0 } });
      const after = await store().testStream();
      expect([after.tests - before.tests, after.passed - before.passed]).toEqual([1, 1]);
    });
  });

  async function everyChange() {
    const changes = [];
    for (let [since, more] = [0, true]; more; ) {
      const page = await store().knowledgeChanges(since, 1_000);
      changes.push(...page.changes);
      since = page.seq;
      more = page.more;
    }
    return changes;
  }
}
