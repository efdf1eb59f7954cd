import type { Clock } from "../base/clock.ts";
import { LearnError, messageOf } from "../base/error.ts";
import type { Row, SqlDriver } from "./driver.ts";
import { migrations, SCHEMA_VERSION, schemaVersion } from "./migrate.ts";
import type { AdminStore, LearnCycle, StoreStatus } from "./ports.ts";
import { createRetention } from "./retention.ts";
import { jsonBlob, jsonOf, numberOf, requiredNumber, requiredText } from "./values.ts";

export function createAdminStore(driver: SqlDriver, clock: Clock): Omit<AdminStore, "drain"> {
  return {
    status: () => readStatus(driver),

    saveCycle: async (cycle) => {
      await driver.run(
        `INSERT INTO learn_cycle (id, started_at_us, ended_at_us, report) VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET started_at_us = excluded.started_at_us, ended_at_us = excluded.ended_at_us, report = excluded.report`,
        [cycle.id, cycle.startedAtUs, cycle.endedAtUs, jsonBlob(cycle.report)],
      );
    },

    retain: createRetention(driver, clock),

    check: async () => {
      const problems: string[] = [];
      try {
        const version = await schemaVersion(driver, "this");
        if (version !== SCHEMA_VERSION) problems.push(`schema is at version ${version}, expected ${SCHEMA_VERSION}`);
        const present = new Set((await driver.all("SELECT name FROM sqlite_master")).map((row) => requiredText(row, "name")));
        for (const name of expectedNames()) if (!present.has(name)) problems.push(`${name} is missing`);
        for (const row of await driver.all("PRAGMA quick_check")) {
          const text = String(Object.values(row)[0]);
          if (text !== "ok") problems.push(text);
        }
      } catch (caught) {
        // Damage may stop the check itself; that is a finding. A lock or a lost disk is not.
        if (caught instanceof LearnError && caught.retryable) throw caught;
        problems.push(messageOf(caught));
      }
      return problems;
    },
  };
}

/** Every table and index that the migrations make. */
function expectedNames(): readonly string[] {
  return migrations
    .flatMap(({ statements }) => statements)
    .flatMap((statement) => /CREATE (?:VIRTUAL )?(?:TABLE|INDEX) (\w+)/.exec(statement)?.[1] ?? []);
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
    pendingTraces: await count("SELECT count(*) AS n FROM w3c_trace WHERE pending = 1"),
    unanalyzed: await count("SELECT count(*) AS n FROM trace WHERE analyzed = 0 AND status IS NOT NULL"),
    ...(lastTraceAtUs === undefined ? {} : { lastTraceAtUs }),
    ...(cycle === undefined ? {} : { lastCycle: cycleFromRow(cycle) }),
  };
}

function cycleFromRow(row: Row): LearnCycle {
  const endedAtUs = numberOf(row["ended_at_us"]);
  return {
    id: requiredText(row, "id"),
    startedAtUs: requiredNumber(row, "started_at_us"),
    ...(endedAtUs === undefined ? {} : { endedAtUs }),
    report: jsonOf<unknown>(row["report"]),
  };
}
