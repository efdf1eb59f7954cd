import { expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { openLibsqlDriver } from "../../../src/store/driver-libsql.ts";
import { migrate, migrations, SCHEMA_VERSION } from "../../../src/store/migrate.ts";
import { createOutcomeStore } from "../../../src/store/outcome-store.ts";
import { jsonBlob, textBlob } from "../../../src/store/values.ts";
import { temporaryFolder } from "./temporary.ts";

const inFolder = temporaryFolder();
const before = migrations.map(({ version }) => version).filter((version) => version < SCHEMA_VERSION);

test.each(before)("a store of schema %i keeps its outcomes, and new ones can ask for a person", async (version) => {
  const driver = openLibsqlDriver({ path: inFolder(`from-${version}.db`) });
  await driver.transaction(async (tx) => {
    await tx.run("CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at_us INTEGER NOT NULL)");
    for (const migration of migrations.filter((one) => one.version <= version)) {
      for (const statement of migration.statements) await tx.run(statement);
      await tx.run("INSERT INTO schema_version VALUES (?, 0)", [migration.version]);
    }
    const old = ["run", "check:a", "failure", 0, textBlob("no"), jsonBlob(["e"]), 5];
    await tx.run(
      "INSERT INTO outcome (run_id, source, status, score, reasoning, evidence, created_at_us) VALUES (?, ?, ?, ?, ?, ?, ?)",
      old,
    );
  });
  await migrate(driver, systemClock, "t.db");
  const store = createOutcomeStore(driver, systemClock);
  const old = { traceId: "run", source: "check:a", status: "failure", score: 0, reasoning: "no", evidence: ["e"], createdAtUs: 5 } as const;
  expect(await store.outcomesOf("run")).toEqual([old]);
  const next = { ...old, source: "judge:llm", review: true } as const;
  await store.saveOutcomes([next]);
  expect(await store.outcomesOf("run")).toEqual([old, next]);
  await driver.close();
});
