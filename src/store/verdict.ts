import type { SqlExecutor } from "./driver.ts";
import { idList } from "./rows.ts";

/**
 * Which of several outcomes of a run counts, strongest first; the reasons stand at `verdict` of the outcome room. Among feedback the newest; among the
 * others the lowest score. The same order as `verdict` of the outcome room; the contract suite holds both against each other.
 */
export const STRONGEST_FIRST = `
  CASE WHEN source LIKE 'feedback:%' THEN 0 WHEN source LIKE 'evaluation:%' THEN 1 WHEN source LIKE 'check:%' AND status = 'failure' THEN 2
    WHEN source LIKE 'composite:%' THEN 3 WHEN source LIKE 'check:%' OR source LIKE 'judge:%' OR source LIKE 'signal:%' THEN 4 ELSE 5 END,
  CASE WHEN source LIKE 'feedback:%' THEN -created_at_us ELSE score END,
  CASE WHEN source LIKE 'feedback:%' THEN score ELSE -created_at_us END,
  source`;

/** Writes the outcome that counts onto the runs, in the transaction that changed their outcomes. */
export async function refreshVerdicts(tx: SqlExecutor, runIds: Iterable<string>): Promise<void> {
  await tx.run(
    `UPDATE trace SET (status, score, verdict_source) =
      (SELECT status, score, source FROM outcome WHERE run_id = trace.id ORDER BY ${STRONGEST_FIRST} LIMIT 1)
     WHERE id IN (SELECT value FROM json_each(?))`,
    [idList(runIds)],
  );
}
