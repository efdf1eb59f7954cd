import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../support/seeded-random.ts";
import { agentlearn, type Collector, endCollectors, newId, post, postUntil, startCollector, storedIds } from "./collector-under-fault.ts";

const folder = mkdtempSync(join(tmpdir(), "agentlearn-faults-"));
afterAll(() => {
  endCollectors();
  rmSync(folder, { recursive: true, force: true });
});

const lostOf = (acknowledged: ReadonlySet<string>, store: string): readonly string[] => {
  const stored = storedIds(store);
  return [...acknowledged].filter((id) => !stored.has(id));
};

test("SIGTERM under load, 20 times: exit 0 within 5 s, and nothing acknowledged is lost", async () => {
  const store = join(folder, "sigterm.db");
  const random = seededRandom(20);
  const acknowledged = new Set<string>();
  const exits: (number | null)[] = [];
  let slowestMs = 0;
  for (let round = 0; round < 20; round++) {
    const collector = await startCollector(store);
    let over = false;
    const clients = postUntil(collector, () => over, acknowledged);
    await sleep(80 + random() * 250);
    const began = performance.now();
    const ended = collector.end("SIGTERM");
    exits.push(await ended);
    slowestMs = Math.max(slowestMs, performance.now() - began);
    over = true;
    await clients;
  }
  expect(acknowledged.size).toBeGreaterThan(1_000);
  expect(lostOf(acknowledged, store)).toEqual([]);
  expect(exits).toEqual(exits.map(() => 0));
  expect(slowestMs).toBeLessThan(5_000);
});

describe("a full disk", () => {
  const disk = join(folder, "small-disk");
  let mounted = false;
  beforeAll(() => {
    mkdirSync(disk);
    mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", disk]).status === 0;
    if (!mounted) console.warn("skipped: a full disk, because no small disk can be mounted here (needs root)");
  });
  afterAll(() => {
    if (mounted) spawnSync("umount", [disk]);
  });

  test("is 503 with Retry-After 1, reads go on, and writing resumes by itself when there is space again", async (context) => {
    if (!mounted) return context.skip();
    const store = join(disk, "full.db");
    const filler = join(disk, "filler");
    writeFileSync(filler, Buffer.alloc(12 * 1024 * 1024));
    const collector = await startCollector(store);
    const acknowledged = new Set<string>();
    const refused = await fillUp(collector, acknowledged);
    expect(refused).toEqual({ status: 503, retryAfter: "1" });
    expect(acknowledged.size).toBeGreaterThan(10);
    for (let n = 0; n < 20; n++) expect(await post(collector, newId(), 500_000)).toEqual({ status: 503, retryAfter: "1" });
    expect((await fetch(`${collector.api}/api/v1/status`)).status).toBe(200);
    rmSync(filler);
    const late = newId();
    await expect.poll(async () => (await post(collector, late, 1_000)).status, { timeout: 5_000 }).toBe(200);
    acknowledged.add(late);
    expect(await collector.end("SIGTERM")).toBe(0);
    const copy = join(folder, "full.db");
    for (const part of ["", "-wal"]) if (existsSync(`${store}${part}`)) copyFileSync(`${store}${part}`, `${copy}${part}`);
    expect(lostOf(acknowledged, copy)).toEqual([]);
  });
});

/** Posts large bodies until the first one is refused, and gives that answer. */
async function fillUp(collector: Collector, acknowledged: Set<string>) {
  for (let n = 0; n < 1_000; n++) {
    const id = newId();
    const answer = await post(collector, id, 200_000);
    if (answer.status !== 200) return answer;
    acknowledged.add(id);
  }
  throw new Error("the disk did not fill");
}

describe("a disk that fails now and then", () => {
  const canTrace = spawnSync("strace", ["-f", "-o", "/dev/null", "-e", "trace=none", "true"]).status === 0;
  if (!canTrace) console.warn("skipped: failing disks, because strace is not here or may not trace");

  test.skipIf(!canTrace).each([
    // Mapping does not sync, so there are fewer of these.
    ["fsync", "fsync,fdatasync", 7],
    ["pwrite64", "pwrite64", 23],
  ])("no %s that failed is answered as if it had not", async (name, calls, every) => {
    const store = join(folder, `${name}.db`);
    const log = join(folder, `${name}.log`);
    // Made before: the disk is to fail under posts, and not under a start, which says so and ends.
    await (await startCollector(store)).end("SIGTERM");
    const filter = ["-f", "-qq", "-o", log, "-e", `trace=${calls}`, "-e", `inject=${calls}:error=EIO:when=120+${every}`];
    const collector = await startCollector(store, ["strace", ...filter]);
    const acknowledged = new Set<string>();
    const began = performance.now();
    await postUntil(collector, () => performance.now() - began > 6_000, acknowledged, 4);
    expect((await post(collector, newId()).catch(() => ({ status: 503 }))).status).toBeOneOf([200, 503]);
    await collector.end("SIGKILL");
    const injected = readFileSync(log, "utf8").split("(INJECTED)").length - 1;
    console.info(`${name}: ${injected} faults, ${acknowledged.size} acknowledged`);
    expect(injected).toBeGreaterThan(10);
    expect(acknowledged.size).toBeGreaterThan(50);
    expect((await agentlearn("store", "check", "--store", `file:${store}`)).stdout).toContain("sound");
    expect(lostOf(acknowledged, store)).toEqual([]);
  });
});

