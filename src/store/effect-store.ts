import type { EffectStore, ExposedRun } from "../knowledge/ports.ts";
import type { Row, SqlDriver } from "./driver.ts";
import { numberOf, requiredNumber, requiredText, textOf } from "./values.ts";

// Appends wait for the thread that reads; a page is as long as they may have to.
const PAGE = 2_000;
const MOST_A_PAGE = 10_000;
const NEWEST_RUNS = 1_000;

const RUN = `t.id AS run_id, coalesce(t.conversation_id, substr(t.id, 1, 32)) AS unit_id, t.arm = 'control' AS control,
  coalesce(t.control_share, 0) AS control_share, t.model, t.start_time_us,
  CASE WHEN t.status IS NOT NULL THEN t.status = 'success'
       WHEN json_type(CAST(t.detail AS TEXT), '$.error') = 'object' THEN 0 END AS success`;

/** Whose run it was; NULL asks for anybody's. */
const WORKED = `(?1 IS NULL OR agent_name = ?1) AND (?2 IS NULL OR service = ?2)
  AND (?3 IS NULL OR CAST(detail AS TEXT) ->> '$.tenant' = ?3)`;

export function createEffectStore(driver: SqlDriver): EffectStore {
  return {
    exposedRuns: async ({ itemId, sinceUs, after, limit }) => {
      // The order of the key, so that a page costs its own length; by start time every page would sort all.
      const rows = await driver.all(
        `SELECT ${RUN}, e.arm = 'given' AS given, e.probability FROM exposure e JOIN trace t ON t.id = e.run_id
         WHERE e.item_id = ?1 AND e.run_id > ?2 AND t.start_time_us >= ?3 ORDER BY e.run_id LIMIT ?4`,
        [itemId, after ?? "", sinceUs ?? 0, pageOf(limit)],
      );
      return rows.map(exposedRun);
    },

    controlledRuns: async ({ sinceUs, after, limit }) => {
      const rows = await driver.all(
        `SELECT ${RUN}, t.arm = 'knowledge' AS given, t.control_share AS probability FROM trace t
         WHERE t.control_share > 0 AND t.id > ?1 AND t.start_time_us >= ?2 ORDER BY t.id LIMIT ?3`,
        [after ?? "", sinceUs ?? 0, pageOf(limit)],
      );
      return rows.map(exposedRun);
    },

    modelsBefore: async (atUs, { agentName, service, tenant } = {}) => {
      const rows = await driver.all(
        `SELECT DISTINCT model FROM (
           SELECT model FROM trace WHERE ${WORKED} AND start_time_us < ?4 ORDER BY start_time_us DESC LIMIT ?5
         ) WHERE model IS NOT NULL ORDER BY model`,
        [agentName, service, tenant, atUs, NEWEST_RUNS],
      );
      return rows.map((row) => requiredText(row, "model"));
    },

    newestRunUs: async ({ agentName, service, tenant }) => {
      const [row] = await driver.all(`SELECT start_time_us AS at FROM trace WHERE ${WORKED} ORDER BY start_time_us DESC LIMIT 1`, [
        agentName,
        service,
        tenant,
      ]);
      return numberOf(row?.["at"]) ?? 0;
    },
  };
}

function pageOf(limit: number | undefined): number {
  return Math.max(1, Math.min(limit ?? PAGE, MOST_A_PAGE));
}

function exposedRun(row: Row): ExposedRun {
  const model = textOf(row["model"]);
  return {
    runId: requiredText(row, "run_id"),
    unitId: requiredText(row, "unit_id"),
    given: requiredNumber(row, "given") === 1,
    probability: requiredNumber(row, "probability"),
    control: requiredNumber(row, "control") === 1,
    controlShare: requiredNumber(row, "control_share"),
    ...(row["success"] === null || row["success"] === undefined ? {} : { success: requiredNumber(row, "success") === 1 }),
    ...(model === undefined ? {} : { model }),
    startTimeUs: requiredNumber(row, "start_time_us"),
  };
}
