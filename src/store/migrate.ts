import type { Clock } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import type { SqlDriver, SqlExecutor } from "./driver.ts";
import { initial } from "./migrations/001-initial.ts";
import { foldedExposure } from "./migrations/002-folded-exposure.ts";
import { lease } from "./migrations/003-lease.ts";
import { knowledgeTables } from "./migrations/004-knowledge.ts";
import { bodyPlace } from "./migrations/005-body-place.ts";
import { review } from "./migrations/006-review.ts";
import { lessonTables } from "./migrations/007-lesson.ts";
import { spend } from "./migrations/008-spend.ts";
import { searchSegments } from "./migrations/009-search-segments.ts";
import { guardRecord } from "./migrations/010-guard-record.ts";
import { trial } from "./migrations/011-trial.ts";
import { requiredNumber, requiredText } from "./values.ts";

/** One step forward. Never changed after a release; there is no way back. */
export interface Migration {
  /** 1-based, ascending. */
  readonly version: number;
  readonly statements: readonly string[];
}

export const migrations: readonly Migration[] = [
  initial,
  foldedExposure,
  lease,
  knowledgeTables,
  bodyPlace,
  review,
  lessonTables,
  spend,
  searchSegments,
  guardRecord,
  trial,
];

/** "AgLn". Tells `file` and us that a SQLite file is ours. */
export const APPLICATION_ID = 0x41674c6e;

export const SCHEMA_VERSION: number = Math.max(...migrations.map(({ version }) => version));

/**
 * Brings the schema up to this code, in one transaction: after a crash the file is either old or new. Safe to call by several clients at once.
 * Rejects "invalid" when the file was written by a newer version, or is somebody else's database; such a file is not touched.
 */
export async function migrate(driver: SqlDriver, clock: Clock, store: string): Promise<void> {
  if ((await schemaVersion(driver, store)) === SCHEMA_VERSION) return;
  await driver.transaction(async (tx) => {
    const from = await schemaVersion(tx, store);
    if (from === 0) {
      await tx.run("CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at_us INTEGER NOT NULL)");
      if (driver.capabilities.kind === "file") await tx.run(`PRAGMA application_id = ${APPLICATION_ID}`);
    }
    for (const migration of migrations.filter(({ version }) => version > from)) {
      for (const statement of migration.statements) await tx.run(statement);
      await tx.run("INSERT INTO schema_version (version, applied_at_us) VALUES (?, ?)", [migration.version, clock.nowUs()]);
    }
  });
}

/** 0 for an empty database. */
export async function schemaVersion(executor: SqlExecutor, store: string): Promise<number> {
  const tables = (await executor.all("SELECT name FROM sqlite_master WHERE type = 'table'")).map((row) => requiredText(row, "name"));
  if (tables.length === 0) return 0;
  if (!isOurs(tables)) {
    throw new LearnError("invalid", `${store} is a database of another program`, { hint: "name a file of its own for agentlearn" });
  }
  const [row] = await executor.all("SELECT max(version) AS version FROM schema_version");
  const version = row === undefined ? 0 : requiredNumber(row, "version");
  if (version <= SCHEMA_VERSION) return version;
  throw new LearnError("invalid", `store ${store} has schema ${version}, this version of agentlearn knows up to ${SCHEMA_VERSION}`, {
    hint: "update agentlearn: npm install agentlearn@latest",
  });
}

/** Whether these are tables of ours, whatever their version. */
export function isOurs(tables: readonly string[]): boolean {
  return tables.includes("schema_version") && tables.includes("raw_body");
}
