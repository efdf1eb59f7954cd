import { beforeEach, describe, expect, test, vi } from "vitest";
import type { SqlDriver } from "../../../src/store/driver.ts";
import { openLibsqlDriver } from "../../../src/store/driver-libsql.ts";
import { createSqlStore, type SqlStore } from "../../../src/store/local-store.ts";
import { migrate } from "../../../src/store/migrate.ts";
import type { RetentionOptions } from "../../../src/store/ports.ts";
import { longerOf, startRetention } from "../../../src/store/retention-schedule.ts";
import { aBody, aLesson, aLog, anOutcome, aSpan, aTrace, hex, T0 } from "../../contract/store/factories.ts";
import { temporaryFolder } from "./temporary.ts";

const inFolder = temporaryFolder();
const DAY = 86_400_000_000;
const FOR_EVER: RetentionOptions = { rawRetentionDays: 0, traceRetentionDays: 0 };
const WEEK = { rawRetentionDays: 7, traceRetentionDays: 7 };
let files = 0;
let nowUs = T0;
let driver: SqlDriver;
let store: SqlStore;
const clock = { nowUs: () => nowUs };

beforeEach(async () => {
  nowUs = T0;
  const path = inFolder(`${++files}.db`);
  driver = openLibsqlDriver({ path });
  await migrate(driver, clock, path);
  store = createSqlStore(driver, clock);
  return () => driver.close();
});

const count = async (table: string): Promise<number> => Number((await driver.all(`SELECT count(*) AS n FROM ${table}`))[0]?.["n"]);
const bodyIds = async (): Promise<readonly unknown[]> => (await driver.all("SELECT id FROM raw_body ORDER BY id")).map((row) => row["id"]);

/** A whole judged run that arrived `daysAgo`, whatever its span says about time. */
async function aRun(daysAgo: number, changes: Parameters<typeof aTrace>[0] = {}) {
  const trace = aTrace({ steps: [], ...changes });
  const atUs = T0 - daysAgo * DAY;
  const span = aSpan({ traceId: trace.traceId, startTimeUs: 0, endTimeUs: T0 * 2 });
  await store.saveMapped([], { spans: [span], logs: [aLog({ traceId: trace.traceId })] }, atUs);
  await store.saveManyAssembled([{ traceId: trace.traceId, traces: [trace], outcomes: [anOutcome(trace.id)], seenArrivalUs: atUs }]);
  return trace;
}

describe("request bodies", () => {
  test("go when they are mapped or unmappable and older than asked; those that wait stay whatever their age", async () => {
    const ages = [9, 9, 9, 1];
    await store.appendBodies(ages.map((days) => aBody({ receivedAtUs: T0 - days * DAY, traceIds: [hex(32)] })));
    await store.saveMapped([1, 4], { spans: [], logs: [] }, T0);
    await store.markUnmappable(2, "not protobuf");
    expect(await store.retain({ ...FOR_EVER, rawRetentionDays: 7 })).toMatchObject({ bodies: 2, traces: 0 });
    expect(await bodyIds()).toEqual([3, 4]);
    expect([await count("unmappable_body"), await count("body_trace"), await count("w3c_trace")]).toEqual([0, 2, 2]);
  });

  test("a time in the future does not hide what is old behind it", async () => {
    const future = Array.from({ length: 70 }, () => aBody({ receivedAtUs: T0 + 9 * DAY, traceIds: [] }));
    await store.appendBodies([...future, aBody({ receivedAtUs: T0 - 9 * DAY, traceIds: [] })]);
    await store.saveMapped(
      Array.from({ length: 71 }, (_, n) => n + 1),
      { spans: [], logs: [] },
      T0,
    );
    expect((await store.retain(WEEK)).bodies).toBe(1);
  });

  test("many and large ones go in several turns, and appends get in between", async () => {
    const large = Array.from({ length: 40 }, () => aBody({ receivedAtUs: T0 - 9 * DAY, body: new Uint8Array(1024 * 1024), traceIds: [] }));
    await store.appendBodies(large);
    await store.saveMapped(
      large.map((_, n) => n + 1),
      { spans: [], logs: [] },
      T0,
    );
    let done = false;
    const retained = store.retain(WEEK).then((report) => {
      done = true;
      return report;
    });
    await store.appendBodies([aBody({ receivedAtUs: T0 })]);
    expect(done).toBe(false);
    expect((await retained).bodies).toBe(40);
  });

  test("the trace of a body keeps its row while spans of it are stored", async () => {
    const { traceId } = await aRun(9);
    await store.appendBodies([aBody({ receivedAtUs: T0 - 9 * DAY, traceIds: [traceId, hex(32)] })]);
    await store.saveMapped([1], { spans: [], logs: [] }, T0);
    await store.retain({ ...FOR_EVER, rawRetentionDays: 7 });
    expect(await driver.all("SELECT trace_id FROM w3c_trace")).toEqual([{ trace_id: traceId }]);
  });
});

