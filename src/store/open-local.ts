import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "../base/clock.ts";
import { LearnError, messageOf } from "../base/error.ts";
import { indexMissing } from "./body-index.ts";
import { openBodyLog } from "./body-log.ts";
import { findDamage } from "./damage.ts";
import { openLibsqlDriver } from "./driver-libsql.ts";
import { createSqlStore, type SqlStore } from "./local-store.ts";
import { migrate } from "./migrate.ts";
import { ownedByAnother, tryOwn } from "./owner.ts";
import { asideMessage, damaged, setAside } from "./set-aside.ts";
import { canonicalPath } from "./url.ts";

export interface OpenLocalOptions {
  readonly path: string;
  /** There is one role: libSQL bundles an SQLite in which two connections that write and checkpoint one file can damage it. */
  readonly role: "own";
  /** Who opens it, for the message that others get. */
  readonly name: string;
  readonly clock: Clock;
  /** What to do with a damaged file: refuse it with a hint, or set it aside and begin a new one. Default refuse. */
  readonly ifDamaged?: "refuse" | "set-aside";
  /** Told when a file was set aside. */
  readonly report?: (message: string) => void;
}

export interface LocalStore extends SqlStore {
  /** The file behind it, by its one name. */
  readonly path: string;
  /** Writes down where the owner listens. */
  announce(socket: string): void;
}

/** Opens a file as its owner, making the folder and the schema where they are missing. Rejects "conflict" naming the owner there is. */
export async function openLocal(options: OpenLocalOptions): Promise<LocalStore> {
  const path = preparePath(options.path);
  const ownership = tryOwn(path, options.name, new Date(options.clock.nowUs() / 1000));
  if (ownership === undefined) throw ownedByAnother(path);
  try {
    await mindDamage(path, options);
    const driver = openLibsqlDriver({ path });
    try {
      await migrate(driver, options.clock, path);
      await indexMissing(driver, path);
    } catch (caught) {
      await driver.close();
      throw caught;
    }
    const store = createSqlStore(driver, options.clock, openBodyLog(path));
    const close = async (): Promise<void> => {
      await store.close();
      ownership.release();
    };
    return { ...store, path, announce: ownership.announce, close };
  } catch (caught) {
    ownership.release();
    throw caught;
  }
}

async function mindDamage(path: string, options: OpenLocalOptions): Promise<void> {
  const damage = findDamage(path);
  if (damage === undefined) return;
  if (options.ifDamaged !== "set-aside") throw damaged(path, damage);
  const aside = await setAside(path, damage, options.clock);
  options.report?.(asideMessage(path, damage, aside));
}

/** Makes the folder of a store file and returns the one name of the file. */
export function preparePath(path: string): string {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return canonicalPath(path);
  } catch (caught) {
    throw new LearnError("invalid", `the folder of store ${path} cannot be made: ${messageOf(caught)}`, {
      cause: caught,
      hint: "name a file in a folder that this user may write to",
    });
  }
}
