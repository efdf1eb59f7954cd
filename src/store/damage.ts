import { closeSync, openSync, readSync, statSync } from "node:fs";
import Database from "libsql";
import { messageOf } from "../base/error.ts";
import { APPLICATION_ID, isOurs } from "./migrate.ts";
import { faultOf, sqlError } from "./sql-error.ts";

/** What is wrong with a store file. `log`: the file is sound, but its write-ahead log is not one, so that what it held is gone. */
export interface Damage {
  readonly part: "file" | "log";
  readonly what: string;
}

const MIB = 1024 * 1024;
// quick_check takes 100 ms for 256 MiB and 0.35 s a GiB once the file is in memory, and as long as the disk needs to read it before. A file that was
// closed in order is damaged by disks and people alone; one that was not is looked at up to the size a slow disk reads within 5 s.
const CHECKED_BYTES = 256 * MIB;
const CHECKED_BYTES_AFTER_CRASH = 1024 * MIB;

// The search indexes are two thirds of a quick_check (58 of 85 ms at 10,000 items, 0.5 of 0.8 s at 100,000), and every start waits for it. They are made from the
// tables, and `agentlearn store check` compares them: here they are looked into after a crash alone.
const PLAIN_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'";

/** Of a larger file these are checked: small, and nothing makes them again. */
const PRECIOUS = ["schema_version", "knowledge", "history", "validation", "eval_case", "eval_run", "feedback"];

/**
 * Looks at a file nobody has open, before it is opened: an INSERT into a scribbled file succeeds. Undefined when it is sound, missing, empty, or a
 * database of another program, which is not for us to judge. Throws LearnError for a fault that is none of the file (rights, lock, disk).
 * Call it as the owner only: closing a descriptor of a file drops the locks this process holds on it.
 */
export function findDamage(path: string, limits: { readonly bytes?: number } = {}): Damage | undefined {
  const bytes = sizeOf(path);
  const logBytes = sizeOf(`${path}-wal`);
  if (bytes === 0) return logBytes === 0 ? undefined : { part: "file", what: "it is empty, but its write-ahead log is not" };
  const header = headOf(path, 100);
  if (header.toString("latin1", 0, 16) !== "SQLite format 3\0") return { part: "file", what: "it does not begin as a database does" };
  const limit = limits.bytes ?? (logBytes === 0 ? CHECKED_BYTES : CHECKED_BYTES_AFTER_CRASH);
  const depth = bytes > limit ? "precious" : logBytes === 0 ? "pages" : "all";
  const what = damageInside(path, { depth, marked: header.readUInt32BE(68) === APPLICATION_ID });
  if (what !== undefined) return { part: "file", what };
  if (logBytes > 0 && !isLog(headOf(`${path}-wal`, 32))) return { part: "log", what: "its write-ahead log is none" };
  return undefined;
}

/** `pages`: of all tables, those of the search indexes among them, without comparing each word of an index with the texts. */
type Depth = "precious" | "pages" | "all";

function damageInside(path: string, options: { readonly depth: Depth; readonly marked: boolean }): string | undefined {
  let database: InstanceType<typeof Database> | undefined;
  try {
    // Read-only, so that closing it does not write a log back into a damaged file.
    const opened = new Database(path, { readonly: true });
    database = opened;
    const rows = (sql: string): readonly unknown[][] => opened.prepare(sql).raw(true).all([]) as unknown[][];
    const tables = rows("SELECT name FROM sqlite_master WHERE type = 'table'").map(([name]) => String(name));
    if (!isOurs(tables)) return options.marked ? "its tables are gone" : undefined;
    const looked = {
      precious: () => PRECIOUS,
      // The table of all tables brings the list of free pages with it.
      pages: () => ["sqlite_schema", ...rows(PLAIN_TABLES).map(([name]) => String(name))],
      all: () => ["3"],
    };
    return looked[options.depth]()
      .flatMap((what) => rows(`PRAGMA quick_check(${what})`).map(([line]) => String(line)))
      .find((line) => line !== "ok")
      ?.replace(/\s+/g, " ");
  } catch (caught) {
    if (faultOf(caught) === "corrupt") return messageOf(caught);
    throw sqlError(caught, path);
  } finally {
    database?.close();
  }
}

/** A log that SQLite began: it would pass over anything else without a word and write over it. */
function isLog(header: Buffer): boolean {
  const magic = header.readUInt32BE(0);
  if (magic !== 0x377f0682 && magic !== 0x377f0683) return false;
  let [first, second] = [0, 0];
  for (let at = 0; at < 24; at += 8) {
    const read = (offset: number): number => (magic === 0x377f0683 ? header.readUInt32BE(offset) : header.readUInt32LE(offset));
    first = (first + read(at) + second) >>> 0;
    second = (second + read(at + 4) + first) >>> 0;
  }
  return first === header.readUInt32BE(24) && second === header.readUInt32BE(28);
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function headOf(file: string, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  const descriptor = openSync(file, "r");
  try {
    readSync(descriptor, buffer, 0, bytes, 0);
    // What a short file lacks reads as zeros, which no header has.
    return buffer;
  } finally {
    closeSync(descriptor);
  }
}
