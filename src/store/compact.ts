import { statSync } from "node:fs";
import { LearnError } from "../base/error.ts";
import type { BodyLog } from "./body-log.ts";
import type { SqlDriver } from "./driver.ts";
import type { CompactReport, RetentionOptions, RetentionReport } from "./ports.ts";
import { textOf } from "./values.ts";

/** See `AdminStore.compact`. */
export async function compactStore(
  driver: SqlDriver,
  retain: (options: RetentionOptions) => Promise<RetentionReport>,
  options: RetentionOptions,
  log?: BodyLog,
): Promise<CompactReport> {
  const path = await pathOf(driver);
  const bytes = (): number => bytesOf(path) + (log?.bytes() ?? 0);
  const bytesBefore = bytes();
  const retained = await retain(options);
  for (const index of ["trace_fts", "knowledge_fts"]) await driver.run(`INSERT INTO ${index} (${index}) VALUES ('optimize')`);
  // First, so that VACUUM does not carry what the log still holds through it a second time.
  await driver.all("PRAGMA wal_checkpoint(TRUNCATE)");
  await driver.run("VACUUM");
  await driver.all("PRAGMA wal_checkpoint(TRUNCATE)");
  return { ...retained, bytesBefore, bytesAfter: bytes() };
}

/** The file behind a driver. Rejects "invalid" for a server. */
export async function pathOf(driver: SqlDriver): Promise<string> {
  if (driver.capabilities.kind !== "file") {
    throw new LearnError("invalid", "this store is on a libSQL server, and its file is not ours to work on", {
      hint: "use the tools of the server",
    });
  }
  const [row] = await driver.all("SELECT file FROM pragma_database_list WHERE name = 'main'");
  return textOf(row?.["file"]) ?? "";
}

/** The file with its write-ahead log. */
function bytesOf(path: string): number {
  const sizes = [path, `${path}-wal`].map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  return sizes.reduce((sum, size) => sum + size, 0);
}
