import type { SqlExecutor } from "./driver.ts";
import { idList } from "./rows.ts";

/**
 * Which of several outcomes of a run counts, strongest first: people over other tools over the user's checks over what the spans say. Among feedback
 * the newest, because a person may change their mind; among the others the lowest score, because a run is as good as its worst judgement.
 * The same order as `verdict` of the outcome room; the contract suite holds both against each other.
 */
export const STRONGEST_FIRST = `
  CASE WHEN source LIKE 'feedback:%' THEN 0 WHEN source LIKE 'evaluation:%' THEN 1 WHEN source LIKE 'check:%' THEN 2 ELSE 3 END,
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
