import type { SqlExecutor, SqlValue } from "./driver.ts";

// Few sizes, so that few statements are cached; 32 rows: multi-row VALUES is 1.1 to 1.2 times faster than single rows and flat above.
// 64 for the search index, which writes a segment before each statement of several rows.
const SIZES = [64, 32, 8, 1];

/** Inserts many rows with few statements and says how many were written. `head` ends before VALUES; `tail` may hold ON CONFLICT. */
export async function insertRows(tx: SqlExecutor, head: string, rows: readonly (readonly SqlValue[])[], tail = ""): Promise<number> {
  let at = 0;
  let changes = 0;
  while (at < rows.length) {
    const size = SIZES.find((candidate) => candidate <= rows.length - at) ?? 1;
    const chunk = rows.slice(at, at + size);
    const tuple = `(${chunk[0]?.map(() => "?").join(",")})`;
    const result = await tx.run(`${head} VALUES ${chunk.map(() => tuple).join(",")} ${tail}`, chunk.flat());
    changes += result.changes;
    at += size;
  }
  return changes;
}

/** One parameter for `IN (SELECT value FROM json_each(?))`: any number of ids with one statement text. */
export function idList(ids: Iterable<string | number>): string {
  return JSON.stringify([...ids]);
}
