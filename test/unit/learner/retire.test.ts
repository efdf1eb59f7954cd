import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fullCycle } from "../../../src/compose/full-cycle.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import { createKnowledgeDesk } from "../../../src/learner/knowledge-desk.ts";
import { type RetireReport, retire } from "../../../src/learner/retire.ts";
import { openLibsqlDriver } from "../../../src/store/driver-libsql.ts";
import { createSqlStore } from "../../../src/store/local-store.ts";
import { migrate } from "../../../src/store/migrate.ts";
import type { Store } from "../../../src/store/ports.ts";
import { seededRandom } from "../../support/seeded-random.ts";
import { aLesson } from "../lesson-factory.ts";
import { aTrace } from "../trace-factory.ts";

const T0 = 1_800_000_000_000_000;
let nowUs = T0;
const clock = { nowUs: () => (nowUs += 1_000) };
let folder: string;
let store: Store;
let id: string;

beforeEach(async () => {
  nowUs = T0;
  folder = mkdtempSync(join(tmpdir(), "agentlearn-retire-"));
  const driver = openLibsqlDriver({ path: join(folder, "t.db") });
  await migrate(driver, clock, "t.db");
  store = createSqlStore(driver, clock) as unknown as Store;
  ({ id } = (await store.propose(aLesson({ taint: [] }), "learner")).item);
  await desk().approve(id, { reason: "tried" });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const desk = () => createKnowledgeDesk({ store, clock, actor: "cli:test" });
const look = (more: { hibernateDays?: number } = {}): Promise<RetireReport> =>
  retire({ store, clock, alpha: 0.05, minimumGain: 0.05, hibernateDays: 0, ...more });

let runs = 0;
/** Runs that met the item, with these success rates. */
async function record(count: number, model: string, given: number, withheld: number, itemId = id): Promise<void> {
  const random = seededRandom(count);
  const assembled = Array.from({ length: count }, () => {
    runs += 1;
    const traceId = runs.toString(16).padStart(32, "0");
    const isGiven = random() >= 0.5;
    const status = random() < (isGiven ? given : withheld) ? "success" : "failure";
    const exposure = { given: isGiven ? [itemId] : [], withheld: isGiven ? [] : [itemId], withholdProbability: 0.5 };
    const trace = aTrace({
      id: `${traceId}-${"b".repeat(16)}`,
      traceId,
      rootSpanId: "b".repeat(16),
      model,
      exposure,
      startTimeUs: clock.nowUs(),
    });
    const outcome = { traceId: trace.id, source: "deterministic", status, score: 1, reasoning: "", evidence: [], createdAtUs: 1 } as const;
    return { traceId, traces: [trace], outcomes: [outcome], seenArrivalUs: 0 };
  });
  await store.saveManyAssembled(assembled);
}

describe("retire", () => {
  test("takes a harmful item out of use and writes down why", async () => {
    await record(400, "m-1", 0.3, 0.8);
    expect((await look()).deprecated.map(({ itemId }) => itemId)).toEqual([id]);
    const { item, history } = await desk().show(id);
    expect([item.status, history.at(-1)?.actor, history.at(-1)?.reason?.startsWith("it harms with m-1")]).toEqual([
      "deprecated",
      "learner",
      true,
    ]);
  });

  // `gate: "reference80"` was about promotions, and took items out of use at 20 % as well.
  test("a loose gate does not loosen the verdict on live effects", async () => {
    await record(90, "m-1", 0.3, 0.8);
    const whole = { ...store, drain: async () => ({ mapped: 0, assembled: 0 }) };
    const cycle = (code: { gate: "reference80"; effectAlpha?: number }) =>
      fullCycle({ store: whole, config: loadConfig({ env: {}, code }), who: "test" });
    const now = async () => (await desk().show(id)).item.status;
    await cycle({ gate: "reference80" });
    const kept = await now();
    await cycle({ gate: "reference80", effectAlpha: 0.2 });
    expect([kept, await now()]).toEqual(["active", "deprecated"]);
  });

  test("leaves a pinned one and reports it", async () => {
    await desk().pin(id);
    await record(400, "m-1", 0.3, 0.8);
    const { deprecated, reported } = await look();
    expect([deprecated, reported.map(({ itemId }) => itemId)]).toEqual([[], [id]]);
    expect((await desk().show(id)).item.status).toBe("active");
  });

  test("asks again for a new model: harm to the former one is no reason any more", async () => {
    await record(400, "m-1", 0.3, 0.8);
    await record(30, "m-2", 0.7, 0.7);
    expect((await look()).deprecated).toEqual([]);
  });

  test("makes a candidate of what it retired once a model runs that never met it", async () => {
    await record(400, "m-1", 0.3, 0.8);
    await look();
    await record(3, "m-1", 0.5, 0.5, "another item");
    expect((await look()).challenged).toEqual([]);
    await record(3, "m-2", 0.5, 0.5, "another item");
    const { challenged } = await look();
    expect(challenged).toMatchObject([{ itemId: id, reason: expect.stringContaining("m-2") }]);
    expect((await desk().show(id)).item.status).toBe("candidate");
  });

  test("leaves what it retired alone when the other model ran before already", async () => {
    await record(400, "m-1", 0.3, 0.8);
    await record(3, "m-2", 0.5, 0.5, "another item");
    expect((await look()).deprecated).toHaveLength(1);
    await record(3, "m-2", 0.5, 0.5, "another item");
    expect((await look()).challenged).toEqual([]);
    expect((await desk().show(id)).item.status).toBe("deprecated");
  });

  test("does not bring back what a person took out of use", async () => {
    await record(20, "m-1", 0.5, 0.5);
    await desk().deprecate(id, { reason: "outdated" });
    await record(3, "m-2", 0.5, 0.5, "another item");
    expect((await look()).challenged).toEqual([]);
  });

  test("does not hold runs with other words, or from before it was brought back, against an item", async () => {
    await record(400, "m-1", 0.3, 0.8);
    await desk().edit(id, { content: "Other words.", reason: "clearer" });
    await desk().approve(id, { reason: "tried again" });
    expect((await look()).deprecated).toEqual([]);
  });

  test("lets what nobody needs hibernate, and says so in the reason", async () => {
    nowUs += 40 * 86_400_000_000;
    await record(1, "m-1", 0.5, 0.5, "another item");
    expect((await look()).deprecated).toEqual([]);
    expect((await look({ hibernateDays: 30 })).deprecated).toMatchObject([{ itemId: id, reason: expect.stringMatching(/^hibernates/) }]);
  });

  test("does nothing at a second look", async () => {
    await record(400, "m-1", 0.3, 0.8);
    await look();
    expect(await look()).toEqual({ deprecated: [], challenged: [], reported: [] });
  });
});
