import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { openLibsqlDriver } from "../../src/store/driver-libsql.ts";
import { createSqlStore } from "../../src/store/local-store.ts";
import { migrate } from "../../src/store/migrate.ts";
import { openStore } from "../../src/store/open.ts";
import { describeStore } from "./store/describe-store.ts";

const folder = mkdtempSync(join(tmpdir(), "agentlearn-contract-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeStore("a store in this thread", async () => {
  const path = join(folder, "direct.db");
  const driver = openLibsqlDriver({ path });
  await migrate(driver, systemClock, path);
  return createSqlStore(driver, systemClock);
});

// On demand, or the pump would map the bodies under the suite's hands.
describeStore("a store through the writer thread", () =>
  openStore({ url: join(folder, "thread.db"), name: "test", mode: "own", ingest: "on-demand" }),
);
