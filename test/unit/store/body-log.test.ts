import { appendFileSync, copyFileSync, cpSync, existsSync, readdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { LearnError } from "../../../src/base/error.ts";
import { createBodyIndex } from "../../../src/store/body-index.ts";
import { openBodyLog } from "../../../src/store/body-log.ts";
import { bodyFolderOf, loggedBodies } from "../../../src/store/body-segment.ts";
import { openLibsqlDriver } from "../../../src/store/driver-libsql.ts";
import { migrate } from "../../../src/store/migrate.ts";
import { openLocal } from "../../../src/store/open-local.ts";
import { recoverStore } from "../../../src/store/recover.ts";
import { aBody, aSpan, hex, T0 } from "../../contract/store/factories.ts";
import { temporaryFolder } from "./temporary.ts";

const inFolder = temporaryFolder();
let files = 0;
const newPath = (): string => inFolder(`log-${++files}.db`);
const bytesOf = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);
const large = (fill: number, traceId = hex(32)) => aBody({ traceIds: [traceId], body: bytesOf(100_000, fill), receivedAtUs: 1 });
const segments = (path: string): readonly string[] => (existsSync(bodyFolderOf(path)) ? readdirSync(bodyFolderOf(path)).sort() : []);
const openStore = (path: string) => openLocal({ path, role: "own", name: "test", clock: systemClock });
const noClock = { nowUs: () => T0 };

test("gives back each body where it said it put it", () => {
  const log = openBodyLog(newPath());
  const places = log.append([aBody({ body: bytesOf(3, 1) }), aBody({ body: bytesOf(0, 0) }), aBody({ body: bytesOf(70_000, 2) })]);
  expect(places.map((place) => log.read(place))).toEqual([bytesOf(3, 1), bytesOf(0, 0), bytesOf(70_000, 2)]);
  log.close();
});

test("a new process begins a new segment, and reads the old ones", () => {
  const path = newPath();
  const first = openBodyLog(path);
  const [old] = first.append([aBody({ body: bytesOf(5, 1) })]);
  first.close();
  const second = openBodyLog(path);
  const [young] = second.append([aBody({ body: bytesOf(5, 2) })]);
  expect([old?.segment, young?.segment, old && second.read(old)]).toEqual([1, 2, bytesOf(5, 1)]);
  second.close();
});

test("a full segment is followed by the next", () => {
  const path = newPath();
  const log = openBodyLog(path, { segmentBytes: 1_000 });
  for (let n = 0; n < 3; n += 1) log.settle(log.append([aBody({ body: bytesOf(1_000, n) })]));
  expect(segments(path)).toHaveLength(3);
  log.close();
});

test("a segment goes when no row is in it, and not while rows may still come", () => {
  const path = newPath();
  const log = openBodyLog(path, { segmentBytes: 10 });
  const settled = log.append([aBody({ body: bytesOf(100, 1) })]);
  log.settle(settled);
  log.append([aBody({ body: bytesOf(100, 2) })]);
  log.append([aBody({ body: bytesOf(100, 3) })]);
  log.prune(new Set());
  expect(segments(path)).toEqual(["00000002.bodies", "00000003.bodies"]);
  log.close();
});

test("what is not there is said, and never made up", () => {
  const path = newPath();
  const log = openBodyLog(path);
  const [place] = log.append([aBody({ body: bytesOf(1_000, 1) })]);
  truncateSync(join(bodyFolderOf(path), "00000001.bodies"), 500);
  expect(() => place && log.read(place)).toThrow(/ends before/);
  expect(log.problems(new Map([[1, 1_000]]))).toHaveLength(1);
  log.close();
});

test("whole bodies are found without the database, up to the first that is cut", () => {
  const path = newPath();
  const log = openBodyLog(path);
  const { body: _body, ...about } = aBody();
  log.append([aBody({ body: bytesOf(10, 1) }), aBody({ body: bytesOf(20, 2) })]);
  log.close();
  appendFileSync(join(bodyFolderOf(path), "00000001.bodies"), "AgLb\0\0\0\x01\0\0\x10\0x");
  expect([...loggedBodies(path)].map(({ bytes, body }) => [bytes, body.format])).toEqual([
    [10, about.format],
    [20, about.format],
  ]);
});

test("a store keeps large bodies beside its file and gives them back to be mapped", async () => {
  const path = newPath();
  const store = await openStore(path);
  await store.appendBodies([large(7)]);
  await store.appendBodies([aBody({ body: bytesOf(10, 8) })]);
  const bodies = await store.unmappedBodies(10);
  expect([bodies.map(({ body }) => body.byteLength), segments(path).length, statSync(path).size < 100_000 * 10]).toEqual([
    [100_000, 10],
    1,
    true,
  ]);
  expect(bodies[0]?.body).toEqual(bytesOf(100_000, 7));
  expect(await store.check()).toEqual([]);
  await store.close();
});

test("the rows of what was answered and not written yet come with the next start", async () => {
  const path = newPath();
  const store = await openStore(path);
  const [first, second] = [hex(32), hex(32)];
  await store.appendBodies([large(1, first)]);
  await store.status();
  await store.appendBodies([large(2, second)]);
  // What a kill -9 leaves: the files as they are now.
  const left = newPath();
  for (const part of ["", "-wal"]) copyFileSync(`${path}${part}`, `${left}${part}`);
  cpSync(bodyFolderOf(path), bodyFolderOf(left), { recursive: true });
  await store.close();
  const driver = openLibsqlDriver({ path: left });
  const rows = await driver.all("SELECT id FROM raw_body");
  await driver.close();
  const after = await openStore(left);
  const bodies = await after.unmappedBodies(10);
  expect([rows.length, bodies.map(({ body, traceIds }) => [body[0], ...traceIds])]).toEqual([
    1,
    [
      [1, first],
      [2, second],
    ],
  ]);
  await after.close();
  const again = await openStore(left);
  expect((await again.unmappedBodies(10)).map(({ body }) => body[0])).toEqual([1, 2]);
  await again.close();
});

