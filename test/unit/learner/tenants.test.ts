import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { KnowledgeItem } from "../../../src/knowledge/knowledge-item.ts";
import type { ValidationCase } from "../../../src/knowledge/ports.ts";
import { type LearnOptions, learn } from "../../../src/learner/cycle.ts";
import { createKnowledgeDesk } from "../../../src/learner/knowledge-desk.ts";
import { retire } from "../../../src/learner/retire.ts";
import { createSieve } from "../../../src/learner/sieve.ts";
import { createSurroundings } from "../../../src/learner/surroundings.ts";
import { createBatchAnalyzer } from "../../../src/lesson/batch-analyzer.ts";
import type { Lesson } from "../../../src/lesson/lesson.ts";
import { createLlm } from "../../../src/llm/client.ts";
import type { Store } from "../../../src/store/ports.ts";
import { type LoopbackModel, startLoopbackModel } from "../../../src/testing/loopback-model.ts";
import type { Trace } from "../../../src/trace/trace.ts";
import { anItem } from "../../support/an-item.ts";
import { analystBrain } from "../../support/analyst-brain.ts";
import { aLesson } from "../lesson-factory.ts";
import { aToolStep, aTrace } from "../trace-factory.ts";
import { openTestStore } from "./open-test-store.ts";

let nowUs = 1_800_000_000_000_000;
const clock = { nowUs: () => (nowUs += 1_000) };
let store: Store;
let model: LoopbackModel | undefined;
beforeEach(async () => {
  store = await openTestStore(clock);
});
afterEach(async () => {
  await model?.close();
  model = undefined;
  await store.close();
});

let runs = 0;
async function saveRun(of: Partial<Trace>, status: "success" | "failure" = "failure"): Promise<Trace> {
  runs += 1;
  const id = `${runs.toString(16).padStart(32, "0")}-000000000000000a`;
  const trace = aTrace({ id, startTimeUs: clock.nowUs(), ...of });
  const outcome = { traceId: id, source: "deterministic", status, score: 0, reasoning: "", evidence: [], createdAtUs: 1 } as const;
  await store.saveManyAssembled([{ traceId: trace.traceId, traces: [trace], outcomes: [outcome], seenArrivalUs: 0 }]);
  return trace;
}

const cycle = (more: Partial<LearnOptions> = {}) =>
  learn({
    store,
    clock,
    analyzers: [],
    activation: "approval",
    alpha: 0.05,
    minimumGain: 0.05,
    passScore: 0.7,
    concurrency: 4,
    confirmReplicates: 2,
    ...more,
  });

const asks = (tenant: string, name: string, column: string, error?: string) =>
  saveRun(
    { tenant, task: `when was driver ${name} born`, steps: [aToolStep("run_sql", { query: `SELECT ${column} FROM drivers` }, error)] },
    error === undefined ? "success" : "failure",
  );
const failsAlike = (tenant: string, name: string) => asks(tenant, name, "birth_date", "no such column: birth_date");

describe("the batch analyzer", () => {
  test("counts no other tenant's failures, shows none of them to the model, and learns for one tenant alone", async () => {
    const asked: string[] = [];
    model = await startLoopbackModel({
      brain: (request) => {
        asked.push(JSON.stringify(request));
        return analystBrain(request);
      },
    });
    const analyzers = [createBatchAnalyzer({ llm: createLlm({ model: "loopback", baseUrl: model.url }), clock })];
    // Each knows the right word; the other's would be told to the model as a run that worked.
    await asks("acme", "Radia", "dob");
    await asks("beta", "Leslie", "secret_column");
    await failsAlike("acme", "Ada");
    await failsAlike("acme", "Grace");
    await failsAlike("beta", "Edsger");
    // Three runs failed alike, and no tenant has three.
    expect([(await cycle({ analyzers })).candidatesCreated, asked.length]).toEqual([0, 0]);
    await failsAlike("acme", "Barbara");
    expect((await cycle({ analyzers })).candidatesCreated).toBe(1);
    const [item] = await store.listKnowledge({});
    expect([item?.tenant, item?.sourceTraceIds.length, asked.length]).toEqual(["acme", 3, 1]);
    expect(asked.join(" ")).not.toMatch(/Edsger|Leslie|secret_column/);
  });
});

