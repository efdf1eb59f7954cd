import type { Clock } from "../base/clock.ts";
import { openRemoteDriver } from "./driver-remote.ts";
import { createSqlStore, type SqlStore } from "./local-store.ts";
import { migrate } from "./migrate.ts";

/** Opens a store on a libSQL server, making the schema where it is missing. */
export async function openRemote(url: string, clock: Clock): Promise<SqlStore> {
  const driver = await openRemoteDriver({ url });
  try {
    await migrate(driver, clock, url);
  } catch (caught) {
    await driver.close();
    throw caught;
  }
  return createSqlStore(driver, clock);
}
