import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import type { SqlDriver } from "../../src/store/driver.ts";
import { openRemoteDriver } from "../../src/store/driver-remote.ts";
import type { SqlStore } from "../../src/store/local-store.ts";
import { openRemote } from "../../src/store/open-remote.ts";
import { freePort } from "../support/free-port.ts";
import {
  configurationIn,
  hasOtelcol,
  listensOn,
  type Otelcol,
  runOf,
  sendLogsTo,
  sendTo,
  startOtelcol,
  traceIdOf,
} from "../support/otelcol.ts";
import { hasSqld, type Sqld, startSqld } from "../support/sqld.ts";

const RUNS = 60;

interface Receiver {
  readonly ports: readonly [http: number, grpc: number, api: number];
  process: ChildProcess | undefined;
}

describe.skipIf(!(hasOtelcol && hasSqld))("two receivers behind one Collector, on one libSQL server", () => {
  const folder = mkdtempSync(join(tmpdir(), "agentlearn-shared-"));
  const receivers: Receiver[] = [];
  let server: Sqld;
  let otelcol: Otelcol;
  let port: number;
  let store: SqlStore;
  let driver: SqlDriver;

  /** Starts it, for the first time or again. */
  async function up(receiver: Receiver): Promise<void> {
    const [http, grpc, api] = receiver.ports.map(String);
    const flags = ["--otlp-http-port", http, "--otlp-grpc-port", grpc, "--api-port", api, "--quiet-ms", "1000"] as string[];
    receiver.process = spawn(process.execPath, ["dist/src/cli/main.js", "up", "--store", server.url, ...flags], { stdio: "ignore" });
    const healthy = async () => expect((await fetch(`http://127.0.0.1:${api}/healthz`)).status).toBe(200);
    await vi.waitFor(healthy, { timeout: 20_000, interval: 100 });
  }
  const end = async ({ process: child }: Receiver, signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  };
  const holder = async (): Promise<string> => String((await driver.all("SELECT holder FROM lease WHERE name = 'ingest'"))[0]?.["holder"]);
  const holds = (said: string, { process: child }: Receiver): boolean => said.includes(`pid ${child?.pid},`);

  /** Every span in a request of its own: the spans of a run meet only in the store. */
  async function send(from: number, to: number): Promise<void> {
    for (let index = 0; index < 3; index += 1) {
      for (let number = from; number < to; number += 1) {
        expect(await sendTo(port, runOf(number).slice(index, index + 1))).toBe(200);
      }
    }
  }
  /** The numbers of the runs that are there with their task and all their spans; fails when one is there twice. */
  async function wholeRuns(): Promise<readonly number[]> {
    const runs = await store.listTraces({ limit: 1_000 });
    const traceIds = runs.map(({ id }) => id.slice(0, 32));
    expect(new Set(traceIds).size).toBe(runs.length);
    const whole: number[] = [];
    for (let number = 0; number < 2 * RUNS; number += 1) {
      const found = runs[traceIds.indexOf(traceIdOf(number))];
      if (found === undefined) continue;
      const run = await store.getTrace(found.id);
      if (run.task === `task ${number}` && run.spanCount === 3 && run.steps.length === 2) whole.push(number);
    }
    return whole;
  }

  beforeAll(async () => {
    mkdirSync(join(folder, "sqld"));
    server = await startSqld(join(folder, "sqld"));
    for (let count = 0; count < 2; count += 1) {
      const receiver: Receiver = { ports: [await freePort(), await freePort(), await freePort()], process: undefined };
      receivers.push(receiver);
      await up(receiver);
    }
    [store, driver] = [await openRemote(server.url, systemClock), await openRemoteDriver({ url: server.url })];
    port = await freePort();
    const yaml = configurationIn("docs/collector.md", "## More than one receiver", {
      "127.0.0.1:14318": `127.0.0.1:${port}`,
      "127.0.0.1:4317": `127.0.0.1:${receivers[0]?.ports[1]}`,
      "127.0.0.1:5317": `127.0.0.1:${receivers[1]?.ports[1]}`,
    });
    otelcol = await startOtelcol(folder, yaml, () => listensOn(port));
  });
  afterAll(async () => {
    await otelcol?.stop();
    for (const receiver of receivers) await end(receiver, "SIGTERM");
    await store?.close();
    await driver?.close();
    server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const every = (count: number): readonly number[] => Array.from({ length: count }, (_unused, number) => number);

  test("every run is there once, with all its spans and log records", async () => {
    await send(0, RUNS);
    expect(
      await sendLogsTo(
        port,
        every(RUNS).map((number) => runOf(number)),
      ),
    ).toBe(200);
    await expect.poll(wholeRuns, { timeout: 60_000, interval: 500 }).toEqual(every(RUNS));
    expect((await store.status()).unmappedBodies).toBe(0);
    const logs = async () => Promise.all(every(RUNS).map(async (number) => (await store.spansOf(traceIdOf(number))).logs.length));
    await expect.poll(logs, { timeout: 20_000 }).toEqual(every(RUNS).map(() => 1));
  });

  test("after kill -9 of the one that maps the other goes on, and what was meant for the dead one waits for it", async () => {
    const said = await holder();
    const dead = receivers.find((receiver) => holds(said, receiver)) as Receiver;
    const living = receivers.find((receiver) => receiver !== dead) as Receiver;
    const sending = send(RUNS, 2 * RUNS);
    await end(dead, "SIGKILL");
    await sending;
    await expect.poll(async () => holds(await holder(), living), { timeout: 20_000 }).toBe(true);
    // Of 60 random ids one receiver gets fewer than 10 once in ten million times; these are the same in every run.
    await expect.poll(async () => (await wholeRuns()).length, { timeout: 30_000 }).toBeGreaterThan(RUNS + 10);

    await up(dead);
    await expect.poll(wholeRuns, { timeout: 60_000, interval: 500 }).toEqual(every(2 * RUNS));
    expect((await store.status()).unmappedBodies).toBe(0);
    expect(holds(await holder(), living)).toBe(true);
    expect(otelcol.said()).not.toMatch(/Permanent error|Dropping data|not retryable/i);
  });

  test("one that ends in order gives its place away at once", async () => {
    const said = await holder();
    const leaving = receivers.find((receiver) => holds(said, receiver)) as Receiver;
    const staying = receivers.find((receiver) => receiver !== leaving) as Receiver;
    await end(leaving, "SIGTERM");
    // A term that nobody gave up is over 6.7 s after its last renewal at the soonest.
    await expect.poll(async () => holds(await holder(), staying), { timeout: 6_000 }).toBe(true);
  });
});
