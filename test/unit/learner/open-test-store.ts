import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../../src/base/clock.ts";
import { createDiagnosis } from "../../../src/learner/diagnose.ts";
import { openLibsqlDriver } from "../../../src/store/driver-libsql.ts";
import { createSqlStore } from "../../../src/store/local-store.ts";
import { migrate } from "../../../src/store/migrate.ts";
import type { Store } from "../../../src/store/ports.ts";

/** A real store in a folder of its own, which goes when it is closed. Nothing is mapped or assembled behind the test's back. */
export async function openTestStore(clock: Clock): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), "agentlearn-learner-"));
  const driver = openLibsqlDriver({ path: join(folder, "t.db") });
  await migrate(driver, clock, "t.db");
  const base = createSqlStore(driver, clock);
  return {
    ...base,
    drain: async () => ({ mapped: 0, assembled: 0 }),
    diagnostics: createDiagnosis({ store: base }),
    noteReceiver: async () => undefined,
    async close() {
      await base.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
