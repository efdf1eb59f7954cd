import { closeSync, copyFileSync, existsSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import Database from "libsql";
import type { Clock } from "../base/clock.ts";
import type { Row, SqlValue } from "./driver.ts";
import { openLibsqlDriver } from "./driver-libsql.ts";
import { migrate } from "./migrate.ts";
import { bindValue, rowOf } from "./values.ts";

/** A damaged file, open for reading what is left of it. */
export interface SalvageSource {
  /** Calls `take` with every row until the end or the first fault; true when the end was reached. A throw of `take` comes out. */
  read(sql: string, params: readonly SqlValue[], take: (row: Row) => void): boolean;
  /** First cell of the first row, or undefined when it cannot be read. */
  cell(sql: string): number | undefined;
  columnsOf(table: string): readonly string[];
  close(): void;
}

const PAGE_BYTES = 16_384;

/**
 * Opens a damaged file read-only. Where its first page is not readable, a copy is opened in which that page is taken from a new store: the tables of
 * every store begin on the same pages, unless VACUUM moved them, which is tried as well.
 */
export async function openSalvageSource(path: string, clock: Clock): Promise<SalvageSource> {
  const direct = openSource(path);
  if (score(direct) > 0) return direct;
  direct.close();
  const folder = mkdtempSync(join(dirname(path), ".agentlearn-salvage-"));
  try {
    const variants = [];
    for (const [n, first] of (await firstPages(folder, clock)).entries()) {
      variants.push(
        repairedCopy(path, join(folder, `head-${n}`), first.subarray(0, 100)),
        repairedCopy(path, join(folder, `page-${n}`), first),
      );
    }
    const opened = variants.map((file) => openSource(file));
    const best = opened.reduce((a, b) => (score(b) > score(a) ? b : a));
    for (const other of opened) if (other !== best) other.close();
    return {
      ...best,
      close: () => {
        best.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (caught) {
    rmSync(folder, { recursive: true, force: true });
    throw caught;
  }
}

function openSource(path: string): SalvageSource {
  const database = new Database(path, { readonly: true });
  // Lets SQLite open what it would refuse: a file shorter than it says, a schema that does not parse.
  quietly(() => database.exec("PRAGMA writable_schema=ON"));
  return {
    read: (sql, params, take) => {
      const reading = quietly(() => {
        const statement = database.prepare(sql).raw(true);
        const columns = statement.columns().map((column) => column.name);
        return { columns, rows: statement.iterate(params.map(bindValue)) as Iterator<unknown[]> };
      });
      // Row by row: what comes before a fault counts.
      while (reading !== undefined) {
        const next = quietly(() => reading.rows.next());
        if (next === undefined) break;
        if (next.done === true) return true;
        take(rowOf(reading.columns, next.value));
      }
      return false;
    },
    cell: (sql) => quietly(() => Number((database.prepare(sql).raw(true).get([]) as unknown[] | undefined)?.[0] ?? 0)),
    columnsOf: (table) =>
      quietly(() => (database.prepare(`SELECT name FROM pragma_table_info('${table}')`).raw(true).all([]) as string[][]).flat()) ?? [],
    close: () => quietly(() => database.close()),
  };
}

function quietly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

const PROBED = ["w3c_trace", "span", "raw_body", "trace", "step", "outcome", "knowledge", "history", "eval_case", "learn_cycle"];

/** How many of the tables show a first row, or are empty. A wrong first page leads to the wrong tables, whose columns do not fit. */
function score(source: SalvageSource): number {
  return PROBED.filter((table) => source.columnsOf(table).length > 0 && source.cell(`SELECT 1 FROM ${table} LIMIT 1`) !== undefined).length;
}

/** The first page of a new store: as it is made, and after VACUUM. */
async function firstPages(folder: string, clock: Clock): Promise<readonly Buffer[]> {
  const path = join(folder, "new");
  const driver = openLibsqlDriver({ path });
  await migrate(driver, clock, path);
  await driver.all("PRAGMA wal_checkpoint(TRUNCATE)");
  const made = await firstPageOf(path);
  await driver.run("VACUUM");
  await driver.all("PRAGMA wal_checkpoint(TRUNCATE)");
  const vacuumed = await firstPageOf(path);
  await driver.close();
  return [made, vacuumed];
}

async function firstPageOf(path: string): Promise<Buffer> {
  const handle = await open(path, "r");
  try {
    const page = Buffer.alloc(PAGE_BYTES);
    await handle.read(page, 0, PAGE_BYTES, 0);
    return page;
  } finally {
    await handle.close();
  }
}

/** A copy of the file with its log, in which `first` replaces the beginning. */
function repairedCopy(path: string, copy: string, first: Buffer): string {
  copyFileSync(path, copy);
  if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`);
  const bytes = statSync(copy).size;
  const head = Buffer.from(first);
  head.writeUInt32BE(Math.floor(bytes / PAGE_BYTES), 28);
  // Nothing is written, so nobody needs to know which pages are free.
  head.writeUInt32BE(0, 32);
  head.writeUInt32BE(0, 36);
  const descriptor = openSync(copy, "r+");
  try {
    writeSync(descriptor, head, 0, Math.min(head.length, bytes), 0);
  } finally {
    closeSync(descriptor);
  }
  return copy;
}
