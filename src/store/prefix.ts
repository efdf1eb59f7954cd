import { LearnError } from "../base/error.ts";
import type { Row, SqlDriver } from "./driver.ts";
import { requiredText } from "./values.ts";

// Enough to see what went wrong, few enough for one line.
const NAMED_CANDIDATES = 5;

/** The one row whose `id` is the text or begins with it. Rejects "not-found", or "conflict" naming the candidates. */
export async function rowByPrefix(
  driver: SqlDriver,
  table: "trace" | "knowledge" | "eval_run" | "snapshot",
  noun: string,
  prefix: string,
): Promise<Row> {
  const found = await findByPrefix(driver, table, noun, prefix);
  if (found !== undefined) return found;
  throw new LearnError("not-found", `no ${noun} has the id "${prefix}"`, { hint: `list what there is: agentlearn ${LISTS[table]} list` });
}

const LISTS = { trace: "traces", knowledge: "knowledge", eval_run: "eval", snapshot: "snapshot" } as const;

/** As `rowByPrefix`; undefined when there is none. */
export async function findByPrefix(
  driver: SqlDriver,
  table: "trace" | "knowledge" | "eval_run" | "snapshot",
  noun: string,
  prefix: string,
): Promise<Row | undefined> {
  const [exact] = await driver.all(`SELECT * FROM ${table} WHERE id = ?`, [prefix]);
  if (exact !== undefined || prefix === "") return exact;
  // A range and not LIKE: it uses the index, and `%` and `_` in the text stay what they are.
  const ids = await driver.all(`SELECT id FROM ${table} WHERE id > ? AND id < ? || char(1114111) ORDER BY id LIMIT ?`, [
    prefix,
    prefix,
    NAMED_CANDIDATES + 1,
  ]);
  if (ids.length > 1) {
    const names = ids.slice(0, NAMED_CANDIDATES).map((row) => requiredText(row, "id"));
    const more = ids.length > NAMED_CANDIDATES ? ", and more" : "";
    throw new LearnError("conflict", `the ${noun} id "${prefix}" fits several: ${names.join(", ")}${more}`, {
      hint: "type more characters",
    });
  }
  const [only] = ids;
  return only === undefined ? undefined : (await driver.all(`SELECT * FROM ${table} WHERE id = ?`, [requiredText(only, "id")]))[0];
}
