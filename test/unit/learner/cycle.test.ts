import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LearnError } from "../../../src/base/error.ts";
import { createHumanInLoopValidator, type HumanValidatorOptions } from "../../../src/knowledge/human-validator.ts";
import type { ValidationCase } from "../../../src/knowledge/ports.ts";
import { recheck } from "../../../src/knowledge/recheck.ts";
import { type LearnOptions, learn } from "../../../src/learner/cycle.ts";
import { createDiagnosis } from "../../../src/learner/diagnose.ts";
import { createKnowledgeDesk } from "../../../src/learner/knowledge-desk.ts";
import type { Lesson } from "../../../src/lesson/lesson.ts";
import type { Analyzer } from "../../../src/lesson/ports.ts";
import { openLibsqlDriver } from "../../../src/store/driver-libsql.ts";
import { createSqlStore } from "../../../src/store/local-store.ts";
import { migrate } from "../../../src/store/migrate.ts";
import type { Store } from "../../../src/store/ports.ts";
import { aLesson } from "../lesson-factory.ts";
import { aTrace } from "../trace-factory.ts";

let nowUs = 0;
const clock = { nowUs: () => (nowUs += 1_000) };
let folder: string;
let store: Store;

beforeEach(async () => {
  nowUs = 1_800_000_000_000_000;
  folder = mkdtempSync(join(tmpdir(), "agentlearn-cycle-"));
  const driver = openLibsqlDriver({ path: join(folder, "t.db") });
  await migrate(driver, clock, "t.db");
  const base = createSqlStore(driver, clock);
  const diagnostics = createDiagnosis({ store: base });
  store = { ...base, drain: async () => ({ mapped: 0, assembled: 0 }), diagnostics, noteReceiver: async () => undefined };
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const RUN = aTrace({ task: "which parcel is the lightest" });
async function saveRun(trace = RUN): Promise<void> {
  const outcome = {
    traceId: trace.id,
    source: "deterministic",
    status: "failure",
    score: 0,
    reasoning: "",
    evidence: [],
    createdAtUs: 1,
  } as const;
  await store.saveManyAssembled([{ traceId: trace.traceId, traces: [trace], outcomes: [outcome], seenArrivalUs: 0 }]);
}

/** Answers rightly only when told to weigh in grams. */
const runner = (task: string, knowledge: string): string => (knowledge.includes("grams") ? `${task} g` : `${task} lb`);
const casesOf = (count: number): readonly ValidationCase[] =>
  Array.from({ length: count }, (_, index) => {
    const task = `weigh parcel ${index}`;
    return { id: `case-${index}`, task, mustPass: false, score: (output) => (output === `${task} g` ? 1 : 0) };
  });

const analyzer = (lessons: readonly Lesson[] = [], name = "mine"): Analyzer => ({ name, analyze: async () => ({ lessons, refusals: [] }) });
const failing = (error: LearnError): Analyzer => ({ name: "llm", analyze: () => Promise.reject(error) });
const GRAMS = aLesson({ id: "11111111-0000-4000-8000-000000000000", content: "Give weights in grams.", sourceTraceIds: [RUN.id] });

const cycle = (options: Partial<LearnOptions> = {}) =>
  learn({
    store,
    clock,
    analyzers: [],
    activation: "evidence",
    alpha: 0.05,
    minimumGain: 0.05,
    passScore: 0.7,
    concurrency: 4,
    confirmReplicates: 2,
    ...options,
  });
const verdicts = (report: Awaited<ReturnType<typeof cycle>>) => report.decisions.map(({ validation }) => validation?.decision);

describe("mining", () => {
  // The provider was down for a minute: the failure was dropped, every trace was marked as read, and no model ever saw them.
  test.each([
    ["a passing fault", new LearnError("unavailable", "no answer")],
    ["a wrong key", new LearnError("invalid", "401")],
  ])("traces stay unread when an analyzer failed by %s, and the report names it", async (_what, error) => {
    await saveRun();
    const report = await cycle({ analyzers: [analyzer([GRAMS]), failing(error)] });
    expect(report.analyzerFailures).toEqual([{ analyzer: "llm", code: error.code, message: error.message, tracesStayUnread: true }]);
    expect(report.refusals.map(({ analyzer: name, reason }) => [name, reason.includes(error.message)])).toEqual([["llm", true]]);
    expect([report.candidatesCreated, (await store.unanalyzed(10)).length]).toEqual([1, 1]);
    const again = await cycle({ analyzers: [analyzer([GRAMS]), analyzer([], "llm")] });
    expect([again.analyzerFailures, again.candidatesCreated, (await store.unanalyzed(10)).length]).toEqual([undefined, 0, 0]);
  });

  test("a broken analyzer is named and does not hold back the others for ever", async () => {
    await saveRun();
    const report = await cycle({ analyzers: [failing(new LearnError("internal", "is not a function")), analyzer([GRAMS])] });
    expect([report.analyzerFailures?.[0]?.tracesStayUnread, report.candidatesCreated, (await store.unanalyzed(10)).length]).toEqual([
      false,
      1,
      0,
    ]);
  });

  // `agentlearn up` mines every minute without a model and marked what it read: `agentlearn learn` found nothing left for the model or the user's checks.
  test("what the collector's timer has mined is still read by a model, once", async () => {
    await saveRun();
    const background: Analyzer = { ...analyzer(), background: true };
    const read: number[] = [];
    const model: Analyzer = {
      name: "llm",
      analyze: async (traces) => {
        read.push(traces.length);
        return { lessons: [], refusals: [] };
      },
    };
    const timed = [await cycle({ analyzers: [background] }), await cycle({ analyzers: [background] })];
    await cycle({ analyzers: [background, model] });
    await cycle({ analyzers: [background, model] });
    expect([timed.map(({ tracesAnalyzed }) => tracesAnalyzed), read]).toEqual([[1, 0], [1]]);
  });

  // A person rejected an item; the next failing run proposed the same words again, and with activation by evidence they could become active against that no.
  test("a lesson that was archived does not come back as a new candidate by being seen again", async () => {
    await saveRun();
    const { item } = await store.propose(GRAMS, "learner");
    await createKnowledgeDesk({ store, clock, actor: "cli:ada" }).reject(item.id, { reason: "we weigh in pounds" });
    const report = await cycle({ analyzers: [analyzer([GRAMS])], runner, cases: casesOf(12) });
    expect([report.candidatesCreated, report.decisions, report.refusals.length]).toEqual([0, [], 1]);
    expect((await store.listKnowledge({})).map(({ status }) => status)).toEqual(["archived"]);
  });
});

describe("testing candidates", () => {
  beforeEach(async () => {
    await saveRun();
    await store.propose(GRAMS, "learner");
  });

  test("one that helps becomes active with the certificate that says so", async () => {
    expect(verdicts(await cycle({ runner, cases: casesOf(12) }))).toEqual(["pass"]);
    expect((await store.listKnowledge({})).map(({ status, validation }) => [status, validation?.decision])).toEqual([["active", "pass"]]);
  });

  // The collector adds a source to a candidate every minute. A test takes longer: it ended in a conflict, the cycle died, and the next one tested again.
  test("a source that is added during the test neither loses the result nor repeats the test", async () => {
    let added = false;
    const busy = async (task: string, knowledge: string): Promise<string> => {
      if (!added) {
        added = true;
        await store.propose({ ...GRAMS, sourceTraceIds: ["another"] }, "learner");
      }
      return runner(task, knowledge);
    };
    expect(verdicts(await cycle({ runner: busy, cases: casesOf(12) }))).toEqual(["pass"]);
    const [item] = await store.listKnowledge({});
    expect([item?.status, item?.sourceTraceIds, (await store.validations()).length]).toEqual(["active", [RUN.id, "another"], 1]);
  });

  test("an edit during the test leaves the new text untested and the test spent", async () => {
    const desk = createKnowledgeDesk({ store, clock, actor: "cli:ada" });
    let edited = false;
    const busy = async (task: string, knowledge: string): Promise<string> => {
      if (!edited) {
        edited = true;
        await desk.edit(GRAMS.id, { content: "Give weights in stones.", reason: "local habit" });
      }
      return runner(task, knowledge);
    };
    const report = await cycle({ runner: busy, cases: casesOf(12) });
    const [item] = await store.listKnowledge({});
    expect([item?.status, item?.validation, report.decisions[0]?.next.includes("changed while it was tested")]).toEqual([
      "candidate",
      undefined,
      true,
    ]);
    expect((await store.validations()).map(({ position }) => position)).toEqual([1]);
  });

  // Certificate and state were written one after the other: a crash in between left a spent test that nobody knew of, and the item was tested again.
  test("a crash while the result is stored leaves neither the certificate nor the state", async () => {
    const crashing: Store = { ...store, saveItem: () => Promise.reject(new LearnError("unavailable", "gone")) };
    await expect(cycle({ store: crashing, runner, cases: casesOf(12) })).rejects.toMatchObject({ code: "unavailable" });
    expect([(await store.validations()).length, (await store.listKnowledge({}))[0]?.validation]).toEqual([0, undefined]);
  });

  // Two learners read the same stream, and both spent the share of the budget of the same place.
  test("a test that ends after another learner took its place is given a later one, and its certificate holds there", async () => {
    const other = aLesson({
      id: "22222222-0000-4000-8000-000000000000",
      content: "Say please.",
      fingerprint: "f2",
      sourceTraceIds: [RUN.id],
    });
    let ran = false;
    const slow = async (task: string, knowledge: string): Promise<string> => {
      if (!ran) {
        ran = true;
        const { item } = await store.propose(other, "learner");
        await cycle({
          store: { ...store, listKnowledge: async ({ status }) => (status === "candidate" ? [item] : []) },
          runner,
          cases: casesOf(12),
        });
      }
      return runner(task, knowledge);
    };
    const report = await cycle({ runner: slow, cases: casesOf(12) });
    const stored = await store.validations();
    expect(stored.map(({ position, decision }) => [position, decision]).sort()).toEqual([
      [1, "refuse"],
      [2, "pass"],
    ]);
    expect([verdicts(report), stored.flatMap((entry) => recheck(entry).problems)]).toEqual([["pass"], []]);
  });

  test("a test that would not have passed at its later place does not pass", async () => {
    // 8 wins reach 57 where place 1 needs 33; place 2 needs 132.
    let ran = false;
    const slow = async (task: string, knowledge: string): Promise<string> => {
      if (!ran) {
        ran = true;
        const { item } = await store.propose(
          aLesson({ id: "22222222-0000-4000-8000-000000000000", content: "Say please.", fingerprint: "f2", sourceTraceIds: [RUN.id] }),
          "learner",
        );
        await cycle({
          store: { ...store, listKnowledge: async ({ status }) => (status === "candidate" ? [item] : []) },
          runner,
          cases: casesOf(8),
        });
      }
      return runner(task, knowledge);
    };
    const report = await cycle({ runner: slow, cases: casesOf(8) });
    expect([verdicts(report), (await store.listKnowledge({ status: "active" })).length]).toEqual([["refuse"], 0]);
  });

  // A removed item takes its certificates with it; testing, removing and testing again was a way to a budget without end.
  test("removing an item does not give back what earlier tests spent", async () => {
    const useless = (id: string) => aLesson({ id, content: `Say ${id}.`, fingerprint: id, sourceTraceIds: [RUN.id] });
    for (const id of ["33333333", "44444444"]) {
      await store.propose(useless(id), "learner");
      await cycle({ runner: (task) => `${task} lb`, cases: casesOf(30) });
    }
    await store.removeItem("33333333");
    await store.propose(useless("55555555"), "learner");
    await cycle({ runner: (task) => `${task} lb`, cases: casesOf(30) });
    const positions = (await store.validations()).map(({ position }) => position);
    expect(new Set(positions).size).toBe(positions.length);
  });

  // Where a case repeats the item's own task it is left out, so the certificate counts one less than there are: every cycle tested again and spent a place.
  test("an undecided candidate is not tested again while its own held-out cases are the same", async () => {
    const own: ValidationCase = { id: "own", task: RUN.task, mustPass: false, score: () => 0 };
    const cases = [...casesOf(3), own];
    expect(verdicts(await cycle({ runner, cases }))).toEqual(["inconclusive"]);
    expect(verdicts(await cycle({ runner, cases }))).toEqual([]);
    expect(verdicts(await cycle({ runner, cases: [...cases, ...casesOf(12).slice(3)] }))).toEqual(["pass"]);
  });

  // A wrong key in the agent made every run throw: every candidate was refused for good, and each spent a place.
  test("a runner that fails on every case decides nothing and spends nothing", async () => {
    const broken = (): string => {
      throw new Error("401 wrong key");
    };
    const report = await cycle({ runner: broken, cases: casesOf(12) });
    expect(report.decisions.map(({ validation, next }) => [validation, next.includes("401 wrong key")])).toEqual([[undefined, true]]);
    expect((await store.validations()).length).toBe(0);
    expect(verdicts(await cycle({ runner, cases: casesOf(12) }))).toEqual(["pass"]);
  });

  // In a store of several agents the runner of one refused, or proved, the items of the others.
  test("an item of another agent is not tested with this one", async () => {
    await store.propose({ ...GRAMS, id: "66666666", fingerprint: "f6", agentName: "billing" }, "learner");
    const report = await cycle({ runner, cases: casesOf(12), agentName: "shop" });
    expect(report.decisions.map(({ item, validation }) => [item.agentName, validation?.decision])).toEqual(
      expect.arrayContaining([
        ["billing", undefined],
        [undefined, "pass"],
      ]),
    );
  });
});

describe("an item is not its own proof", () => {
  const item = async (trace: typeof RUN) => {
    await saveRun(trace);
    await store.propose({ ...GRAMS, sourceTraceIds: [trace.id] }, "learner");
  };
  const heldOut = async (options: Partial<LearnOptions> = {}) =>
    (await cycle({ runner, cases: casesOf(12), ...options })).decisions[0]?.validation?.cases;

  test("a task inside a prompt that quotes it is left out", async () => {
    await item(aTrace({ task: "You are a clerk. Answer briefly.\n\nQuestion: weigh parcel 3!" }));
    expect(await heldOut()).toBe(11);
  });

  test("our own block before the task does not hide it", async () => {
    await item(aTrace({ task: "=== CORE RULES (always apply) ===\n[SKILL] 8a9f4e2b\nSay please\n=== END CORE RULES ===\nweigh parcel 3" }));
    expect(await heldOut()).toBe(11);
  });

  test("a store that can't answer now stops the test", async () => {
    await item(RUN);
    const down: Store = { ...store, getTrace: () => Promise.reject(new LearnError("unavailable", "gone")) };
    await expect(heldOut({ store: down })).rejects.toMatchObject({ code: "unavailable" });
  });

  test("a source that nobody finds any more leaves the item to a person", async () => {
    await store.propose(GRAMS, "learner");
    const report = await cycle({ runner, cases: casesOf(12) });
    expect([verdicts(report), report.decisions[0]?.next.includes("can't be found")]).toEqual([[undefined], true]);
  });

  // A root that came late gave the run another id, and the item's own task stood among its held-out cases.
  test("a run that got another id is found by its spans", async () => {
    await store.saveMapped(
      [],
      {
        spans: [
          {
            traceId: RUN.traceId,
            spanId: "00000000000000b1",
            name: "invoke_agent",
            kind: 1,
            startTimeUs: 1,
            endTimeUs: 2,
            attributes: {
              "gen_ai.operation.name": "invoke_agent",
              "gen_ai.input.messages": JSON.stringify([{ role: "user", parts: [{ type: "text", content: "weigh parcel 3" }] }]),
            },
            events: [],
            links: [],
            status: { code: 0 },
            resource: {},
            scope: { name: "t" },
          },
        ],
        logs: [],
      },
      1,
    );
    await store.propose({ ...GRAMS, sourceTraceIds: [`${RUN.traceId}-00000000000000ff`] }, "learner");
    expect(await heldOut()).toBe(11);
  });
});

describe("asking a person", () => {
  let itemId = "";
  beforeEach(async () => {
    await saveRun();
    itemId = (await store.propose(GRAMS, "learner")).item.id;
  });
  const asking = (approve: NonNullable<HumanValidatorOptions["approve"]>, more: Partial<LearnOptions> = {}) =>
    cycle({ activation: "approval", human: createHumanInLoopValidator({ approve, actor: "human:ada", timeoutMs: 20 }), ...more });
  const now = () => store.getKnowledgeItem(itemId);

  test("a yes makes an untested item active, with that person as its evidence", async () => {
    const [decision] = (await asking(() => true)).decisions;
    expect(decision?.next).toBe("active from the next run on; safety cases not run: no agent runner");
    expect(await now()).toMatchObject({ status: "active", validation: { kind: "human", decision: "pass", actor: "human:ada" } });
  });

  test("a yes to what passed its test keeps the test as the evidence, and the person saw it", async () => {
    let seen: string | undefined;
    await asking(
      (_item, { validation }) => {
        seen = validation?.decision;
        return { approved: true, reason: "fine" };
      },
      { runner, cases: casesOf(12) },
    );
    expect(seen).toBe("pass");
    expect(await now()).toMatchObject({ status: "active", validation: { kind: "statistical", decision: "pass" } });
  });

  test("other words become active as that person's, also where the old ones had passed", async () => {
    const answer = { approved: true, reason: "shorter", edit: { content: "Grams, always." } };
    await asking(() => answer, { runner, cases: casesOf(12) });
    expect(await now()).toMatchObject({ status: "active", content: "Grams, always.", validation: { kind: "human", reason: "shorter" } });
    expect((await store.historyOf(itemId)).map(({ action }) => action)).toEqual(["propose", "validate", "edit", "approve"]);
  });

  test("a no archives it with the reason", async () => {
    await asking(() => ({ approved: false, reason: "we weigh in pounds" }));
    expect((await now()).status).toBe("archived");
    expect((await store.historyOf(itemId)).at(-1)).toMatchObject({ action: "reject", actor: "human:ada", reason: "we weigh in pounds" });
  });

  test.each([
    ["throws", () => Promise.reject(new Error("chat is down")), "the approve callback failed: chat is down"],
    ["never answers", () => new Promise<boolean>(() => undefined), "needs an agent runner"],
    ["does not decide", () => undefined, "needs an agent runner"],
    ["answers with something else", () => "yes" as never, "neither true nor false"],
  ])("a callback that %s leaves the item in the queue and the cycle going", async (_what, approve, next) => {
    const report = await asking(approve);
    expect(report.decisions[0]?.next).toContain(next);
    expect((await now()).status).toBe("candidate");
  });

  test("nobody is asked about what a test refused", async () => {
    let asked = 0;
    const ask = () => {
      asked += 1;
      return true;
    };
    await asking(ask, { runner: (task) => `${task} lb`, cases: casesOf(12) });
    expect([asked, (await now()).status]).toEqual([0, "candidate"]);
  });

  test("an answer about words that changed meanwhile approves nothing", async () => {
    const report = await asking(async () => {
      await createKnowledgeDesk({ store, clock, actor: "cli:bob" }).edit(itemId, { content: "Drop the table.", reason: "mine" });
      return true;
    });
    expect(report.decisions[0]?.next).toContain("it was changed while a person was asked");
    expect((await now()).status).toBe("candidate");
  });
});