describe("a damaged file", () => {
  const sound = join(folder, "sound.db");
  const acknowledged = new Set<string>();
  let size = 0;
  beforeAll(async () => {
    const collector = await startCollector(sound);
    for (let n = 0; n < 300; n++) {
      const id = newId();
      expect((await post(collector, id, 2_000)).status).toBe(200);
      acknowledged.add(id);
    }
    expect(await collector.end("SIGTERM")).toBe(0);
    expect((await agentlearn("status", "--store", `file:${sound}`)).code).toBe(0);
    size = readFileSync(sound).length;
  });

  const PAGE = 16_384;
  const seeds = Array.from({ length: 30 }, (_, seed) => seed);

  test.each(seeds)("seed %i is noticed or harmless, kept byte for byte, and its rows come back", async (seed) => {
    const random = seededRandom(seed);
    const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
    const path = join(folder, `damaged-${seed}.db`);
    const bytes = readFileSync(sound);
    const kind = (["header", "page", "cut", "log", "pages"] as const)[seed % 5];
    if (kind === "header") noise(1 + Math.floor(random() * 99)).copy(bytes, 0);
    for (let n = kind === "page" ? 1 : kind === "pages" ? 4 : 0; n > 0; n--) {
      noise(PAGE).copy(bytes, Math.floor(random() * (size / PAGE)) * PAGE);
    }
    const damaged = kind === "cut" ? bytes.subarray(0, Math.floor(size * (0.3 + 0.65 * random()))) : bytes;
    writeFileSync(path, damaged);
    if (kind === "log") writeFileSync(`${path}-wal`, noise(40_000));

    const collector = await startCollector(path);
    expect(collector.readyMs).toBeLessThan(5_000);
    expect((await post(collector, newId())).status).toBe(200);
    const said = collector.stderr();
    expect(await collector.end("SIGTERM")).toBe(0);

    const aside = readdirSync(folder).find((name) => name.startsWith(`${basename(path)}.corrupt-`) && !/-(shm|wal)$/.test(name));
    if (aside === undefined) {
      expect(lostOf(acknowledged, path)).toEqual([]);
      expect((await agentlearn("store", "check", "--store", `file:${path}`)).stdout).toContain("sound");
      if (kind === "log") expect(readdirSync(folder).some((name) => /damaged-\d+\.db\.corrupt-.*-wal$/.test(name))).toBe(true);
      return;
    }
    const kept = join(dirname(path), aside);
    expect(readFileSync(kept).equals(damaged)).toBe(true);
    for (const part of [path, kept, "agentlearn store recover"]) expect(said).toContain(part);
    const recovered = await agentlearn("store", "recover", "--from", kept, "--store", `file:${path}`, "--json");
    expect([recovered.code, recovered.stderr]).toEqual([0, ""]);
    expect(readFileSync(kept).equals(damaged)).toBe(true);
    expect((await agentlearn("store", "check", "--store", `file:${path}`)).stdout).toContain("sound");
    const stored = storedIds(path);
    const back = [...acknowledged].filter((id) => stored.has(id)).length / acknowledged.size;
    console.info(`seed ${seed}, ${kind}: ${(100 * back).toFixed(0)} % of the bodies are back`);
    // A page of noise takes the rows on it; a cut takes what lies behind it. What was not touched is there.
    if (kind === "page" || kind === "header") expect(back).toBeGreaterThan(0.9);
  });

  test("other commands refuse it and say what brings it back", async () => {
    const path = join(folder, "refused.db");
    writeFileSync(path, Buffer.concat([Buffer.alloc(100, 7), readFileSync(sound).subarray(100)]));
    for (const command of [["status"], ["traces", "list"], ["knowledge", "list"], ["store", "compact"]]) {
      const { code, stderr } = await agentlearn(...command, "--store", `file:${path}`);
      expect([code, stderr]).toEqual([3, expect.stringContaining("agentlearn store recover")]);
    }
    expect((await agentlearn("store", "recover", "--store", `file:${path}`)).code).toBe(0);
    expect((await agentlearn("status", "--store", `file:${path}`)).code).toBe(0);
    expect(lostOf(acknowledged, path)).toEqual([]);
  });
});

test("check, compact and backup work through a running owner; recover is refused while there is one", async () => {
  const store = join(folder, "owned.db");
  const collector = await startCollector(store);
  const id = newId();
  await post(collector, id);
  const at = ["--store", `file:${store}`, "--json"];
  expect(JSON.parse((await agentlearn("store", "check", ...at)).stdout)).toMatchObject({ problems: [] });
  expect(JSON.parse((await agentlearn("store", "compact", ...at)).stdout)).toMatchObject({ rawRetentionDays: 7, bodies: 0 });
  const copy = join(folder, "copy.db");
  expect((await agentlearn("store", "backup", copy, ...at)).code).toBe(0);
  expect([...storedIds(copy)]).toEqual([id]);
  const again = await agentlearn("store", "backup", copy, ...at);
  expect([again.code, again.stderr]).toEqual([4, expect.stringContaining(copy)]);
  const refused = await agentlearn("store", "recover", ...at);
  expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining("agentlearn up")]);
  expect(await collector.end("SIGTERM")).toBe(0);
});
