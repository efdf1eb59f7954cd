import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Collector, startCollector } from "../../collector/main.ts";
import { decodeBody } from "../../src/span/otlp/decode-body.ts";
import type { Store } from "../../src/store/ports.ts";
import { freePort } from "../support/free-port.ts";
import {
  agentAttributes,
  configurationIn,
  hasOtelcol,
  hexOf,
  listensOn,
  type Otelcol,
  runOf,
  type SentSpan,
  sendLogsTo,
  sendTo,
  startOtelcol,
  traceIdOf,
} from "../support/otelcol.ts";
import { startReceiver, type TestReceiver } from "../support/receiver.ts";

const REFUSED = /Permanent error|Dropping data|not retryable/i;
async function tasksIn(store: Store): Promise<readonly string[]> {
  await store.drain();
  return (await store.listTraces({ limit: 1_000 })).map(({ task }) => task).sort();
}

describe.skipIf(!hasOtelcol)("behind a real Collector", () => {
  const folder = mkdtempSync(join(tmpdir(), "agentlearn-otelcol-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const folderFor = (name: string): string => mkdtempSync(join(folder, `${name}-`));

  describe("with the configuration of README", () => {
    const own = folderFor("readme");
    let collector: Collector;
    let otelcol: Otelcol;
    let port: number;
    let ownPort: number;

    const start = () => startCollector({ store: `file:${join(own, "c.db")}`, otlpHttpPort: ownPort, otlpGrpcPort: 0, apiPort: 0 });
    const send = (traceId: string, task: string) =>
      sendTo(port, [
        { traceId, spanId: hexOf(0xa1, 16), name: "invoke_agent shop", attributes: agentAttributes(task) },
        { traceId, spanId: hexOf(0xa2, 16), name: "GET /", attributes: { "http.request.method": "GET" } },
      ]);

    beforeAll(async () => {
      [port, ownPort] = [await freePort(), await freePort()];
      const yaml = configurationIn("README.md", "## Use it from anything that speaks OTLP", {
        "127.0.0.1:14318": `127.0.0.1:${port}`,
        "http://127.0.0.1:4318": `http://127.0.0.1:${ownPort}`,
      });
      collector = await start();
      otelcol = await startOtelcol(own, yaml, () => listensOn(port));
    });
    afterAll(async () => {
      await otelcol?.stop();
      await collector?.close();
    });

    test("what is GenAI arrives, and the rest was filtered before", async () => {
      expect(await send("11".repeat(16), "how many?")).toBe(200);
      await expect.poll(() => tasksIn(collector.store), { timeout: 20_000 }).toContain("how many?");
      expect((await collector.store.spansOf("11".repeat(16))).spans.map(({ name }) => name)).toEqual(["invoke_agent shop"]);
    });

    test("what is sent while we are down waits in its queue and arrives afterwards", async () => {
      await collector.close();
      expect(await send("22".repeat(16), "while away")).toBe(200);
      await new Promise((wait) => setTimeout(wait, 1_500));
      collector = await start();
      await expect.poll(() => tasksIn(collector.store), { timeout: 30_000 }).toContain("while away");
    });

    test("no export of it was ever refused", () => {
      expect(otelcol.said()).not.toMatch(REFUSED);
    });
  });

  describe("that samples by the tail for another backend (docs/collector.md)", () => {
    const own = folderFor("sampling");
    let collector: Collector;
    let backend: TestReceiver;
    let otelcol: Otelcol;
    let port: number;

    beforeAll(async () => {
      [port, backend] = [await freePort(), await startReceiver("http")];
      collector = await startCollector({ store: `file:${join(own, "c.db")}`, otlpHttpPort: 0, otlpGrpcPort: 0, apiPort: 0 });
      const yaml = configurationIn("docs/collector.md", "## Beside tail sampling", {
        "127.0.0.1:14318": `127.0.0.1:${port}`,
        "http://127.0.0.1:4318": collector.otlpHttpUrl,
        "http://127.0.0.1:24318": backend.url,
      });
      otelcol = await startOtelcol(own, yaml, () => listensOn(port));
    });
    afterAll(async () => {
      await otelcol?.stop();
      await collector?.close();
      await backend?.close();
    });

    test("gets every run, while the backend gets the failed ones and few of the others", async () => {
      const runs = Array.from({ length: 60 }, (_unused, number) => runOf(number, { failed: number < 5 }));
      for (const run of runs) expect(await sendTo(port, run)).toBe(200);
      await expect.poll(async () => (await tasksIn(collector.store)).length, { timeout: 30_000 }).toBe(60);
      for (const run of runs) expect((await collector.store.spansOf(run[0]?.traceId ?? "")).spans).toHaveLength(3);

      const sampled = () => new Set(backend.bodies.flatMap((body) => decodeBody(body).batch.spans.map(({ traceId }) => traceId)));
      const failed = Array.from({ length: 5 }, (_unused, number) => traceIdOf(number));
      await expect.poll(() => failed.filter((traceId) => sampled().has(traceId)).length, { timeout: 30_000 }).toBe(5);
      // Its timer decides for all traces of one second at once; these came within one or two.
      await new Promise((wait) => setTimeout(wait, 3_000));
      expect(sampled().size).toBeGreaterThan(5);
      expect(sampled().size).toBeLessThan(30);
      expect(otelcol.said()).not.toMatch(REFUSED);
    });
  });

  describe("that balances by trace id over two receivers (docs/collector.md)", () => {
    const own = folderFor("balance");
    let collectors: readonly Collector[];
    let otelcol: Otelcol;
    let port: number;

    beforeAll(async () => {
      port = await freePort();
      const started = (name: string) => startCollector({ store: `file:${join(own, name)}`, otlpHttpPort: 0, otlpGrpcPort: 0, apiPort: 0 });
      const [first, second] = [await started("first.db"), await started("second.db")];
      collectors = [first, second];
      const yaml = configurationIn("docs/collector.md", "## More than one receiver", {
        "127.0.0.1:14318": `127.0.0.1:${port}`,
        "127.0.0.1:4317": new URL(first.otlpGrpcUrl).host,
        "127.0.0.1:5317": new URL(second.otlpGrpcUrl).host,
      });
      otelcol = await startOtelcol(own, yaml, () => listensOn(port));
    });
    afterAll(async () => {
      await otelcol?.stop();
      for (const collector of collectors ?? []) await collector.close();
    });

    test("each run is whole in one of them and unknown to the other, though every span came by itself", async () => {
      const runs = Array.from({ length: 40 }, (_unused, number) => runOf(number));
      for (let index = 0; index < 3; index += 1) {
        await Promise.all(runs.map(async (run) => expect(await sendTo(port, run.slice(index, index + 1))).toBe(200)));
      }
      const spansIn = async ({ store }: Collector, run: readonly SentSpan[]) => (await store.spansOf(run[0]?.traceId ?? "")).spans.length;
      const perRun = async (): Promise<readonly (readonly number[])[]> => {
        for (const { store } of collectors) await store.drain();
        return Promise.all(runs.map((run) => Promise.all(collectors.map((collector) => spansIn(collector, run)))));
      };
      const whole = runs.map(() => [0, 3]);
      await expect.poll(async () => (await perRun()).map((counts) => [...counts].sort()), { timeout: 30_000 }).toEqual(whole);
      const tasks = (await Promise.all(collectors.map(({ store }) => tasksIn(store)))).flat();
      expect(tasks.sort()).toEqual(runs.map((_run, number) => `task ${number}`).sort());
      const perStore = await perRun();

      expect(await sendLogsTo(port, runs)).toBe(200);
      const logsIn = async ({ store }: Collector, run: readonly SentSpan[]) => (await store.spansOf(run[0]?.traceId ?? "")).logs.length;
      const logsPerRun = async () => {
        for (const { store } of collectors) await store.drain();
        return Promise.all(runs.map((run) => Promise.all(collectors.map((collector) => logsIn(collector, run)))));
      };
      // Not always beside their spans: it hashes the bytes of the id for spans and its hex text for log records. A shared store joins them.
      const once = runs.map(() => [0, 1]);
      await expect.poll(async () => (await logsPerRun()).map((counts) => [...counts].sort()), { timeout: 30_000 }).toEqual(once);
      for (const index of [0, 1]) expect(perStore.filter((counts) => counts[index] === 3).length).toBeGreaterThan(5);
      expect(otelcol.said()).not.toMatch(REFUSED);
    });
  });
});
