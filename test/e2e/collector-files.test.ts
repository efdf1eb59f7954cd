import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCollector } from "../../collector/main.ts";
import { freePort } from "../support/free-port.ts";
import { imported, payloads, postPayloads, runsIn, runsOf } from "../support/import-cli.ts";
import { configurationIn, hasOtelcol, listensOn, requestOf, runOf, startOtelcol } from "../support/otelcol.ts";
import { seededRandom } from "../support/seeded-random.ts";

const DOCUMENTED =
  "{ path: ./agentlearn-runs/runs.bin, create_directory: true, format: proto, compression: zstd, rotation: { max_megabytes: 100 } }";

/** Settings of the file exporter, without its path. */
const SETTINGS: Readonly<Record<string, string>> = {
  json: "",
  "json-zstd": ", compression: zstd",
  "json-rotated": ", rotation: { max_megabytes: 1 }",
  "json-zstd-rotated": ", compression: zstd, rotation: { max_megabytes: 1 }",
  proto: ", format: proto",
  "proto-zstd": ", format: proto, compression: zstd",
  "proto-rotated": ", format: proto, rotation: { max_megabytes: 1 }",
  "proto-zstd-rotated": ", format: proto, compression: zstd, rotation: { max_megabytes: 1 }",
};
const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const NAMES = Object.keys(SETTINGS);

const LARGE_RUNS = 64;

/** Runs whose texts no compression makes small: more than one file of 1 MB. */
async function postLargeRuns(otlpHttpUrl: string): Promise<void> {
  const random = seededRandom(1);
  const letter = () => String.fromCharCode(97 + Math.floor(random() * 26));
  for (let number = 0; number < LARGE_RUNS; number += 1) {
    const text = Array.from({ length: 40_000 }, letter).join("");
    const spans = runOf(number).map((span) => ({ ...span, attributes: { ...span.attributes, "gen_ai.output.messages": text } }));
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${otlpHttpUrl}/v1/traces`, { method: "POST", headers, body: requestOf(spans.slice(1)) });
    expect(answer.status).toBe(200);
  }
}

describe.skipIf(!hasOtelcol)("files of a real Collector", () => {
  const folder = mkdtempSync(join(tmpdir(), "agentlearn-files-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let received: readonly object[] = [];

  beforeAll(async () => {
    const store = `file:${join(folder, "received.db")}`;
    const collector = await startCollector({ store, otlpHttpPort: 0, otlpGrpcPort: 0, apiPort: 0 });
    await postPayloads(collector.otlpHttpUrl, payloads);
    await postLargeRuns(collector.otlpHttpUrl);
    await collector.store.drain();
    received = await runsOf(collector.store);
    await collector.close();
    expect(received.length).toBeGreaterThan(LARGE_RUNS + 20);
  });

  interface Writing {
    readonly flags?: readonly string[];
    readonly end?: "SIGTERM" | "SIGKILL";
  }
  async function written(own: string, replacements: Readonly<Record<string, string>>, { flags, end }: Writing = {}): Promise<void> {
    const port = await freePort();
    const replaced = { "127.0.0.1:14318": `127.0.0.1:${port}`, ...replacements };
    const yaml = configurationIn("docs/collector.md", "## To files, for later", replaced);
    const otelcol = await startOtelcol(own, yaml, () => listensOn(port), flags);
    await postPayloads(`http://127.0.0.1:${port}`, payloads);
    if (end === "SIGKILL") await new Promise((wait) => setTimeout(wait, 2_500));
    await postLargeRuns(`http://127.0.0.1:${port}`);
    await otelcol.stop(end);
  }
  const exporter = (name: string) => `file/${name}: { path: ./${name}/runs, create_directory: true${SETTINGS[name]} }`;
  /** One Collector that writes with all settings at once. */
  const withAllSettings = {
    [`file: ${DOCUMENTED}`]: NAMES.map(exporter).join("\n  "),
    "exporters: [file]": `exporters: [${NAMES.map((name) => `file/${name}`)}]`,
  };
  const filesIn = (folder: string): readonly string[] => readdirSync(folder).map((name) => join(folder, name));
  async function importedFrom(files: string): Promise<readonly object[]> {
    const paths = filesIn(files);
    const result = await imported(...paths, "--store", `file:${files}.db`);
    expect(result.files.map(({ skipped }) => skipped)).toEqual(paths.map(() => 0));
    return runsIn(`${files}.db`);
  }

  test("written as docs/collector.md shows give the same runs as when they are sent to us", async () => {
    const own = mkdtempSync(join(folder, "documented-"));
    await written(own, {});
    expect(await importedFrom(join(own, "agentlearn-runs"))).toEqual(received);
  });

  /** That the Collector did write in this way. */
  function expectWritten(name: string, files: readonly string[], magicAt: number): void {
    if (name.endsWith("-rotated")) expect(files.length).toBeGreaterThan(1);
    else expect(files).toHaveLength(1);
    const isZstd = (file: string) =>
      readFileSync(file)
        .subarray(magicAt, magicAt + 4)
        .equals(ZSTD_MAGIC);
    expect(files.filter(isZstd)).toEqual(name.includes("zstd") ? files : []);
  }

  describe("with every setting", () => {
    const own = mkdtempSync(join(folder, "messages-"));
    beforeAll(() => written(own, withAllSettings));

    test.each(NAMES)("%s gives the same runs as when they are sent to us", async (name) => {
      expectWritten(name, filesIn(join(own, name)), 4);
      expect(await importedFrom(join(own, name))).toEqual(received);
    });
  });

  const COMPRESSED = NAMES.filter((name) => name.includes("zstd"));
  const flags = ["--feature-gates=exporter.file.nativeCompression"];

  describe("compressed as a whole", () => {
    const own = mkdtempSync(join(folder, "whole-"));
    beforeAll(() => written(own, withAllSettings, { flags }));

    test.each(COMPRESSED)("%s gives the same runs as when they are sent to us", async (name) => {
      expectWritten(name, filesIn(join(own, name)), 0);
      expect(await importedFrom(join(own, name))).toEqual(received);
    });
  });

  describe("compressed as a whole, of a Collector that was killed", () => {
    const own = mkdtempSync(join(folder, "killed-"));
    beforeAll(() => written(own, withAllSettings, { flags, end: "SIGKILL" }));

    // It flushes every second, and the compressed data may end anywhere.
    test.each(["json-zstd", "proto-zstd"])(
      "%s gives what was flushed, and --skip-bad-lines passes over one cut end at most",
      async (name) => {
        const store = join(own, `${name}.db`);
        const { files } = await imported(...filesIn(join(own, name)), "--skip-bad-lines", "--store", `file:${store}`);
        expect(files.map(({ skipped }) => skipped <= 1)).toEqual([true]);
        const runs = (await runsIn(store)).map(idOf);
        expect(runs.filter((id) => !received.map(idOf).includes(id))).toEqual([]);
        expect(runs.length).toBeGreaterThanOrEqual(received.length - LARGE_RUNS);
      },
    );
  });
});

function idOf(run: object): string {
  return (run as { readonly id: string }).id;
}
