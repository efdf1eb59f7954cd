import { expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import type { SqlDriver, SqlExecutor } from "../../../src/store/driver.ts";
import { openLibsqlDriver } from "../../../src/store/driver-libsql.ts";
import { createSqlStore } from "../../../src/store/local-store.ts";
import { migrate, migrations, SCHEMA_VERSION } from "../../../src/store/migrate.ts";
import { createOutcomeStore } from "../../../src/store/outcome-store.ts";
import { textBlob } from "../../../src/store/values.ts";
import { temporaryFolder } from "./temporary.ts";

const inFolder = temporaryFolder();
const before = migrations.map(({ version }) => version).filter((version) => version < SCHEMA_VERSION);

async function storeOf(version: number, fill: (tx: SqlExecutor) => Promise<unknown>): Promise<SqlDriver> {
  const driver = openLibsqlDriver({ path: inFolder(`from-${version}-${crypto.randomUUID()}.db`) });
  await driver.transaction(async (tx) => {
    await tx.run("CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at_us INTEGER NOT NULL)");
    for (const migration of migrations.filter((one) => one.version <= version)) {
      for (const statement of migration.statements) await tx.run(statement);
      await tx.run("INSERT INTO schema_version VALUES (?, 0)", [migration.version]);
    }
    await fill(tx);
  });
  return driver;
}

test.each(before)("a store of schema %i keeps its outcomes, and new ones can ask for a person", async (version) => {
  const driver = await storeOf(version, (tx) =>
    tx.run("INSERT INTO outcome (run_id, source, status, score, reasoning, evidence, created_at_us) VALUES (?, ?, ?, ?, ?, ?, ?)", [
      "run",
      "check:a",
      "failure",
      0,
      textBlob("no"),
      textBlob('["e"]'),
      5,
    ]),
  );
  await migrate(driver, systemClock, "t.db");
  const store = createOutcomeStore(driver, systemClock);
  const old = { traceId: "run", source: "check:a", status: "failure", score: 0, reasoning: "no", evidence: ["e"], createdAtUs: 5 } as const;
  expect(await store.outcomesOf("run")).toEqual([old]);
  const next = { ...old, source: "judge:llm", review: true } as const;
  await store.saveOutcomes([next]);
  expect(await store.outcomesOf("run")).toEqual([old, next]);
  await driver.close();
});

test.each(before)("a store of schema %i keeps its cycles and learns to count what is spent", async (version) => {
  const driver = await storeOf(version, (tx) =>
    tx.run("INSERT INTO learn_cycle (id, started_at_us, ended_at_us, report) VALUES ('old', 1, 2, CAST('{}' AS BLOB))"),
  );
  await migrate(driver, systemClock, "t.db");
  const store = createSqlStore(driver, systemClock);
  const most = { inputTokens: 1, outputTokens: 1, usd: 0.5 };
  await store.reserveCall({ id: "c", cycleId: "old", step: "lessons", model: "stub", most }, {});
  expect([(await store.status()).lastCycle?.id, (await store.spending("today")).usd, await store.answerOf("k")]).toEqual([
    "old",
    0.5,
    undefined,
  ]);
  await driver.close();
});

test.each(before)("a store of schema %i still finds the runs it had, and rewrites their index less often from then on", async (version) => {
  const driver = await storeOf(version, (tx) =>
    tx.run("INSERT INTO trace_fts (rowid, task, output, errors) VALUES (1, 'order shoes', '', '')"),
  );
  await migrate(driver, systemClock, "t.db");
  await driver.run("INSERT INTO trace_fts (rowid, task, output, errors) VALUES (2, 'order socks', '', '')");
  expect(await driver.all("SELECT rowid FROM trace_fts WHERE trace_fts MATCH '\"order\"' ORDER BY rowid")).toEqual([
    { rowid: 1 },
    { rowid: 2 },
  ]);
  expect(await driver.all("SELECT v FROM trace_fts_config WHERE k = 'automerge'")).toEqual([{ v: 16 }]);
  await driver.close();
});
