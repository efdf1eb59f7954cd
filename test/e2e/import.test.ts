import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Collector, startCollector } from "../../collector/main.ts";
import { agentlearn, CLI, cliEnvironment, imported, payloads, postPayloads, runsIn, runsOf } from "../support/import-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "agentlearn-import-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let made = 0;
const newStore = (): string => join(folder, `store-${made++}.db`);

async function withCollector<T>(work: (collector: Collector & { readonly path: string }) => Promise<T>): Promise<T> {
  const path = newStore();
  const collector = await startCollector({ store: `file:${path}`, otlpHttpPort: 0, otlpGrpcPort: 0, apiPort: 0 });
  try {
    return await work({ ...collector, path });
  } finally {
    await collector.close();
  }
}

/** The runs of the recorded payloads when they are posted as an exporter would. */
async function receivedRuns(): Promise<readonly object[]> {
  return withCollector(async ({ otlpHttpUrl, store }) => {
    await postPayloads(otlpHttpUrl, payloads);
    await store.drain();
    return runsOf(store);
  });
}

describe("the recorded payloads", () => {
  let received: readonly object[] = [];
  beforeAll(async () => {
    received = await receivedRuns();
  });

  test("give the same runs as when they are sent to a collector", async () => {
    const store = newStore();
    const { runs } = await imported(...payloads, "--store", `file:${store}`);
    expect(received.length).toBeGreaterThan(20);
    expect(await runsIn(store)).toEqual(received);
    expect(runs).toEqual({ new: received.length, total: received.length });
  });

  test("give no second runs when they are imported again", async () => {
    const store = newStore();
    await imported(...payloads, "--store", `file:${store}`);
    expect((await imported(...payloads, "--store", `file:${store}`)).runs.new).toBe(0);
    expect(await runsIn(store)).toEqual(received);
  });

  test("give the same runs through standard input as lines", async () => {
    const store = newStore();
    const lines = payloads.map((path) => JSON.stringify(JSON.parse(readFileSync(path, "utf8")))).join("\n");
    const { code } = await agentlearn(["import", "-", "--store", `file:${store}`], lines);
    expect(code).toBe(0);
    expect(await runsIn(store)).toEqual(received);
  });

  test("go into the store of a running collector, through it", async () => {
    await withCollector(async ({ store, path }) => {
      await imported(...payloads, "--store", `file:${path}`);
      expect(await runsOf(store)).toEqual(received);
    });
  });

  test("reach another collector with --to, and no store is made here", async () => {
    await withCollector(async ({ otlpHttpUrl, store }) => {
      const unused = newStore();
      const { refused } = await imported(...payloads, "--to", otlpHttpUrl, "--header", "x-team=a", "--store", `file:${unused}`);
      await store.drain();
      expect(await runsOf(store)).toEqual(received);
      expect(refused).toBe(0);
      expect(existsSync(unused)).toBe(false);
    });
  });

  test("that a receiver refuses stop --to with file and line", async () => {
    await withCollector(async ({ apiUrl }) => {
      const { code, stderr } = await agentlearn(["import", payloads[0] ?? "", "--to", apiUrl]);
      expect(code).toBe(3);
      expect(stderr).toContain(`${payloads[0]}: ${apiUrl}/v1/traces refused it: 404`);
    });
  });
});

/** What the API of Jaeger 1.65 answered for each trace, after these payloads were sent to it over OTLP/HTTP. It keeps no logs, so those whose content comes as logs are left out. */
const JAEGER = "test/fixtures/jaeger";

describe("what a real Jaeger gave back", () => {
  test.each(readdirSync(JAEGER))("of %s gives the runs that it was sent", async (name) => {
    const [direct, through] = [newStore(), newStore()];
    await imported(`test/fixtures/spans/${name}`, "--store", `file:${direct}`);
    await imported(join(JAEGER, name), "--store", `file:${through}`);
    const sent = await runsIn(direct);
    expect(sent.length).toBeGreaterThanOrEqual(4);
    expect(await runsIn(through)).toEqual(sent);
  });
});

describe("what can't be imported", () => {
  const good = JSON.stringify(JSON.parse(readFileSync(payloads[0] ?? "", "utf8")));
  const bad = join(folder, "bad.jsonl");
  writeFileSync(bad, `${good}\n{"resourceSpans":[\n${good}\n`);

  test("stops at the first bad line with 3, and says how to go on", async () => {
    const { code, stderr } = await agentlearn(["import", bad, "--store", `file:${newStore()}`]);
    expect(code).toBe(3);
    expect(stderr).toContain(`${bad} line 2: it is not JSON`);
    expect(stderr).toContain("--skip-bad-lines");
  });

  test("is left out with --skip-bad-lines, with 0 and the count", async () => {
    const { files } = await imported(bad, "--skip-bad-lines", "--store", `file:${newStore()}`);
    expect(files).toMatchObject([{ file: bad, format: "otlp-json-lines", skipped: 1 }]);
  });

  test.each([
    ["a missing file among good ones", [bad, join(folder, "gone.jsonl")], "there is no file"],
    ["a folder", [folder], "is a folder"],
    ["another kind of file", ["package.json"], "none of the files that can be imported"],
    ["a header without =", [bad, "--to", "http://127.0.0.1:1", "--header", "secret"], "a --header has no ="],
    ["a header without --to", [bad, "--header", "a=b"], "--header is for --to"],
    ["a receiver that is no URL", [bad, "--to", "localhost:4318"], "is not a URL"],
    ["an unknown format", [bad, "--format", "csv"], "Allowed choices"],
    ["no file", [], "missing required argument"],
  ])("%s ends with 3 before a store is made", async (_what, args, message) => {
    const store = newStore();
    const { code, stderr } = await agentlearn(["import", ...args, "--store", `file:${store}`]);
    expect(stderr).toContain(message);
    expect(code).toBe(3);
    expect(existsSync(store)).toBe(false);
  });
});

