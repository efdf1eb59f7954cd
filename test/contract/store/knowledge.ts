import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { GuardRecord } from "../../../src/knowledge/guards/guard-record.ts";
import { appliesTo, type KnowledgeItem, type Scope } from "../../../src/knowledge/knowledge-item.ts";
import type { Lesson } from "../../../src/lesson/lesson.ts";
import type { SqlStore } from "../../../src/store/local-store.ts";
import { aLesson, anOutcome, aTrace, aValidation, changed, hex, T0 } from "./factories.ts";

const SCOPES: readonly { readonly asking: Scope }[] = [
  {},
  { agentName: "biller" },
  { agentName: "other", service: "shop" },
  { service: "desk", model: "m-1" },
  { model: "m-2" },
  { tenant: "north" },
  { tenant: "south", agentName: "biller" },
].map((asking) => ({ asking }));

export function describeKnowledge(store: () => SqlStore): void {
  const propose = async (changes: Partial<Lesson> = {}) => (await store().propose(aLesson(changes), "learner")).item;
  const save = async (item: KnowledgeItem, changes: Partial<KnowledgeItem>) => {
    const [next, entry] = changed(item, changes);
    await store().saveItem(next, entry);
    return next;
  };
  const active = async (lesson: Partial<Lesson>, changes: Partial<KnowledgeItem> = {}) =>
    save(await propose(lesson), { status: "active", ...changes });

  describe("knowledge", () => {
    test("a lesson becomes a candidate with everything it said", async () => {
      const { id, createdAtUs: _, reasoning, ...lesson } = aLesson({ content: "a\0b", taint: ["user", "model"] });
      const { item, created } = await store().propose({ ...lesson, id, reasoning, createdAtUs: T0 }, "learner");
      expect(created).toBe(true);
      expect(item).toMatchObject({ ...lesson, status: "candidate", priority: "normal", version: 1 });
      expect(await store().getKnowledgeItem(item.id)).toEqual(item);
      expect(await store().historyOf(item.id)).toMatchObject([{ version: 1, actor: "learner", action: "propose", reason: reasoning }]);
    });

    test("what the guards said is kept with the item, is no version of it, stays when it changes, and stands in no snapshot", async () => {
      const item = await propose();
      const record: GuardRecord = {
        ...{ contentDigest: "d", taint: ["user"], principals: 2, sources: 3, missing: 1 },
        guards: [{ guard: "length", decision: "allow" }],
        provenance: [{ traceId: "a", field: "task", words: "ä\0b" }],
      };
      await store().saveGuards(item.id, record);
      expect(await store().getKnowledgeItem(item.id)).toEqual({ ...item, guards: record });
      await save(item, { tags: ["seen"] });
      const [listed] = await store().listKnowledge({});
      expect([listed?.guards, listed?.version, listed?.tags]).toEqual([record, 2, ["seen"]]);
      await store().createSnapshot({ id: "s-1", createdAtUs: T0, actor: "cli:ann" });
      expect(JSON.stringify(await store().getSnapshot("s-1"))).not.toContain("principals");
      await expect(store().saveGuards("gone", record)).resolves.toBeUndefined();
    });

    test("a lesson that revises an item names it, with its words of then in the history; one that names nothing stored does not", async () => {
      const old = await propose({ content: "Use pounds.", appliesWhen: "weights" });
      const fresh = await propose({ content: "Use grams.", appliesWhen: "weights", revises: old.id });
      expect((await store().getKnowledgeItem(fresh.id)).revises).toBe(old.id);
      expect((await store().historyOf(fresh.id))[0]?.changes).toEqual({
        revises: [null, old.id],
        content: ["Use pounds.", "Use grams."],
        appliesWhen: ["weights", "weights"],
      });
      expect((await propose({ revises: "gone" })).revises).toBeUndefined();
    });

    test("the same lesson again adds its sources and taint to the item", async () => {
      const lesson = aLesson({ sourceTraceIds: ["a"], taint: ["tool"] });
      const first = await store().propose(lesson, "learner");
      const again = await store().propose(
        { ...aLesson({ fingerprint: lesson.fingerprint, sourceTraceIds: ["b", "a"], taint: ["user"] }) },
        "learner",
      );
      expect(again.created).toBe(false);
      expect(again.item).toMatchObject({ id: first.item.id, sourceTraceIds: ["a", "b"], taint: ["tool", "user"], version: 2 });
      expect((await store().historyOf(first.item.id)).map((entry) => entry.action)).toEqual(["propose", "source"]);
    });

    test("the same lesson from the same source changes nothing", async () => {
      const lesson = aLesson();
      const first = await store().propose(lesson, "learner");
      expect(await store().propose(lesson, "learner")).toEqual({ item: first.item, created: false });
      expect(await store().historyOf(first.item.id)).toHaveLength(1);
    });

    test("an archived item does not take in the lesson: a new candidate is made", async () => {
      const lesson = aLesson();
      const { item } = await store().propose(lesson, "learner");
      await save(item, { status: "archived" });
      const again = await store().propose(lesson, "learner");
      expect(again.created).toBe(true);
      expect(again.item.id).not.toBe(item.id);
    });

    test("proposing one fingerprint from many callers at once makes one item", async () => {
      const fingerprint = hex(32);
      const results = await Promise.all(
        [1, 2, 3, 4, 5].map((n) => store().propose(aLesson({ fingerprint, sourceTraceIds: [`t${n}`] }), "learner")),
      );
      expect(results.filter((result) => result.created)).toHaveLength(1);
      expect((await store().getKnowledgeItem(results[0]?.item.id ?? "")).sourceTraceIds).toHaveLength(5);
    });

    test("saves the next version with its history, and refuses any other version", async () => {
      const item = await propose();
      const next = await save(item, { content: "edited" });
      expect(await store().getKnowledgeItem(item.id)).toEqual(next);
      const [stale, entry] = changed(item, { content: "lost" });
      await expect(store().saveItem(stale, entry)).rejects.toMatchObject({ code: "conflict" });
      const [far, farEntry] = changed({ ...next, version: 7 }, {});
      await expect(store().saveItem(far, farEntry)).rejects.toMatchObject({ code: "conflict" });
      expect((await store().getKnowledgeItem(item.id)).content).toBe("edited");
      expect(await store().historyOf(item.id)).toHaveLength(2);
    });

    test("refuses a history entry that speaks of another version", async () => {
      const item = await propose();
      const [next, entry] = changed(item, {});
      await expect(store().saveItem(next, { ...entry, version: 9 })).rejects.toMatchObject({ code: "invalid" });
      expect((await store().getKnowledgeItem(item.id)).version).toBe(1);
    });

    test("finds by prefix; refuses unknown and ambiguous ones", async () => {
      const stem = `x${hex(10)}`;
      const [first, second] = [await propose({ id: `${stem}-1` }), await propose({ id: `${stem}-2` })];
      expect((await store().getKnowledgeItem(`${stem}-1`)).id).toBe(first.id);
      await expect(store().getKnowledgeItem(stem)).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining(second.id) });
      await expect(store().getKnowledgeItem(`${stem}-3`)).rejects.toMatchObject({ code: "not-found" });
    });

    test("lists pinned before normal, newest first, by status, with a limit", async () => {
      const before = await save(await propose(), { priority: "pinned", status: "deprecated", createdAtUs: 1 });
      const older = await save(await propose(), { status: "deprecated", createdAtUs: 2 });
      const newer = await save(await propose(), { status: "deprecated", createdAtUs: 3 });
      const ids = (await store().listKnowledge({ status: "deprecated" })).map((item) => item.id);
      expect(ids).toEqual([before.id, newer.id, older.id]);
      expect(await store().listKnowledge({ status: "deprecated", limit: 1 })).toHaveLength(1);
      expect((await store().listKnowledge({})).length).toBeGreaterThanOrEqual(3);
    });

    test("keeps certificates as they were, oldest first, of one item or of all", async () => {
      const item = await propose();
      const second = aValidation(item.id, { createdAtUs: T0 + 2, decision: "refuse" });
      const first = aValidation(item.id, { createdAtUs: T0 + 1 });
      await store().saveValidation(second);
      await store().saveValidation(first);
      await store().saveValidation({ ...first, decision: "refuse" });
      expect(await store().validations(item.id)).toEqual([first, second]);
      expect((await store().validations()).map((validation) => validation.id)).toEqual(expect.arrayContaining([first.id, second.id]));
    });

    test("an item carries the certificate it was saved with, and loses it when it is saved without", async () => {
      const item = await propose();
      const validation = aValidation(item.id);
      const passed = await save(item, { status: "active", validation });
      expect((await store().getKnowledgeItem(item.id)).validation).toEqual(validation);
      expect(await store().validations(item.id)).toEqual([validation]);
      const { validation: _, ...edited } = passed;
      await save(edited, { content: "untested words" });
      expect(await store().getKnowledgeItem(item.id)).not.toHaveProperty("validation");
    });

    test("counts given and withheld runs that somebody judged, by the outcome that counts", async () => {
      const item = await propose();
      const run = async (given: boolean, ...outcomes: [string, boolean][]) => {
        const ids = { given: given ? [item.id] : [], withheld: given ? [] : [item.id] };
        const trace = aTrace({ exposure: { ...ids, withholdProbability: 0.2 } });
        const judged = outcomes.map(([source, success]) =>
          anOutcome(trace.id, { source, status: success ? "success" : "failure", score: success ? 1 : 0 }),
        );
        await store().saveManyAssembled([{ traceId: trace.traceId, traces: [trace], outcomes: judged, seenArrivalUs: T0 }]);
      };
      await run(true, ["deterministic", true]);
      await run(true, ["deterministic", true], ["feedback:user", false]);
      await run(true);
      await run(false, ["deterministic", false]);
      await run(false, ["check:x", true]);
      expect((await store().getKnowledgeItem(item.id)).counts).toEqual({ given: 2, givenSuccess: 1, withheld: 2, withheldSuccess: 1 });
    });

    test("a removed item is gone with history, certificates and index, and may be removed twice", async () => {
      const word = `w${hex(16)}`;
      const item = await active({ content: word });
      await store().saveValidation(aValidation(item.id));
      await store().removeItem(item.id);
      await store().removeItem(item.id);
      await expect(store().getKnowledgeItem(item.id)).rejects.toMatchObject({ code: "not-found" });
      expect(await store().historyOf(item.id)).toEqual([]);
      expect(await store().validations(item.id)).toEqual([]);
      expect(await store().searchKnowledge(word, 10, {})).toEqual([]);
    });
  });

  describe("knowledge search", () => {
    test("ranks active normal items over content and applies-when", async () => {
      const word = `w${hex(16)}`;
      const weak = await active({ content: `some rule of ten words that names ${word} only once here` });
      const strong = await active({ content: word, appliesWhen: word });
      await propose({ content: word });
      await active({ content: word }, { priority: "pinned" });
      expect((await store().searchKnowledge(`please ${word} now`, 10, {})).map((item) => item.id)).toEqual([strong.id, weak.id]);
      expect(await store().searchKnowledge(word, 1, {})).toHaveLength(1);
    });

    test("gives an item of one agent to that agent only", async () => {
      const word = `w${hex(16)}`;
      const common = await active({ content: word });
      const scoped = await active({ content: word }, { agentName: "biller" });
      const ids = async (asking: Scope) => (await store().searchKnowledge(word, 10, asking)).map((item) => item.id).sort();
      expect(await ids({ agentName: "biller" })).toEqual([common.id, scoped.id].sort());
      expect(await ids({ agentName: "other" })).toEqual([common.id]);
      expect(await ids({})).toEqual([common.id, scoped.id].sort());
    });

    test.each(SCOPES)("chooses by $asking as appliesTo does", async ({ asking }) => {
      const word = `w${hex(16)}`;
      const items = await Promise.all(SCOPES.map(({ asking: scope }) => active({ content: word }, scope)));
      const found = (await store().searchKnowledge(word, 50, asking)).map((item) => item.id).sort();
      expect(found).toEqual(items.flatMap((item) => (appliesTo(item, asking) ? [item.id] : [])).sort());
    });

    test("lists what a statistical test proved for an agent, most wins first", async () => {
      const agentName = `agent-${hex(8)}`;
      const proof = (wins: number) => aValidation("any", { wins });
      const weak = await active({}, { agentName, validation: proof(9) });
      const strong = await active({}, { agentName, validation: proof(20) });
      await active({}, { agentName, validation: aValidation("any", { kind: "human" }) });
      await active({}, { agentName, priority: "pinned", validation: proof(30) });
      await active({}, { validation: proof(40) });
      expect((await store().provenItems({ agentName }, 5)).map((item) => item.id)).toEqual([strong.id, weak.id]);
      expect(await store().provenItems({ agentName }, 1)).toHaveLength(1);
    });

    test("what does not apply to who asks takes no place among the proven and the active", async () => {
      const agentName = `agent-${hex(8)}`;
      const proven = (wins: number, scope: Partial<KnowledgeItem>) =>
        active({}, { agentName, validation: aValidation("any", { wins }), ...scope });
      const north = await proven(20, { tenant: "north" });
      const small = await proven(15, { model: `small-${agentName}` });
      const everywhere = await proven(9, {});
      const ids = async (asking: Scope): Promise<readonly string[]> =>
        (await store().provenItems({ agentName, ...asking }, 1)).map(({ id }) => id);
      expect(await ids({ model: "large" })).toEqual([everywhere.id]);
      expect(await ids({})).toEqual([small.id]);
      expect(await ids({ tenant: "north" })).toEqual([north.id]);
      expect(await store().provenItems({ tenant: "north" }, 5)).toEqual([]);
      const asking = { agentName, service: agentName, model: "large" };
      const all = (await store().activeItems(100_000)).filter((item) => appliesTo(item, asking)).map(({ id }) => id);
      expect((await store().activeItems(all.length, asking)).map(({ id }) => id)).toEqual(all);
      expect(all).toContain(everywhere.id);
    });

    test("gives active pinned items, oldest first, of this agent", async () => {
      const agentName = `agent-${hex(8)}`;
      const newer = await active({}, { priority: "pinned", agentName, createdAtUs: 20 });
      const older = await active({}, { priority: "pinned", agentName, createdAtUs: 10 });
      await save(await propose(), { priority: "pinned", agentName, status: "validated" });
      const mine = (await store().pinnedItems({ agentName })).filter((item) => item.agentName === agentName);
      expect(mine.map((item) => item.id)).toEqual([older.id, newer.id]);
      expect((await store().pinnedItems({ agentName: "other" })).filter((item) => item.agentName === agentName)).toEqual([]);
    });

    test("stop words alone find nothing", async () => {
      await active({ content: "what is this and that" });
      expect(await store().searchKnowledge("what is this", 10, {})).toEqual([]);
    });

    test("takes any text as words: 2,000 random strings, none is an error", async () => {
      const syntax = fc.constantFrom(
        '"',
        "*",
        "(",
        ")",
        "AND",
        "OR",
        "NOT",
        "NEAR(",
        "content:",
        "^",
        "-",
        "+",
        "{",
        "\0",
        "'",
        ";",
        "ß",
        "日本",
        "\u0301",
        " a ",
      );
      const hostile = fc.oneof(
        fc.string({ unit: "binary" }),
        fc.array(fc.oneof(syntax, fc.string()), { maxLength: 60 }).map((parts) => parts.join("")),
      );
      await fc.assert(
        fc.asyncProperty(hostile, async (text) => {
          expect(Array.isArray(await store().searchKnowledge(text, 3, {}))).toBe(true);
        }),
        { numRuns: 2_000 },
      );
    });
  });
}
