import type { SqlDriver } from "./driver.ts";
import type { LeaseStore } from "./ports.ts";
import { textOf } from "./values.ts";

// By the database itself: the clocks of its clients need not agree.
const NOW_US = "CAST(unixepoch('now', 'subsec') * 1000000 AS INTEGER)";

export function createLeaseStore(driver: SqlDriver): LeaseStore {
  return {
    takeLease: async (name, holder, forMs) => {
      const { changes } = await driver.run(
        `INSERT INTO lease (name, holder, until_us) VALUES (?, ?, ${NOW_US} + ?)
          ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until_us = excluded.until_us
          WHERE lease.holder = excluded.holder OR lease.until_us <= ${NOW_US}`,
        [name, holder, Math.round(forMs * 1_000)],
      );
      return changes > 0;
    },

    releaseLease: async (name, holder) => {
      await driver.run("DELETE FROM lease WHERE name = ? AND holder = ?", [name, holder]);
    },

    leaseHolder: async (name) => {
      const [row] = await driver.all(`SELECT holder FROM lease WHERE name = ? AND until_us > ${NOW_US}`, [name]);
      return textOf(row?.["holder"]);
    },
  };
}
