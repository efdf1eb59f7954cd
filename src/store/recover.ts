import { existsSync, renameSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { type BodyLog, openBodyLog } from "./body-log.ts";
import { loggedBodies, unindexedBodies } from "./body-segment.ts";
import { checkStore } from "./check.ts";
import { type Damage, findDamage } from "./damage.ts";
import { openLibsqlDriver } from "./driver-libsql.ts";
import { migrate } from "./migrate.ts";
import { preparePath } from "./open-local.ts";
import { ownedByAnother, tryOwn } from "./owner.ts";
import { type SalvagedBodies, type SalvagedRows, salvage } from "./salvage.ts";
import { openSalvageSource } from "./salvage-source.ts";
import { openSalvageTarget } from "./salvage-target.ts";
import { setAside } from "./set-aside.ts";
import { syncFolder } from "./sync-folder.ts";

export interface RecoverOptions {
  readonly path: string;
  /** A file set aside earlier, whose rows go into the store at `path`. Default: the store itself, when it is damaged. */
  readonly from?: string;
  readonly name: string;
  readonly clock: Clock;
  readonly onTable?: (rows: SalvagedRows) => void;
}

export interface RecoverReport {
  readonly path: string;
  /** What was wrong; absent when the store is sound and nothing was done. */
  readonly damage?: string;
  /** Where the damaged file is now. */
  readonly aside?: string;
  readonly tables: readonly SalvagedRows[];
}

/**
 * Makes a sound store of what can be read of a damaged one. The damaged file is renamed and never changed or deleted; the new one gets its name when it
 * is complete and checked, so that a crash leaves the one or the other. Rejects "conflict" while somebody owns the store, "not-found" without a file.
 */
export async function recoverStore(options: RecoverOptions): Promise<RecoverReport> {
  const path = preparePath(options.path);
  const damaged = options.from ?? path;
  if (!existsSync(damaged)) throw new LearnError("not-found", `there is no file ${damaged}`);
  const ownership = tryOwn(path, options.name, new Date(options.clock.nowUs() / 1_000));
  if (ownership === undefined) throw ownedByAnother(path);
  try {
    return options.from === undefined ? await recoverInPlace(path, options) : await recoverFrom(path, options.from, options);
  } finally {
    ownership.release();
  }
}

async function recoverInPlace(path: string, options: RecoverOptions): Promise<RecoverReport> {
  const damage = findDamage(path, { bytes: Number.POSITIVE_INFINITY }) ?? (await deepDamage(path, options.clock));
  if (damage === undefined) return { path, tables: [] };
  if (damage.part === "log") return { path, damage: damage.what, aside: await setAside(path, damage, options.clock), tables: [] };
  const draft = `${path}.recovering`;
  removeDraft(draft);
  try {
    const tables = await copyRows(path, draft, options);
    await refuseUnsound(draft, options.clock);
    await syncFile(draft);
    const aside = await setAside(path, damage, options.clock);
    renameSync(draft, path);
    await syncFolder(dirname(path));
    return { path, damage: damage.what, aside, tables };
  } finally {
    removeDraft(draft);
  }
}

async function recoverFrom(path: string, from: string, options: RecoverOptions): Promise<RecoverReport> {
  const broken = findDamage(path);
  if (broken !== undefined) {
    throw new LearnError("conflict", `store ${path} is damaged itself: ${broken.what}`, { hint: "recover it first, without --from" });
  }
  const damage = findDamage(from, { bytes: Number.POSITIVE_INFINITY });
  const tables = await copyRows(from, path, options);
  return { path, damage: damage?.what ?? "none found", aside: from, tables };
}

async function copyRows(from: string, to: string, options: RecoverOptions): Promise<readonly SalvagedRows[]> {
  const driver = openLibsqlDriver({ path: to });
  try {
    await migrate(driver, options.clock, to);
  } finally {
    await driver.close();
  }
  const source = await openSalvageSource(from, options.clock);
  const target = openSalvageTarget(to);
  const log = openBodyLog(from);
  try {
    const tables = salvage(source, target, bodiesBeside(from, log), options.onTable ?? (() => {}));
    target.finish();
    return tables;
  } finally {
    target.giveUp();
    source.close();
    log.close();
  }
}

function bodiesBeside(path: string, log: BodyLog): SalvagedBodies {
  const read: SalvagedBodies["read"] = (place) => {
    try {
      return log.read(place);
    } catch {
      return undefined;
    }
  };
  return { read, all: () => [...loggedBodies(path)], unindexed: () => unindexedBodies(path) };
}

/** Damage that the pages do not show: lost tables, search indexes that do not fit. Rejects "invalid" for a database of another program. */
async function deepDamage(path: string, clock: Clock): Promise<Damage | undefined> {
  const [problem] = await problemsOf(path, clock);
  return problem === undefined ? undefined : { part: "file", what: problem };
}

async function refuseUnsound(path: string, clock: Clock): Promise<void> {
  const [problem] = await problemsOf(path, clock);
  if (problem !== undefined) throw new LearnError("internal", `the recovered store is not sound: ${problem}`);
}

async function problemsOf(path: string, clock: Clock): Promise<readonly string[]> {
  const driver = openLibsqlDriver({ path });
  try {
    await migrate(driver, clock, path);
    const log = openBodyLog(path);
    try {
      return await checkStore(driver, log);
    } finally {
      log.close();
    }
  } finally {
    await driver.close();
  }
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Only what this function made: its own unfinished copy. */
function removeDraft(draft: string): void {
  for (const part of ["", "-wal", "-shm"]) rmSync(`${draft}${part}`, { force: true });
}
