import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { openLibsqlDriver } from "../../src/store/driver-libsql.ts";
import { openStore } from "../../src/store/open.ts";
import { readOwner } from "../../src/store/owner.ts";
import { spoolFolder } from "../../src/store/spool.ts";
import { textOf } from "../../src/store/values.ts";
import { temporaryFolder } from "../unit/store/temporary.ts";
import { aSpan, hex } from "./store/factories.ts";
import { endProcesses, spawnStoreProcess } from "./store/spawn-process.ts";

endProcesses();
const inFolder = temporaryFolder();
let files = 0;
const newPath = () => inFolder(`${++files}.db`);
const own = (path: string, name: string) => ({ url: path, name, mode: "own", ingest: "on-demand" });
const share = (path: string, name: string) => ({ url: path, name, mode: "share", ingest: "on-demand" });

/** What is on disk, read without the store. The owner must be gone. */
async function bodiesIn(path: string): Promise<readonly string[]> {
  const driver = openLibsqlDriver({ path });
  const rows = await driver.all("SELECT body FROM raw_body");
  await driver.close();
  return rows.map((row) => textOf(row["body"]) ?? "");
}

describe("one process owns a file", () => {
  test("a second owner is refused, and told who the first is", async () => {
    const path = newPath();
    const first = spawnStoreProcess();
    await first.ask("open", own(path, "receiver"));
    const second = openStore({ url: `file:${path}`, name: "learner", mode: "own" });
    await expect(second).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining(`receiver (process ${first.pid}`) });
    await first.ask("close");
    const third = await openStore({ url: path, name: "learner", mode: "own" });
    await third.close();
  });

  test("the same file by another name is the same file", async () => {
    const path = newPath();
    const first = await openStore({ url: path, name: "one", mode: "own" });
    execFileSync("ln", ["-s", path, `${path}.link`]);
    await expect(openStore({ url: `${path}.link`, name: "two", mode: "own" })).rejects.toMatchObject({ code: "conflict" });
    await first.close();
  });

  test("kill -9 gives the file free at once and leaves no lock to remove", async () => {
    const path = newPath();
    const first = spawnStoreProcess();
    await first.ask("open", own(path, "receiver"));
    const socket = readOwner(path)?.socket ?? "";
    expect(existsSync(socket)).toBe(true);
    await first.kill();
    const next = await openStore({ url: path, name: "next", mode: "own" });
    expect(readOwner(path)).toMatchObject({ pid: process.pid, name: "next" });
    expect(existsSync(socket)).toBe(false);
    await next.close();
    expect(readOwner(path)).toBeUndefined();
  });

  test("kill -9 five times while appending: every answered body is there", async () => {
    const path = newPath();
    const answered: string[] = [];
    for (let round = 0; round < 5; round++) {
      const child = spawnStoreProcess();
      await child.ask("open", own(path, "receiver"));
      const client = async (lane: number): Promise<void> => {
        for (let n = 0; ; n++) {
          const text = `${round}-${lane}-${n}`;
          await child.ask("append", { text });
          answered.push(text);
        }
      };
      const clients = [0, 1, 2, 3].map((lane) => client(lane).catch(() => undefined));
      await new Promise((resolve) => setTimeout(resolve, 80 + round * 37));
      await child.kill();
      await Promise.all(clients);
    }
    const stored = new Set(await bodiesIn(path));
    expect(answered.length).toBeGreaterThan(20);
    expect(answered.filter((text) => !stored.has(text))).toEqual([]);
  });
});