describe("what is stored", () => {
  test("is shown to an analyzer of one tenant only as far as it is that tenant's or everybody's", async () => {
    const words = { content: "Weigh in grams.", appliesWhen: "weighing parcels" };
    const items = [
      anItem({ ...words, id: "all" }),
      anItem({ ...words, id: "acme", tenant: "acme" }),
      anItem({ ...words, id: "beta", tenant: "beta" }),
    ];
    const task = "weigh the parcels in grams";
    const [acme] = [await saveRun({ task, tenant: "acme" }, "success"), await saveRun({ task, tenant: "beta" }, "success")];
    const near = async (tenant: string | undefined, scope: "narrow" | "open" = "narrow") => {
      const of = createSurroundings(store, items, scope)(tenant);
      return [(await of.itemsNear(task, 5)).map(({ id }) => id).sort(), (await of.successesLike(task, 5)).map(({ trace }) => trace.id)];
    };
    expect(await near("acme")).toEqual([["acme", "all"], [acme.id]]);
    expect(await near(undefined)).toEqual([["all"], []]);
    expect((await near("acme", "open")).map((found) => found.length)).toEqual([3, 2]);
  });

  test.each<[string, Partial<KnowledgeItem>, Partial<Lesson>, boolean]>([
    ["its own item", { tenant: "acme" }, { tenant: "acme" }, true],
    ["an item for everybody", {}, { tenant: "acme" }, false],
    ["an item for everybody, where it is for everybody itself", {}, {}, true],
  ])("may be revised by a lesson of one tenant: %s", (_which, of, lesson, may) => {
    const sifted = createSieve([anItem({ ...of, id: "old", content: "Use pounds." })], [])(aLesson({ ...lesson, revises: "old" }), []);
    expect(sifted).toMatchObject(may ? { revises: "old" } : {});
    expect(typeof sifted === "object" && "revises" in sifted).toBe(may);
  });

  test("in another tenant's words is no sighting of this one's", () => {
    const known = anItem({ tenant: "acme", content: "Weigh in grams.", fingerprint: "known" });
    const sift = (tenant: string) => createSieve([known], [])(aLesson({ tenant, content: "Weigh in grams.", fingerprint: "new" }), []);
    expect([sift("acme"), sift("beta")]).toMatchObject([{ fingerprint: "known" }, { fingerprint: "new" }]);
  });
});

// Whoever opens the page is given what stands in it, whomever he works for.
describe("a file that agents load", () => {
  test("holds no tenant's items, but those of the one that is asked for", async () => {
    const folder = mkdtempSync(join(tmpdir(), "agentlearn-tenant-files-"));
    const desk = createKnowledgeDesk({ store, clock, actor: "cli:test" });
    for (const tenant of ["acme", "beta", undefined]) {
      const lesson = aLesson({ id: `${tenant}`, content: `Print the ${tenant} label.`, fingerprint: `${tenant}`, taint: [] });
      await store.propose({ ...lesson, ...(tenant === undefined ? {} : { tenant }) }, "learner");
      await desk.approve(`${tenant}`, { reason: "read it" });
    }
    const page = join(folder, "AGENTS.md");
    const named = async (filter: { readonly tenant?: string }) => {
      await desk.exportSection(page, { filter });
      const { written } = await desk.exportSkills(join(folder, `${filter.tenant}`), { filter });
      return [readFileSync(page, "utf8").match(/Print the \w+ label/g), written.length];
    };
    expect([await named({}), await named({ tenant: "acme" })]).toEqual([
      [["Print the undefined label"], 1],
      [["Print the acme label"], 1],
    ]);
    expect((await desk.export()).items).toHaveLength(3);
    rmSync(folder, { recursive: true, force: true });
  });
});