/** One line with a run of an agent, its model call and a text of `pad` characters. */
function lineOf(index: number, pad: number): string {
  const traceId = (index + 1).toString(16).padStart(32, "0");
  const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
  const at = 1_760_000_000_000_000_000n + BigInt(index) * 1_000_000n;
  const span = (spanId: string, parentSpanId: string, operation: string, content: string) => ({
    traceId,
    spanId,
    parentSpanId,
    name: operation,
    kind: 1,
    startTimeUnixNano: String(at),
    endTimeUnixNano: String(at + 5_000_000n),
    attributes: [
      text("gen_ai.operation.name", operation),
      text("gen_ai.input.messages", JSON.stringify([{ role: "user", parts: [{ type: "text", content }] }])),
      text("gen_ai.output.messages", JSON.stringify([{ role: "assistant", parts: [{ type: "text", content: "done" }] }])),
    ],
  });
  const spans = [
    span("00000000000000a1", "", "invoke_agent", `task ${index}`),
    span("00000000000000a2", "00000000000000a1", "chat", "x".repeat(pad)),
  ];
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
}

async function linesFile(count: number, pad: number): Promise<string> {
  const path = join(folder, `lines-${made++}.jsonl`);
  const stream = createWriteStream(path);
  for (let index = 0; index < count; index += 1) {
    if (!stream.write(`${lineOf(index, pad)}\n`)) await new Promise<void>((resolve) => stream.once("drain", () => resolve()));
  }
  await new Promise<void>((resolve) => stream.end(resolve));
  return path;
}

describe("killed in the middle", () => {
  const journalsOf = (store: string): string[] =>
    readdirSync(folder).filter((name) => name.startsWith(`${basename(store)}-import-`) && name.endsWith(".json"));

  async function killedOnceBegun(file: string, store: string, signal: NodeJS.Signals): Promise<number | null> {
    const child: ChildProcess = spawn(process.execPath, [CLI, "import", file, "--store", `file:${store}`], {
      env: cliEnvironment,
      stdio: "ignore",
    });
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    while (journalsOf(store).length === 0 && child.exitCode === null) await sleep(2);
    child.kill(signal);
    return ended;
  }

  test("with -9, a second run goes on and the result is that of one run", async () => {
    const file = await linesFile(2_000, 1_000);
    const [whole, broken] = [newStore(), newStore()];
    await imported(file, "--store", `file:${whole}`);
    expect(await killedOnceBegun(file, broken, "SIGKILL")).toBeNull();
    expect(journalsOf(broken)).toHaveLength(1);
    const { files, runs } = await imported(file, "--store", `file:${broken}`);
    expect(files[0]?.resumedAfter).toBeGreaterThan(0);
    expect(files[0]?.resumedAfter).toBeLessThan(2_000);
    expect(files[0]?.bodies).toBe(2_000);
    expect(runs.total).toBe(2_000);
    expect(journalsOf(broken)).toEqual([]);
    expect(await runsIn(broken)).toEqual(await runsIn(whole));
  });

  test("with SIGINT it ends with 2 by itself, and a second run goes on", async () => {
    const file = await linesFile(2_000, 1_000);
    const store = newStore();
    expect(await killedOnceBegun(file, store, "SIGINT")).toBe(2);
    const { files, runs } = await imported(file, "--store", `file:${store}`);
    expect(files[0]?.resumedAfter).toBeGreaterThan(0);
    expect(runs.total).toBe(2_000);
  });

  test("a store that was removed since then gets the whole file", async () => {
    const file = await linesFile(1_000, 1_000);
    const store = newStore();
    await killedOnceBegun(file, store, "SIGKILL");
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${store}${suffix}`, { force: true });
    const { files, runs } = await imported(file, "--store", `file:${store}`);
    expect(files[0]?.resumedAfter).toBe(0);
    expect(runs.total).toBe(1_000);
  });
});

test("a file of 50 MB needs no more than 150 MiB above a file of one line", async () => {
  const measure = join(folder, "measure.mjs");
  writeFileSync(measure, 'process.on("exit", () => console.error("maxRSS=" + process.resourceUsage().maxRSS));');
  const peakMiB = async (file: string): Promise<number> => {
    const { code, stderr } = await agentlearn(["import", "--json", file, "--store", `file:${newStore()}`], "", ["--import", measure]);
    expect(code).toBe(0);
    return Number(/maxRSS=(\d+)/.exec(stderr)?.[1]) / 1024;
  };
  const small = await peakMiB(await linesFile(1, 10));
  const file = await linesFile(5_000, 9_200);
  expect(readFileSync(file).byteLength).toBeGreaterThan(50_000_000);
  const large = await peakMiB(file);
  console.log(`peak RSS: ${Math.round(small)} MiB for one line, ${Math.round(large)} MiB for 50 MB`);
  expect(large - small).toBeLessThanOrEqual(150);
});
