import type { Clock } from "../base/clock.ts";
import { backupStore } from "./backup.ts";
import type { BodyLog } from "./body-log.ts";
import { checkStore } from "./check.ts";
import { compactStore } from "./compact.ts";
import type { Row, SqlDriver } from "./driver.ts";
import { schemaVersion } from "./migrate.ts";
import type { AdminStore, LearnCycle, OfTheOwner, StoreStatus } from "./ports.ts";
import { createRetention } from "./retention.ts";
import { jsonOf, jsonText, numberOf, requiredNumber, requiredText } from "./values.ts";

export function createAdminStore(driver: SqlDriver, clock: Clock, log?: BodyLog): Omit<AdminStore, OfTheOwner> {
  const retain = createRetention(driver, clock, log);
  return {
    status: () => readStatus(driver),

    saveCycle: async (cycle) => {
      await driver.run(
        `INSERT INTO learn_cycle (id, started_at_us, ended_at_us, report) VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET started_at_us = excluded.started_at_us, ended_at_us = excluded.ended_at_us, report = excluded.report`,
        [cycle.id, cycle.startedAtUs, cycle.endedAtUs, jsonText(cycle.report)],
      );
    },

    retain,
    compact: (options) => compactStore(driver, retain, options, log),
    backup: (file) => backupStore(driver, file, log),
    check: () => checkStore(driver, log),
  };
}

async function readStatus(driver: SqlDriver): Promise<StoreStatus> {
  const count = async (sql: string): Promise<number> => requiredNumber((await driver.all(sql))[0] ?? {}, "n");
  const byStatus = new Map<string | null, number>();
  for (const row of await driver.all("SELECT status, count(*) AS n FROM trace GROUP BY status")) {
    byStatus.set(row["status"] === null ? null : requiredText(row, "status"), requiredNumber(row, "n"));
  }
  const knowledge = await driver.all("SELECT status, count(*) AS n FROM knowledge GROUP BY status ORDER BY status");
  const [last] = await driver.all("SELECT max(start_time_us) AS at FROM trace");
  const lastTraceAtUs = numberOf(last?.["at"]);
  const [cycle] = await driver.all("SELECT * FROM learn_cycle ORDER BY started_at_us DESC, id LIMIT 1");
  return {
    schemaVersion: await schemaVersion(driver, "this"),
    traces: {
      total: [...byStatus.values()].reduce((sum, n) => sum + n, 0),
      success: byStatus.get("success") ?? 0,
      failure: byStatus.get("failure") ?? 0,
      partial: byStatus.get("partial") ?? 0,
      unjudged: byStatus.get(null) ?? 0,
    },
    knowledge: Object.fromEntries(knowledge.map((row) => [requiredText(row, "status"), requiredNumber(row, "n")])),
    evalCases: await count("SELECT count(*) AS n FROM eval_case"),
    unmappedBodies: await count("SELECT count(*) AS n FROM unmapped_body"),
    unmappableBodies: await count("SELECT count(*) AS n FROM unmappable_body"),
    pendingTraces: await count("SELECT count(*) AS n FROM w3c_trace WHERE pending = 1"),
    unanalyzed: await count("SELECT count(*) AS n FROM trace WHERE analyzed = 0 AND status IS NOT NULL"),
    ...(lastTraceAtUs === undefined ? {} : { lastTraceAtUs }),
    ...(cycle === undefined ? {} : { lastCycle: cycleFromRow(cycle) }),
  };
}

/** A row of learn_cycle; `report` is null while the cycle is under way. */
export function cycleFromRow(row: Row): LearnCycle {
  const endedAtUs = numberOf(row["ended_at_us"]);
  return {
    id: requiredText(row, "id"),
    startedAtUs: requiredNumber(row, "started_at_us"),
    ...(endedAtUs === undefined ? {} : { endedAtUs }),
    report: jsonOf<unknown>(row["report"]),
  };
}
