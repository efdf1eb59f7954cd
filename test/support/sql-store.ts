import { systemClock } from "../../src/base/clock.ts";
import { openLibsqlDriver } from "../../src/store/driver-libsql.ts";
import { createSqlStore, type SqlStore } from "../../src/store/local-store.ts";
import { migrate } from "../../src/store/migrate.ts";

/** A real store in a file, opened in this thread, with an up-to-date schema. The caller closes it. */
export async function openSqlStore(path: string): Promise<SqlStore> {
  const driver = openLibsqlDriver({ path });
  await migrate(driver, systemClock, path);
  return createSqlStore(driver, systemClock);
}
