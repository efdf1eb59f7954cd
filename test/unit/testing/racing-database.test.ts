import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digest } from "../../../src/base/id.ts";
import { createRacingDatabase, queryRacing, runSql } from "../../../src/testing/racing-database.ts";

const folder = mkdtempSync(join(tmpdir(), "racing-"));
const path = join(folder, "racing.db");
const all = (file: string): string => digest(queryRacing(file, "SELECT * FROM results ORDER BY id").map((row) => JSON.stringify(row)));

beforeAll(() => createRacingDatabase(path));
afterAll(() => rmSync(folder, { recursive: true }));

describe("racing database", () => {
  test("holds eight seasons of twelve races with fourteen cars", () => {
    const sql =
      "SELECT COUNT(*) AS rows, COUNT(DISTINCT race_date) AS races, COUNT(DISTINCT circuit) AS circuits, COUNT(DISTINCT driver_name) AS drivers, COUNT(DISTINCT constructor) AS teams FROM results";
    expect(queryRacing(path, sql)[0]).toEqual({ rows: 1344, races: 96, circuits: 12, drivers: 14, teams: 7 });
  });

  test("is the same every time, also over an older file", () => {
    const before = all(path);
    createRacingDatabase(path);
    createRacingDatabase(join(folder, "other.db"));
    expect(all(path)).toBe(before);
    expect(all(join(folder, "other.db"))).toBe(before);
  });

  test("has one winner, one car per grid position and two cars per team in every race", () => {
    const broken = `SELECT race_date FROM results GROUP BY race_date
      HAVING SUM(position = '1') <> 1 OR COUNT(DISTINCT grid) <> 14 OR COUNT(DISTINCT constructor) <> 7`;
    expect(queryRacing(path, broken)).toEqual([]);
  });

  test.each([
    "SELECT driver_name FROM results WHERE position = 1",
    "SELECT driver_name FROM results WHERE position <= 3",
    "SELECT driver_name FROM results WHERE strftime('%Y', race_date) = '2019'",
    "SELECT driver_name FROM results WHERE date(race_date) > '2019-01-01'",
  ])("shows the trap as an error: %s", (sql) => {
    expect(runSql(path, sql)).toBe("ERROR: query returned no rows");
  });

  test("hides the trap in an aggregate", () => {
    expect(runSql(path, "SELECT COUNT(*) AS wins FROM results WHERE position = 1")).toBe('[{"wins":0}]');
    expect(runSql(path, "SELECT COUNT(*) AS wins FROM results WHERE position = '1'")).toBe('[{"wins":96}]');
  });

  test("names the column that does not exist", () => {
    expect(runSql(path, "SELECT driver FROM results")).toBe("ERROR: no such column: driver");
    expect(runSql(path, "SELECT team FROM results")).toBe("ERROR: no such column: team");
  });

  // A statement that was left after twenty rows kept its lock after close, and the next write failed with "database is locked".
  test("cuts after twenty rows and leaves no lock behind", () => {
    expect(JSON.parse(runSql(path, "SELECT id FROM results"))).toHaveLength(20);
    expect(() => createRacingDatabase(path)).not.toThrow();
  });

  // The readonly option of libsql 0.5.29 lets all of these through.
  test.each([
    "INSERT INTO results (race_date, circuit, driver_name, constructor, grid, laps, points) VALUES ('x', 'x', 'x', 'x', 1, 1, 1)",
    "DELETE FROM results",
    "WITH gone AS (SELECT 1) DELETE FROM results",
    "WITH gone AS (SELECT 1) DELETE FROM results RETURNING id",
    "SELECT 1; DELETE FROM results",
    "ATTACH 'other.db' AS other",
    "PRAGMA query_only = OFF",
  ])("changes nothing for: %s", (sql) => {
    const before = all(path);
    expect(() => runSql(path, sql)).not.toThrow();
    expect(all(path)).toBe(before);
  });

  test.each(["INSERT INTO results DEFAULT VALUES", "ATTACH 'other.db' AS other", "PRAGMA query_only = OFF", ""])(
    "refuses what is not a SELECT: %s",
    (sql) => {
      expect(runSql(path, sql)).toBe("ERROR: only SELECT statements are allowed");
    },
  );

  test("reports a missing file as an error of the tool and does not create it", () => {
    expect(runSql(join(folder, "none.db"), "SELECT 1")).toMatch(/^ERROR: no racing database at /);
  });
});
