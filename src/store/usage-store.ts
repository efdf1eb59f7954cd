import type { ItemUsage, UsageStore } from "../knowledge/ports.ts";
import type { SqlDriver } from "./driver.ts";
import { idList } from "./rows.ts";
import { jsonOf, numberOf, requiredNumber, requiredText } from "./values.ts";

export function createUsageStore(driver: SqlDriver): UsageStore {
  return {
    usageOf: async (itemIds, maxRuns) => {
      const ids = idList(itemIds);
      const runs = await driver.all(
        `SELECT item_id, at_us, status FROM (
           SELECT e.item_id, t.start_time_us AS at_us, t.status, row_number() OVER (PARTITION BY e.item_id ORDER BY t.start_time_us DESC) AS place
           FROM exposure e JOIN trace t ON t.id = e.run_id
           WHERE e.arm = 'given' AND t.status IS NOT NULL AND e.item_id IN (SELECT value FROM json_each(?1))
         ) WHERE place <= ?2 ORDER BY item_id, at_us`,
        [ids, maxRuns],
      );
      const given = await driver.all(
        `SELECT item_id, sum(runs) AS runs, max(at_us) AS at_us FROM (
           SELECT e.item_id, 1 AS runs, t.start_time_us AS at_us FROM exposure e LEFT JOIN trace t ON t.id = e.run_id
             WHERE e.arm = 'given' AND e.item_id IN (SELECT value FROM json_each(?1))
           UNION ALL SELECT item_id, runs, NULL FROM folded_exposure WHERE arm = 'given' AND item_id IN (SELECT value FROM json_each(?1))
         ) GROUP BY item_id`,
        [ids],
      );
      const sources = await driver.all("SELECT id, source_trace_ids FROM knowledge WHERE id IN (SELECT value FROM json_each(?))", [ids]);
      const named = sources.map((row) => [requiredText(row, "id"), jsonOf<readonly string[]>(row["source_trace_ids"])] as const);
      const stored = await driver.all("SELECT id, start_time_us FROM trace WHERE id IN (SELECT value FROM json_each(?))", [
        idList(new Set(named.flatMap(([, traces]) => traces))),
      ]);
      const startedAtUs = new Map(stored.map((row) => [requiredText(row, "id"), requiredNumber(row, "start_time_us")]));
      return named.map(([itemId, traces]): ItemUsage => {
        const exposure = given.find((row) => requiredText(row, "item_id") === itemId);
        const lastGivenAtUs = numberOf(exposure?.["at_us"]);
        const times = traces.flatMap((id) => startedAtUs.get(id) ?? []);
        return {
          itemId,
          runsGiven: numberOf(exposure?.["runs"]) ?? 0,
          ...(lastGivenAtUs === undefined ? {} : { lastGivenAtUs }),
          judged: runs
            .filter((row) => requiredText(row, "item_id") === itemId)
            .map((row) => ({ atUs: requiredNumber(row, "at_us"), success: requiredText(row, "status") === "success" })),
          sources: traces.length,
          sourcesStored: times.length,
          ...(times.length === 0 ? {} : { lastSourceAtUs: Math.max(...times) }),
        };
      });
    },
  };
}