describe("runs", () => {
  test("go with all their parts when they arrived longer ago than asked, whatever their own clock says", async () => {
    const old = await aRun(9);
    const young = await aRun(1);
    expect(await store.retain(WEEK)).toMatchObject({ traces: 1 });
    await expect(store.getTrace(old.id)).rejects.toMatchObject({ code: "not-found" });
    expect((await store.getTrace(young.id)).id).toBe(young.id);
    const counts = await Promise.all(["trace", "span", "log", "outcome", "trace_fts", "w3c_trace"].map(count));
    expect(counts).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test("stay for ever by default", async () => {
    await aRun(9_000);
    await store.retain(FOR_EVER);
    expect(await count("trace")).toBe(1);
  });

  test("a run that an item names as its source stays whole, by run id and by trace id", async () => {
    const [byRun, byTrace] = [await aRun(9), await aRun(9)];
    await store.propose(aLesson({ sourceTraceIds: [byRun.id, byTrace.traceId.toUpperCase()] }), "learner");
    expect((await store.retain(WEEK)).traces).toBe(0);
    expect(await count("span")).toBe(2);
  });

  test("a trace that waits to be assembled stays", async () => {
    await store.saveMapped([], { spans: [aSpan()], logs: [] }, T0 - 9 * DAY);
    await store.retain(WEEK);
    expect(await count("span")).toBe(1);
  });

  test("what was counted about an item stays counted, in one table row per arm and probability", async () => {
    const { item } = await store.propose(aLesson(), "learner");
    for (const [days, arm] of [
      [9, "given"],
      [9, "given"],
      [9, "withheld"],
      [1, "given"],
    ] as const) {
      const given = arm === "given" ? [item.id] : [];
      const withheld = arm === "withheld" ? [item.id] : [];
      await aRun(days, { exposure: { given, withheld, withholdProbability: 0.1 } });
    }
    const before = (await store.getKnowledgeItem(item.id)).counts;
    expect(before).toEqual({ given: 3, givenSuccess: 3, withheld: 1, withheldSuccess: 1 });
    await store.retain(WEEK);
    await store.retain(WEEK);
    expect((await store.getKnowledgeItem(item.id)).counts).toEqual(before);
    expect([await count("exposure"), await count("folded_exposure")]).toEqual([1, 2]);
  });

  test("feedback stays, and late feedback makes no empty trace of a run that is gone", async () => {
    const { traceId, id } = await aRun(9);
    await store.appendBodies([aBody({ receivedAtUs: T0, traceIds: [traceId] })]);
    await store.retain(WEEK);
    await store.addFeedback({ traceId: id, score: 0 });
    expect((await store.materialOf([traceId]))[0]?.feedback).toHaveLength(1);
    expect(await store.pendingTraces(10)).toEqual([]);
    expect(await driver.all("SELECT span_count FROM w3c_trace")).toEqual([{ span_count: 0 }]);
  });

  test("more of them than one turn takes all go", async () => {
    for (let n = 0; n < 70; n++) await aRun(9);
    expect((await store.retain(WEEK)).traces).toBe(70);
    expect(await count("w3c_trace")).toBe(0);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("an age of %s is refused and nothing is deleted", async (days) => {
    await aRun(9);
    await expect(store.retain({ ...FOR_EVER, traceRetentionDays: days })).rejects.toMatchObject({ code: "invalid" });
    expect(await count("trace")).toBe(1);
  });
});

describe("the schedule", () => {
  test("of two parties the one that wants to keep wins", () => {
    const asked = { rawRetentionDays: 1, traceRetentionDays: 30 };
    expect(longerOf(asked, { rawRetentionDays: 7, traceRetentionDays: 0 })).toEqual({ rawRetentionDays: 7, traceRetentionDays: 0 });
    expect(longerOf(asked, undefined)).toEqual(asked);
  });

  test("runs at once and every hour, but skips the round after the wall clock jumped", async ({ onTestFinished }) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const rounds: number[] = [];
    let elapsed = 0;
    const counting = {
      retain: async (options: RetentionOptions) => {
        rounds.push(elapsed);
        return { ...options, bodies: 0, traces: 0 };
      },
    };
    const schedule = startRetention({ store: counting, ages: WEEK, clock, report: () => {}, elapsedMs: () => elapsed });
    const hour = async (wallHours: number): Promise<void> => {
      elapsed += 3_600_000;
      nowUs += wallHours * 3_600_000_000;
      await vi.advanceTimersByTimeAsync(3_600_000);
    };
    await hour(1);
    await hour(87_600);
    await hour(1);
    schedule.stop();
    await hour(1);
    expect(rounds).toEqual([0, 3_600_000, 10_800_000]);
  });
});