describe("sharing a file", () => {
  test("another process reads and writes through the owner", async () => {
    const path = newPath();
    const owner = spawnStoreProcess();
    await owner.ask("open", own(path, "receiver"));
    const guest = await openStore({ url: path, name: "agent", mode: "share" });
    await guest.saveEvalCases([{ id: "c1", task: "2+2", tags: [], mustPass: true, createdAtUs: 1 }]);
    expect(await owner.ask("call", { method: "listEvalCases", args: [] })).toMatchObject([{ id: "c1" }]);
    await owner.ask("append", { text: "by the owner" });
    const [body] = await guest.unmappedBodies(1);
    expect(textOf(body?.body ?? null)).toBe("by the owner");
    await expect(guest.getTrace("nothing")).rejects.toMatchObject({ code: "not-found", hint: expect.any(String) });
    await guest.close();
    expect(await owner.ask("call", { method: "listEvalCases", args: [] })).toHaveLength(1);
  });

  test("whoever shares a file that nobody owns becomes its owner", async () => {
    const path = newPath();
    const store = await openStore({ url: path, name: "agent", mode: "share" });
    expect(readOwner(path)).toMatchObject({ name: "agent" });
    await store.close();
  });

  test("several start at once: one owns, all work", async () => {
    const path = newPath();
    const stores = await Promise.all(["a", "b", "c"].map((name) => openStore({ url: path, name, mode: "share" })));
    await Promise.all(
      stores.map((store, n) => store.saveEvalCases([{ id: `c${n}`, task: "t", tags: [], mustPass: true, createdAtUs: n }])),
    );
    expect(await stores[0]?.listEvalCases()).toHaveLength(3);
    for (const store of stores) await store.close();
  });

  test("a guest goes on when the owner is killed: its next call owns the file", async () => {
    const path = newPath();
    const owner = spawnStoreProcess();
    await owner.ask("open", own(path, "receiver"));
    const guest = await openStore({ url: path, name: "agent", mode: "share" });
    await guest.status();
    await owner.kill();
    expect(await guest.check()).toEqual([]);
    expect(readOwner(path)).toMatchObject({ name: "agent" });
    await guest.close();
  });

  test("a guest's spans go into the spool, and the owner takes them in within seconds", async () => {
    const path = newPath();
    const traceId = hex(32);
    const owner = await openStore({ url: path, name: "receiver", mode: "own", ingest: "on-demand" });
    const guest = spawnStoreProcess();
    await guest.ask("writer", share(path, "agent"));
    await guest.ask("submit", { batch: { spans: [aSpan({ traceId }), aSpan({ traceId })], logs: [] } });
    await guest.ask("flush", { timeoutMs: 5_000 });
    expect(await guest.ask("counts")).toEqual({ submitted: 2, dropped: 0, failed: 0 });
    await expect
      .poll(async () => (await owner.unmappedBodies(10)).map((body) => [body.format, body.traceIds]), { timeout: 5_000 })
      .toEqual([["batch", [traceId]]]);
    // A file goes only after its commit, so a reader may see both for a moment.
    await expect.poll(() => readdirSync(spoolFolder(path)), { timeout: 5_000 }).toEqual([]);
    await owner.close();
  });

  test("what is in the spool when an owner starts is taken in", async () => {
    const path = newPath();
    const first = await openStore({ url: path, name: "receiver", mode: "own", ingest: "on-demand" });
    const guest = spawnStoreProcess();
    await guest.ask("writer", share(path, "agent"));
    await guest.ask("call", { method: "status", args: [] });
    await guest.ask("submit", { batch: { spans: [aSpan()], logs: [] } });
    await Promise.all([first.close(), guest.ask("flush", { timeoutMs: 5_000 })]);
    await guest.kill();
    const next = await openStore({ url: path, name: "next", mode: "own", ingest: "on-demand" });
    await expect.poll(async () => (await next.unmappedBodies(10)).length, { timeout: 5_000 }).toBe(1);
    await next.close();
  });
});

/** False where the copy lies in a folder that is closed to others, as a fresh temporary folder is. */
function nobodyReads(path: string): boolean {
  const look = `require("node:fs").accessSync(${JSON.stringify(resolve(path))})`;
  return spawnSync("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, "-e", look]).status === 0;
}

describe("a place that cannot hold a store", () => {
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const canSwitch = process.getuid?.() === 0 && existsSync("/usr/bin/setpriv") && nobodyReads("dist/src/writer.js");
  if (!canSwitch)
    console.warn("skipped: read-only places, because no process can be started here as a user without rights who can read this copy");

  test("a folder under a regular file is refused with its path", async () => {
    const file = inFolder("plain");
    writeFileSync(file, "");
    await expect(openStore({ url: `${file}/x.db`, name: "test" })).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining(`${file}/x.db`),
      hint: expect.any(String),
    });
  });

  test.skipIf(!canSwitch)("a read-only folder and a read-only file are refused with the path and what to do", async () => {
    chmodSync(inFolder(), 0o755);
    const folder = inFolder("locked");
    mkdirSync(folder, { mode: 0o755 });
    const child = spawnStoreProcess(nobody);
    const refused = { code: "invalid", message: expect.stringContaining(`${folder}/x.db`), hint: expect.stringMatching(/writ/) };
    await expect(child.ask("open", own(`${folder}/x.db`, "n"))).rejects.toMatchObject(refused);
    const store = await openStore({ url: `${folder}/x.db`, name: "root", mode: "own" });
    await store.close();
    await expect(child.ask("open", own(`${folder}/x.db`, "n"))).rejects.toMatchObject(refused);
    chownSync(folder, 65534, 65534);
    await expect(child.ask("open", own(`${folder}/x.db`, "n"))).rejects.toMatchObject(refused);
  });

  test("a bad url and a file that is no database are refused", async () => {
    await expect(openStore({ url: "postgres://x", name: "test" })).rejects.toMatchObject({ code: "invalid" });
    const path = newPath();
    writeFileSync(path, "text ".repeat(1000));
    await expect(openStore({ url: path, name: "test" })).rejects.toMatchObject({
      code: "invalid",
      hint: expect.stringContaining("agentlearn store recover"),
    });
  });
});
