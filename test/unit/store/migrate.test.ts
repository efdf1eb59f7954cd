import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openLibsqlDriver } from "../../../src/store/driver-libsql.ts";
import { createSqlStore } from "../../../src/store/local-store.ts";
import { migrate, migrations } from "../../../src/store/migrate.ts";

const clock = { nowUs: () => 1_790_000_000_000_000 };

test.each(migrations.slice(0, -1).map(({ version }) => version))(
  "a file of schema %i keeps its cycles and learns to count what is spent",
  async (version) => {
    const folder = mkdtempSync(join(tmpdir(), "agentlearn-migrate-"));
    const driver = openLibsqlDriver({ path: join(folder, "t.db") });
    try {
      await driver.run("CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at_us INTEGER NOT NULL)");
      for (const migration of migrations.slice(0, version)) {
        for (const statement of migration.statements) await driver.run(statement);
        await driver.run("INSERT INTO schema_version VALUES (?, 0)", [migration.version]);
      }
      await driver.run("INSERT INTO learn_cycle (id, started_at_us, ended_at_us, report) VALUES ('old', 1, 2, CAST('{}' AS BLOB))");
      await migrate(driver, clock, "t.db");
      const store = createSqlStore(driver, clock);
      const most = { inputTokens: 1, outputTokens: 1, usd: 0.5 };
      await store.reserveCall({ id: "c", cycleId: "old", step: "lessons", model: "stub", most }, {});
      expect([(await store.status()).lastCycle?.id, (await store.spending("today")).usd, await store.answerOf("k")]).toEqual([
        "old",
        0.5,
        undefined,
      ]);
    } finally {
      await driver.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
