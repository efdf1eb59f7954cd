import { existsSync } from "node:fs";
import Database from "libsql";
import { LearnError, messageOf } from "../base/error.ts";
import { racingRows } from "./racing-data.ts";

/** More rows than this are cut, as any tool that feeds a prompt must do. */
const ROW_LIMIT = 20;

// `position` has no type and holds text, so `position = 1` compares text with a number and is false on every row.
// `race_date` is what a person writes, so date functions give NULL. The names behind "driver", "team" and "grid position" differ from the words.
const SCHEMA = `
CREATE TABLE results (
  id INTEGER PRIMARY KEY,
  race_date TEXT NOT NULL,
  circuit TEXT NOT NULL,
  driver_name TEXT NOT NULL,
  constructor TEXT NOT NULL,
  position,
  grid INTEGER NOT NULL,
  laps INTEGER NOT NULL,
  points REAL NOT NULL
);`;

/** Makes the table `results` in a libSQL file, replacing one that is there. The same rows on every machine. */
export function createRacingDatabase(path: string): void {
  const database = new Database(path);
  try {
    database.exec("DROP TABLE IF EXISTS results");
    database.exec(SCHEMA);
    const insert = database.prepare(
      "INSERT INTO results (race_date, circuit, driver_name, constructor, position, grid, laps, points) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    );
    database.exec("BEGIN IMMEDIATE");
    for (const row of racingRows()) {
      insert.run(row.raceDate, row.circuit, row.driverName, row.constructorName, row.position, row.grid, row.laps, row.points);
    }
    database.exec("COMMIT");
  } finally {
    database.close();
  }
}

/** Runs trusted SQL and returns the rows. For reference answers; a model's SQL goes through `runSql`. */
export function queryRacing(path: string, sql: string, values: readonly (string | number)[] = []): readonly Record<string, unknown>[] {
  return withDatabase(path, (database) => database.prepare(sql).all(...values) as Record<string, unknown>[]);
}

/**
 * What the agent's tool does: runs one SELECT and returns up to 20 rows as a JSON array of objects.
 * Never throws: a failed statement, or one without a row, comes back as text that starts with `ERROR: `.
 * An aggregate over nothing is a row, hence no error: that is the silent trap.
 */
export function runSql(path: string, sql: string): string {
  // libsql 0.5.29 accepts `readonly: true` and ignores it (INSERT and ATTACH go through), so the statement is checked here and query_only is set.
  if (!/^\s*(select|with)\b/i.test(sql)) return "ERROR: only SELECT statements are allowed";
  try {
    const rows = withDatabase(path, (database) => {
      database.exec("PRAGMA query_only = ON");
      // All and cut, not iterate and stop: in libsql 0.5.29 a statement left half-way keeps its lock beyond close().
      return database.prepare(sql).all().slice(0, ROW_LIMIT);
    });
    return rows.length === 0 ? "ERROR: query returned no rows" : JSON.stringify(rows);
  } catch (caught) {
    return `ERROR: ${messageOf(caught)}`;
  }
}

function withDatabase<T>(path: string, use: (database: Database.Database) => T): T {
  if (!existsSync(path)) throw new LearnError("not-found", `no racing database at ${path}`, { hint: "call createRacingDatabase first" });
  const database = new Database(path);
  try {
    return use(database);
  } finally {
    database.close();
  }
}
