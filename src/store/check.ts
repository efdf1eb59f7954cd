import { LearnError, messageOf } from "../base/error.ts";
import type { BodyLog } from "./body-log.ts";
import type { SqlDriver } from "./driver.ts";
import { APPLICATION_ID, migrations, SCHEMA_VERSION, schemaVersion } from "./migrate.ts";
import { numberOf, requiredNumber, requiredText, textOf } from "./values.ts";

/** See `AdminStore.check`. Each part is looked at whatever the others found: a person wants to know all of it. */
export async function checkStore(driver: SqlDriver, log?: BodyLog): Promise<readonly string[]> {
  const problems: string[] = [];
  const look = async (part: () => Promise<readonly string[]>): Promise<void> => {
    try {
      problems.push(...(await part()));
    } catch (caught) {
      // Damage may stop the look itself; that is a finding. A lock or a lost disk is not.
      if (caught instanceof LearnError && caught.retryable) throw caught;
      problems.push(messageOf(caught));
    }
  };
  await look(() => schemaProblems(driver));
  await look(() => pageProblems(driver));
  await look(() => referenceProblems(driver));
  for (const index of ["trace_fts", "knowledge_fts"]) await look(() => searchProblems(driver, index));
  if (log !== undefined) await look(() => segmentProblems(driver, log));
  return [...new Set(problems)];
}

async function schemaProblems(driver: SqlDriver): Promise<readonly string[]> {
  const problems: string[] = [];
  const version = await schemaVersion(driver, "this");
  if (version !== SCHEMA_VERSION) problems.push(`schema is at version ${version}, expected ${SCHEMA_VERSION}`);
  const present = new Set((await driver.all("SELECT name FROM sqlite_master")).map((row) => requiredText(row, "name")));
  for (const name of expectedNames()) if (!present.has(name)) problems.push(`${name} is missing`);
  // A server may refuse the pragma, and a file of a server is not ours to mark.
  if (driver.capabilities.kind === "file") {
    const id = numberOf((await driver.all("PRAGMA application_id"))[0]?.["application_id"]);
    if (id !== APPLICATION_ID) problems.push(`application_id is ${id}, expected ${APPLICATION_ID}`);
  }
  return problems;
}

/** Every table and index that the migrations make. */
function expectedNames(): readonly string[] {
  return migrations
    .flatMap(({ statements }) => statements)
    .flatMap((statement) => /CREATE (?:VIRTUAL )?(?:TABLE|INDEX) (\w+)/.exec(statement)?.[1] ?? []);
}

async function pageProblems(driver: SqlDriver): Promise<readonly string[]> {
  const lines = (await driver.all("PRAGMA quick_check")).map((row) => String(Object.values(row)[0]));
  return lines.filter((line) => line !== "ok");
}

async function referenceProblems(driver: SqlDriver): Promise<readonly string[]> {
  const rows = await driver.all("PRAGMA foreign_key_check");
  const tables = new Map<string, number>();
  for (const row of rows) {
    const name = `${textOf(row["table"])} without ${textOf(row["parent"])}`;
    tables.set(name, (tables.get(name) ?? 0) + 1);
  }
  return [...tables].map(([name, count]) => `${count} rows of ${name}`);
}

/** The command of FTS5 for it is an INSERT; it writes nothing. */
async function searchProblems(driver: SqlDriver, index: string): Promise<readonly string[]> {
  try {
    await driver.run(`INSERT INTO ${index} (${index}) VALUES ('integrity-check')`);
    return [];
  } catch (caught) {
    if (caught instanceof LearnError && caught.retryable) throw caught;
    return [`the search index ${index} is damaged: ${messageOf(caught)}`];
  }
}

async function segmentProblems(driver: SqlDriver, log: BodyLog): Promise<readonly string[]> {
  const rows = await driver.all('SELECT segment, max(at + bytes) AS "end" FROM body_place GROUP BY segment');
  return log.problems(new Map(rows.map((row) => [requiredNumber(row, "segment"), requiredNumber(row, "end")])));
}
