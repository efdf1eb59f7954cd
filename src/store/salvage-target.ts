import Database from "libsql";
import type { SqlValue } from "./driver.ts";
import { bindValue } from "./values.ts";

/** A sound store that salvaged rows are written to. Synchronous, because rows come out of a running statement; nobody else has the file. */
export interface SalvageTarget {
  /** How many rows were written. */
  run(sql: string, params: readonly SqlValue[]): number;
  /** First cell of the first row. */
  cell(sql: string, params?: readonly SqlValue[]): unknown;
  columnsOf(table: string): readonly string[];
  /** Commits, makes one file of it, and closes it. */
  finish(): void;
  /** Closes it without the last rows. Safe after `finish`. */
  giveUp(): void;
}

const ROWS_A_COMMIT = 2_000;

export function openSalvageTarget(path: string): SalvageTarget {
  const database = new Database(path, { timeout: 2_000 });
  database.exec("PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF; BEGIN IMMEDIATE");
  const statements = new Map<string, ReturnType<typeof database.prepare>>();
  const prepared = (sql: string): ReturnType<typeof database.prepare> => {
    const statement = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  let rows = 0;
  let open = true;
  const close = (end: string): void => {
    if (!open) return;
    open = false;
    database.exec(end);
    statements.clear();
    database.close();
  };
  return {
    run: (sql, params) => {
      rows += 1;
      if (rows % ROWS_A_COMMIT === 0) database.exec("COMMIT; BEGIN IMMEDIATE");
      return Number(prepared(sql).run(params.map(bindValue)).changes);
    },
    cell: (sql, params = []) => (prepared(sql).raw(true).get(params.map(bindValue)) as unknown[] | undefined)?.[0],
    columnsOf: (table) => (database.prepare(`SELECT name FROM pragma_table_info('${table}')`).raw(true).all([]) as string[][]).flat(),
    finish: () => close("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)"),
    giveUp: () => close("ROLLBACK"),
  };
}
