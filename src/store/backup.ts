import { existsSync, lstatSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname, isAbsolute } from "node:path";
import { LearnError } from "../base/error.ts";
import type { BodyLog } from "./body-log.ts";
import { checkStore } from "./check.ts";
import { pathOf } from "./compact.ts";
import type { SqlDriver } from "./driver.ts";
import { openLibsqlDriver } from "./driver-libsql.ts";
import { syncFolder } from "./sync-folder.ts";
import { requiredNumber } from "./values.ts";

const BODIES_A_TURN = 16;

/** See `AdminStore.backup`. The copy gets its name only when it was checked and synced: what bears the name is whole. */
export async function backupStore(driver: SqlDriver, file: string, log?: BodyLog): Promise<{ readonly bytes: number }> {
  await pathOf(driver);
  refuseTarget(file);
  const draft = `${file}.part`;
  await removeDraft(draft);
  try {
    await driver.run("VACUUM INTO ?", [draft]);
    await takeInBodies(draft, log);
    await refuseUnsound(draft);
    // SQLite does not sync what VACUUM INTO writes.
    const handle = await open(draft, "r+");
    let bytes: number;
    try {
      await handle.sync();
      ({ size: bytes } = await handle.stat());
    } finally {
      await handle.close();
    }
    refuseTarget(file);
    await rename(draft, file);
    await syncFolder(dirname(file));
    return { bytes };
  } finally {
    await removeDraft(draft);
  }
}

function refuseTarget(file: string): void {
  if (!isAbsolute(file)) throw new LearnError("invalid", `the backup ${file} is no absolute path`);
  if (lstatSync(file, { throwIfNoEntry: false }) !== undefined) {
    throw new LearnError("conflict", `there is something at ${file} already`, { hint: "name a new file; a backup replaces nothing" });
  }
  if (!existsSync(dirname(file))) throw new LearnError("invalid", `there is no folder ${dirname(file)}`, { hint: "make it first" });
}

/** One file is a backup; a folder beside it would be forgotten. */
async function takeInBodies(draft: string, log: BodyLog | undefined): Promise<void> {
  if (log === undefined) return;
  const copy = openLibsqlDriver({ path: draft });
  try {
    for (let more = true; more; ) {
      more = await copy.transaction(async (tx) => {
        const rows = await tx.all("SELECT body_id, segment, at, bytes FROM body_place ORDER BY body_id LIMIT ?", [BODIES_A_TURN]);
        for (const row of rows) {
          const [id, segment, at, bytes] = ["body_id", "segment", "at", "bytes"].map((column) => requiredNumber(row, column)) as [
            number,
            number,
            number,
            number,
          ];
          await tx.run("UPDATE raw_body SET body = ? WHERE id = ?", [log.read({ segment, at, bytes }), id]);
          await tx.run("DELETE FROM body_place WHERE body_id = ?", [id]);
        }
        return rows.length === BODIES_A_TURN;
      });
    }
  } finally {
    await copy.close();
  }
}

async function refuseUnsound(draft: string): Promise<void> {
  const copy = openLibsqlDriver({ path: draft });
  try {
    const [problem] = await checkStore(copy);
    if (problem !== undefined) throw new LearnError("internal", `the backup is not sound: ${problem}`, { hint: "agentlearn store check" });
  } finally {
    await copy.close();
  }
}

async function removeDraft(draft: string): Promise<void> {
  for (const name of ["", "-wal", "-shm", "-journal"]) await rm(`${draft}${name}`, { force: true });
}