// A body of 512 spans takes 40 ms to map, and so long every sender waited.
test("a large body is appended and answered while another is being mapped, and both are there", async () => {
  const path = newPath();
  const store = await openStore(path);
  await store.appendBodies([large(1)]);
  const [body] = await store.unmappedBodies(1);
  const traceId = hex(32);
  const done: string[] = [];
  const spans = Array.from({ length: 1_000 }, () => aSpan({ traceId }));
  const mapping = store.saveMapped([body?.id ?? 0], { spans, logs: [] }, T0).then(() => done.push("mapped"));
  await new Promise((resolve) => setImmediate(resolve));
  await store.appendBodies([large(2)]);
  done.push("appended");
  await mapping;
  expect([done, (await store.unmappedBodies(9)).map(({ body }) => body[0]), (await store.spansOf(traceId)).spans.length]).toEqual([
    ["appended", "mapped"],
    [2],
    1_000,
  ]);
  await store.close();
});

// The size of a file may be on the disk before its bytes are.
test("what a power cut left of an unanswered body keeps no store from opening", async () => {
  const path = newPath();
  const log = openBodyLog(path);
  const [whole] = log.append([large(1)]);
  const end = (whole?.at ?? 0) + (whole?.bytes ?? 0);
  const [segment = ""] = segments(path);
  const file = join(bodyFolderOf(path), segment);
  const record = readFileSync(file).subarray(12, end);
  // The head of another body of the same lengths, and zeros where its description and its bytes would be.
  appendFileSync(file, Buffer.concat([record.subarray(0, 12), new Uint8Array(record.byteLength - 12)]));
  const store = await openStore(path);
  expect((await store.unmappedBodies(10)).map(({ body }) => body)).toEqual([bytesOf(100_000, 1)]);
  await store.close();
});

test("a body that was deleted does not come back with the next start", async () => {
  const path = newPath();
  const store = await openStore(path);
  await store.appendBodies([large(1)]);
  await store.status();
  await store.appendBodies([large(2)]);
  const [deleted, kept] = await store.unmappedBodies(10);
  await store.close();
  const driver = openLibsqlDriver({ path });
  await driver.run("DELETE FROM raw_body WHERE id = ?", [deleted?.id]);
  await driver.run("DELETE FROM raw_body WHERE id = ?", [kept?.id]);
  await driver.close();
  const after = await openStore(path);
  expect(await after.unmappedBodies(10)).toEqual([]);
  await after.close();
});

test("while the rows of what was answered cannot be written, nothing more is answered", async () => {
  const path = newPath();
  const driver = openLibsqlDriver({ path });
  await migrate(driver, systemClock, path);
  const log = openBodyLog(path);
  let full = false;
  const index = createBodyIndex(
    {
      ...driver,
      transaction: async (work) => {
        if (full) throw new LearnError("unavailable", "the disk is full");
        return driver.transaction(work);
      },
    },
    log,
  );
  const count = async () => (await index.driver.all("SELECT count(*) AS n FROM raw_body"))[0]?.["n"];
  await index.append([large(1)]);
  full = true;
  expect(await count()).toBe(0);
  const before = log.bytes();
  await expect(index.append([large(2)])).rejects.toMatchObject({ code: "unavailable" });
  expect(log.bytes()).toBe(before);
  full = false;
  await index.append([large(3)]);
  expect(await count()).toBe(2);
  await index.close();
  await driver.close();
  log.close();
});

test("retention deletes the segments of deleted bodies", async () => {
  const path = newPath();
  const store = await openStore(path);
  await store.appendBodies([large(1)]);
  const [body] = await store.unmappedBodies(1);
  await store.saveMapped([body?.id ?? 0], { spans: [], logs: [] }, T0);
  await store.close();
  const later = await openStore(path);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await later.retain({ rawRetentionDays: 1e-9, traceRetentionDays: 0 });
  expect(segments(path)).toEqual([]);
  await later.close();
});

test("a backup is one file with all bodies in it", async () => {
  const path = newPath();
  const store = await openStore(path);
  await store.appendBodies([large(3), large(4)]);
  const file = newPath();
  await store.backup(file);
  await store.close();
  const copy = await openStore(file);
  expect([(await copy.unmappedBodies(10)).map(({ body }) => body[0]), segments(file)]).toEqual([[3, 4], []]);
  await copy.close();
});

test("bodies come back into a recovered store, also those whose rows are gone", async () => {
  const path = newPath();
  const store = await openStore(path);
  const [known, forgotten] = [hex(32), hex(32)];
  await store.appendBodies([large(5, known)]);
  await store.appendBodies([large(6, forgotten)]);
  await store.close();
  const driver = openLibsqlDriver({ path });
  await driver.run("DELETE FROM raw_body WHERE id = 2");
  // What damage does: the table of places is no more, the segments are.
  await driver.run("DROP TABLE body_place");
  await driver.close();
  const report = await recoverStore({ path, name: "test", clock: noClock });
  const after = await openStore(path);
  const bodies = await after.unmappedBodies(10);
  expect([report.aside !== undefined, existsSync(bodyFolderOf(report.aside ?? "")), segments(path)]).toEqual([true, true, []]);
  expect(bodies.map(({ body, traceIds }) => [body[0], traceIds[0]]).sort()).toEqual([
    [5, known],
    [6, forgotten],
  ]);
  await after.close();
});