describe("a test", () => {
  const casesOf = (tenant: string | undefined, count: number): readonly ValidationCase[] =>
    Array.from({ length: count }, (_, index) => {
      const task = `weigh parcel ${index}${tenant === undefined ? "" : ` of ${tenant}`}`;
      const score = (output: string): number => Number(output === "g");
      return { id: task, task, mustPass: false, ...(tenant === undefined ? {} : { tenant, safety: true }), score };
    });

  test("holds no words and asks no cases of another tenant, and its safety cases neither", async () => {
    const source = await saveRun({ task: "something else" });
    const add = async (content: string, tenant?: string) =>
      (
        await store.propose(
          aLesson({
            id: content,
            content,
            fingerprint: content,
            sourceTraceIds: [source.id],
            taint: [],
            ...(tenant === undefined ? {} : { tenant }),
          }),
          "learner",
        )
      ).item.id;
    const desk = createKnowledgeDesk({ store, clock, actor: "cli:test" });
    for (const tenant of ["acme", "beta", undefined])
      await desk.approve(await add(`Print the ${tenant ?? "common"} label.`, tenant), { reason: "tried" });
    await add("Weigh in grams.", "acme");
    const seen: (readonly [string, string])[] = [];
    const runner = (task: string, knowledge: string): string => {
      seen.push([task, knowledge]);
      return knowledge.includes("grams") ? "g" : "lb";
    };
    const cases = [...casesOf(undefined, 8), ...casesOf("acme", 6), ...casesOf("beta", 6)];
    const [decision] = (await cycle({ runner, cases, activation: "evidence-untrusted" })).decisions;
    expect([decision?.validation?.decision, decision?.validation?.cases]).toEqual(["pass", 14]);
    expect(decision?.next).not.toContain("safety");
    expect(seen.filter(([task, knowledge]) => /beta/.test(task + knowledge))).toEqual([]);
    expect(seen.every(([, knowledge]) => knowledge.includes("acme label") && knowledge.includes("common label"))).toBe(true);
  });

  test("of an item for everybody asks the cases of all tenants, beside no tenant's own items", async () => {
    const source = await saveRun({ task: "something else" });
    const desk = createKnowledgeDesk({ store, clock, actor: "cli:test" });
    const lesson = { sourceTraceIds: [source.id], taint: [] };
    await store.propose(aLesson({ ...lesson, id: "a", content: "Print the label.", fingerprint: "a", tenant: "acme" }), "learner");
    await desk.approve("a", { reason: "tried" });
    await store.propose(aLesson({ ...lesson, id: "b", content: "Weigh in grams.", fingerprint: "b" }), "learner");
    const seen: string[] = [];
    const runner = (_task: string, knowledge: string): string => {
      seen.push(knowledge);
      return knowledge.includes("grams") ? "g" : "lb";
    };
    const [decision] = (await cycle({ runner, cases: [...casesOf("acme", 8), ...casesOf("beta", 8)] })).decisions;
    expect([decision?.validation?.cases, seen.some((knowledge) => knowledge.includes("label"))]).toEqual([16, false]);
  });
});

describe("retirement", () => {
  const DAY_US = 86_400_000_000;
  const look = (hibernateDays = 0) => retire({ store, clock, alpha: 0.05, minimumGain: 0.05, hibernateDays });
  const inUse = async (tenant: string): Promise<string> => {
    const { id } = (await store.propose(aLesson({ id: tenant, fingerprint: tenant, tenant, taint: [] }), "learner")).item;
    await createKnowledgeDesk({ store, clock, actor: "cli:test" }).approve(id, { reason: "tried" });
    return id;
  };

  // While a tenant is on holiday the others go on, and its knowledge was put to sleep for it.
  test("calls nothing of a tenant unused for which nothing ran", async () => {
    const [acme] = [await inUse("acme"), await inUse("beta")];
    nowUs += 40 * DAY_US;
    await saveRun({ tenant: "acme" });
    expect((await look(30)).deprecated.map(({ itemId }) => itemId)).toEqual([acme]);
  });

  test("asks again about a tenant's item for a model that came to that tenant, and for no other", async () => {
    const id = await inUse("acme");
    for (let n = 0; n < 400; n += 1) {
      const given = n % 2 === 0;
      const exposure = { given: given ? [id] : [], withheld: given ? [] : [id], withholdProbability: 0.5 };
      await saveRun({ tenant: "acme", model: "m-1", exposure }, given ? "failure" : "success");
    }
    expect((await look()).deprecated.map(({ itemId }) => itemId)).toEqual([id]);
    await saveRun({ tenant: "beta", model: "m-2" });
    expect((await look()).challenged).toEqual([]);
    await saveRun({ tenant: "acme", model: "m-2" });
    expect((await look()).challenged.map(({ itemId }) => itemId)).toEqual([id]);
  });
});
