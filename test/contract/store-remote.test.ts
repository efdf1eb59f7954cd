import { afterAll, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { createDiagnosis } from "../../src/learner/diagnose.ts";
import { createIngest as createIngestOf } from "../../src/learner/ingest.ts";
import { bodyOfBatch } from "../../src/store/batch-body.ts";
import { openRemoteDriver } from "../../src/store/driver-remote.ts";
import type { SqlStore } from "../../src/store/local-store.ts";
import { openStore } from "../../src/store/open.ts";
import { openRemote } from "../../src/store/open-remote.ts";
import { createOwnerRole } from "../../src/store/owner-role.ts";
import type { Role } from "../../src/store/role.ts";
import { hasSqld, type Sqld, startSqld } from "../support/sqld.ts";
import { temporaryFolder } from "../unit/store/temporary.ts";
import { describeStore } from "./store/describe-store.ts";
import { aLesson, aSpan, hex, T0 } from "./store/factories.ts";

const inFolder = temporaryFolder();
const servers: Sqld[] = [];
afterAll(() => {
  for (const server of servers) server.stop();
});

async function startServer(): Promise<string> {
  const server = await startSqld(inFolder(`sqld-${servers.length}`));
  servers.push(server);
  return server.url;
}

describe.skipIf(!hasSqld)("on a libSQL server", () => {
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

  test("of two clients one maps and assembles, and the other when that one ends; what is appended by either is mapped", async () => {
    const url = await startServer();
    const steps = { first: 0, second: 0 };
    const client = async (name: keyof typeof steps) => {
      const createIngest = (store: SqlStore) => {
        const ingest = createIngestOf({ store, clock: systemClock });
        const step = () => {
          steps[name] += 1;
          return ingest.step();
        };
        return { ...ingest, step };
      };
      const store = await openRemote(url, systemClock);
      const options = { name, report: () => undefined, clock: systemClock, ingest: "continuous", leaseMs: 2_000 } as const;
      return {
        store,
        role: await createOwnerRole({ ...options, store, createIngest, createDiagnosis: (over) => createDiagnosis({ store: over }) }),
      };
    };
    const mapped = async ({ store }: { store: SqlStore }) => expect((await store.status()).unmappedBodies).toBe(0);
    const append = ({ role }: { role: Role }) => role.call("appendBodies", [[bodyOfBatch({ spans: [aSpan()], logs: [] }, T0)]]);

    const first = await client("first");
    await vi.waitFor(() => expect(steps.first).toBeGreaterThan(0), { timeout: 5_000 });
    const second = await client("second");
    await append(first);
    await append(second);
    await vi.waitFor(() => mapped(second), { timeout: 5_000 });
    expect((await second.store.status()).pendingTraces).toBe(2);
    expect(steps.second).toBe(0);

    await first.role.close();
    const stepsOfFirst = steps.first;
    await append(second);
    await vi.waitFor(() => mapped(second), { timeout: 5_000 });
    expect(steps.second).toBeGreaterThan(0);
    expect(steps.first).toBe(stepsOfFirst);
    await second.role.close();
  });
});

test("a server that does not answer is 'unavailable', and the message holds no token", async () => {
  const driver = await openRemoteDriver({ url: "http://127.0.0.1:9?authToken=secret" });
  const fault = await driver.all("SELECT 1").catch((caught: unknown) => caught);
  expect(fault).toMatchObject({ code: "unavailable", message: expect.stringContaining("http://127.0.0.1:9/") });
  expect(JSON.stringify([fault, (fault as Error).message])).not.toContain("secret");
  await driver.close();
});
