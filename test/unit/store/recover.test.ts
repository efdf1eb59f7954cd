import { copyFileSync, existsSync, openSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { basename, dirname } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { startTrial } from "../../../src/knowledge/online-trial.ts";
import { findDamage } from "../../../src/store/damage.ts";
import { openLocal } from "../../../src/store/open-local.ts";
import { recoverStore } from "../../../src/store/recover.ts";
import type { SalvagedRows } from "../../../src/store/salvage.ts";
import { aBody, aLesson, aLog, anOutcome, aSpan, aStep, aTrace, aValidation, hex, T0 } from "../../contract/store/factories.ts";
import { anOnlineSetting } from "../../support/an-online-setting.ts";
import { seededRandom } from "../../support/seeded-random.ts";
import { temporaryFolder } from "./temporary.ts";

const inFolder = temporaryFolder();
const PAGE = 16_384;
const RUNS = 120;
const sound = inFolder("sound.db");
let files = 0;

const openStore = (path: string) => openLocal({ path, role: "own", name: "test", clock: systemClock });
const recover = (path: string, from?: string) =>
  recoverStore({ path, name: "test", clock: systemClock, ...(from === undefined ? {} : { from }) });
const rowsOf = (tables: readonly SalvagedRows[], name: string) => tables.find(({ table }) => table === name);

/** A store with something in every table, closed in order. */
async function fill(path: string, runs: number): Promise<void> {
  const store = await openStore(path);
  const { item } = await store.propose(aLesson(), "learner");
  await store.saveValidation(aValidation(item.id));
  const stream = { alpha: 0.05, position: 1, passedBefore: 0, minimumGain: 0.05, excluded: [], noteId: "trial-1" };
  const tried = startTrial(
    (await store.propose(aLesson(), "learner")).item,
    { actor: "learner", atUs: T0 },
    { ...stream, setting: anOnlineSetting() },
  );
  await store.saveItem(tried.item, tried.entry);
  await store.takeTrialRuns("trial-1", 3);
  await store.saveEvalCases([{ id: "c", task: "2+2", tags: [], mustPass: true, createdAtUs: T0 }]);
  await store.saveCycle({ id: "l", startedAtUs: T0, report: {} });
  await store.saveRefusals([{ reason: "none", traceIds: [] }], "recovery");
  for (let n = 0; n < runs; n++) {
    const traceId = hex(32);
    const spans = [1, 2, 3].map(() => aSpan({ traceId, attributes: { text: hex(1_000) } }));
    await store.appendBodies([aBody({ traceIds: [traceId], body: new TextEncoder().encode(hex(3_000)) })]);
    await store.saveMapped([n + 1], { spans, logs: [aLog({ traceId })] }, T0);
    const error = { message: `failure ${n}` };
    const exposure = { given: [item.id], withheld: [], withholdProbability: 0.1 };
    const trace = aTrace({ traceId, spanCount: 3, exposure, task: `task number${n}`, steps: [aStep(), aStep({ seq: 1, error })] });
    await store.saveManyAssembled([{ traceId, traces: [trace], outcomes: [anOutcome(trace.id)], seenArrivalUs: T0 }]);
    await store.keep("batch", [trace.id], [{ reason: "few", traceIds: [trace.id], until: "more" }]);
    if (n % 10 === 0) await store.addFeedback({ traceId, score: 0 });
  }
  await store.appendBodies([aBody()]);
  await store.close();
}

function copyOf(name: string): string {
  const path = inFolder(`${++files}-${name}.db`);
  copyFileSync(sound, path);
  return path;
}

function overwrite(path: string, at: number, bytes: Uint8Array): void {
  writeSync(openSync(path, "r+"), bytes, 0, bytes.length, at);
}

function noise(seed: number, length: number): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

beforeAll(() => fill(sound, RUNS));

describe("a sound store", () => {
  test("has no damage, and recover leaves it alone", async () => {
    const path = copyOf("sound");
    expect(findDamage(path)).toBeUndefined();
    expect(await recover(path)).toEqual({ path, tables: [] });
    expect(readdirSync(dirname(path)).filter((name) => name.startsWith(`${basename(path)}.`))).toEqual([]);
  });

  test("an empty file is an empty store", () => {
    const path = inFolder("empty.db");
    writeFileSync(path, "");
    expect(findDamage(path)).toBeUndefined();
  });

  test("salvaged row by row says the same as before", async () => {
    const from = copyOf("all");
    const path = inFolder("all-new.db");
    const { tables } = await recover(path, from);
    expect(tables.filter(({ lost }) => lost !== 0)).toEqual([]);
    const [before, after] = [await openStore(from), await openStore(path)];
    const trace = (await before.listTraces({ limit: 1 }))[0];
    expect(await after.getTrace(trace?.id ?? "")).toEqual(await before.getTrace(trace?.id ?? ""));
    expect(await after.searchTraces("number7 failure", 3)).toEqual(await before.searchTraces("number7 failure", 3));
    expect(await after.listKnowledge({})).toEqual(await before.listKnowledge({}));
    expect((await after.listKnowledge({})).map(({ counts }) => counts.given).sort()).toEqual([0, RUNS]);
    expect((await after.trialRunsTaken("trial-1")).taken).toBe(3);
    expect((await after.keptFor("batch", 1_000)).length).toBe(RUNS);
    expect(await after.spansOf(trace?.id.slice(0, 32) ?? "")).toEqual(await before.spansOf(trace?.id.slice(0, 32) ?? ""));
    expect(await after.status()).toEqual(await before.status());
    expect(await after.check()).toEqual([]);
    await before.close();
    await after.close();
  });
});

describe("a damaged store", () => {
  const damages: readonly (readonly [string, (path: string) => void])[] = [
    ["a header of noise", (path) => overwrite(path, 0, noise(1, 100))],
    ["a first page of noise", (path) => overwrite(path, 0, noise(2, PAGE))],
    ["a page of noise", (path) => overwrite(path, 40 * PAGE, noise(3, PAGE))],
    ["three pages of noise", (path) => [30, 60, 90].forEach((page) => void overwrite(path, page * PAGE, noise(page, PAGE)))],
    ["its last third gone", (path) => truncateSync(path, Math.floor((readFileSync(path).length * 2) / 3))],
  ];

  test.each(damages)("with %s is noticed, refused with a hint, kept, and its rows come back", async (name, harm) => {
    const path = copyOf(name.replaceAll(" ", "-"));
    harm(path);
    const bytes = readFileSync(path);
    expect(findDamage(path)).toMatchObject({ part: "file" });
    await expect(openStore(path)).rejects.toMatchObject({ code: "invalid", hint: expect.stringContaining("agentlearn store recover") });
    const { aside, tables } = await recover(path);
    expect(readFileSync(aside ?? "").equals(bytes)).toBe(true);
    expect(aside).toMatch(/\.corrupt-\d{8}T\d{6}Z$/);
    const after = await openStore(path);
    expect(await after.check()).toEqual([]);
    await after.close();
    // What nothing makes again is a page or two of many, and was not hit.
    expect(rowsOf(tables, "knowledge")).toEqual({ table: "knowledge", salvaged: 2, lost: 0 });
    expect(tables.reduce((sum, rows) => sum + rows.salvaged, 0)).toBeGreaterThan(RUNS);
  });

  // Comparing each word of the search indexes with the texts was two thirds of what every start waited for.
  test("words of a search index that are wrong are noticed after a crash, and by check and recover at any time", async () => {
    const path = copyOf("search");
    // As the index has "money".
    const at = readFileSync(path).indexOf("monei");
    expect(at).toBeGreaterThan(0);
    overwrite(path, at, Buffer.from("monex"));
    expect(findDamage(path)).toBeUndefined();
    const store = await openStore(path);
    expect(await store.check()).toContainEqual(expect.stringContaining("search index"));
    await store.close();
    writeFileSync(`${path}-wal`, noise(6, 50_000));
    expect(findDamage(path)).toMatchObject({ part: "file" });
    rmSync(`${path}-wal`);
    expect((await recover(path)).tables.length).toBeGreaterThan(0);
    const after = await openStore(path);
    expect(await after.check()).toEqual([]);
    await after.close();
  });

  test("a log of noise is set aside, and the store opens", async () => {
    const path = copyOf("log");
    writeFileSync(`${path}-wal`, noise(5, 50_000));
    const { aside, tables } = await recover(path);
    expect([aside?.endsWith("-wal"), tables, existsSync(`${path}-wal`)]).toEqual([true, [], false]);
  });

  test("of a page lost in the middle all other rows come back", async () => {
    const path = copyOf("middle");
    overwrite(path, 40 * PAGE, noise(7, PAGE));
    const { tables } = await recover(path);
    const lost = tables.reduce((sum, rows) => sum + (rows.lost ?? 0), 0);
    const all = tables.reduce((sum, rows) => sum + rows.salvaged, lost);
    expect(lost / all).toBeLessThan(0.1);
    expect(rowsOf(tables, "knowledge")).toEqual({ table: "knowledge", salvaged: 2, lost: 0 });
  });
});
