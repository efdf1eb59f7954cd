import type { SqlExecutor } from "./driver.ts";
import { requiredText } from "./values.ts";

/** Items that revise ?1, or one that does, and so on. UNION and not UNION ALL: a file may bring items that revise each other. */
export const SUCCESSORS = `WITH RECURSIVE line(id) AS (SELECT ?1 UNION SELECT k.id FROM knowledge k JOIN line ON k.revises = line.id)`;

/** The ids of the active ones: they hold the item's place. */
export async function activeSuccessorsOf(executor: SqlExecutor, itemId: string): Promise<ReadonlySet<string>> {
  const rows = await executor.all(
    `${SUCCESSORS} SELECT k.id FROM knowledge k JOIN line ON line.id = k.id WHERE k.status = 'active' AND k.id <> ?1`,
    [itemId],
  );
  return new Set(rows.map((row) => requiredText(row, "id")));
}
