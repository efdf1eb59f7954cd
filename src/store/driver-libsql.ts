import Database from "libsql";
import { LearnError } from "../base/error.ts";
import type { Row, SqlDriver, SqlExecutor, SqlValue } from "./driver.ts";
import { native } from "./exit-gate.ts";
import { createMutex } from "./mutex.ts";
import { faultOf, sqlError } from "./sql-error.ts";
import { bindValue, rowOf } from "./values.ts";

export interface LibsqlDriverOptions {
  /** Absolute path of the file. Its folder must exist. */
  readonly path: string;
  /** How long a statement waits for a foreign lock. The thread stands still meanwhile, so keep it short. Default 2,000. */
  readonly busyTimeoutMs?: number;
}

interface Statement {
  readonly native: ReturnType<InstanceType<typeof Database>["prepare"]>;
  /** Of the columns of a query: asking the binding costs 20 µs each time. The schema changes only before the first query, see migrate.ts. */
  columns?: readonly string[];
}

/** One connection with its statements. It is thrown away as a whole. */
interface Connection {
  readonly database: InstanceType<typeof Database>;
  readonly statements: Map<string, Statement>;
  dead: boolean;
}

// Statement texts are written by us and vary only with the number of rows; a bound keeps a mistake from growing without end.
const MAX_STATEMENTS = 200;

/**
 * A local file through the synchronous binding: for a worker thread, because every call blocks its loop.
 *
 * BEGIN, COMMIT and ROLLBACK go through exec only: in libsql 0.5.29 a prepared BEGIN that fails with SQLITE_BUSY is never finalised, and every
 * later COMMIT on that connection fails. For the same reason a connection on which any statement failed is closed and opened anew (1 ms).
 */
export function openLibsqlDriver(options: LibsqlDriverOptions): SqlDriver {
  const { path } = options;
  const exclusively = createMutex();
  let closed = false;
  let connection: Connection | undefined = connect(path, options.busyTimeoutMs ?? 2_000);

  const current = (): Connection => {
    if (closed) throw new LearnError("unavailable", `store ${path} is closed`);
    if (connection === undefined || connection.dead) connection = connect(path, options.busyTimeoutMs ?? 2_000);
    return connection;
  };

  const on = (target: () => Connection): SqlExecutor => ({
    all: async (sql, params) => query(target(), path, sql, params ?? []),
    run: async (sql, params) => change(target(), path, sql, params ?? []),
  });
  const direct = on(current);

  /** In a log that is written in order, a commit without a sync of its own is durable with the next one that has one. */
  const replayable = async <T>(work: (tx: SqlExecutor) => Promise<T>): Promise<T> => {
    const held = current();
    execute(held, path, "PRAGMA synchronous=NORMAL");
    try {
      return await transaction(work);
    } finally {
      // A dead connection is followed by one that begins with FULL.
      if (!held.dead) execute(held, path, "PRAGMA synchronous=FULL");
    }
  };

  const transaction = async <T>(work: (tx: SqlExecutor) => Promise<T>): Promise<T> => {
    const held = current();
    const alive = (): Connection => {
      if (held.dead) throw new LearnError("unavailable", `a transaction on store ${path} was given up after a fault`);
      return held;
    };
    execute(held, path, "BEGIN IMMEDIATE");
    let result: T;
    try {
      result = await work(on(alive));
    } catch (caught) {
      rollback(held);
      throw caught;
    }
    execute(alive(), path, "COMMIT");
    return result;
  };

  return {
    capabilities: { kind: "file" },
    all: (sql, params) => exclusively(() => direct.all(sql, params)),
    run: (sql, params) => exclusively(() => direct.run(sql, params)),
    exec: (sql) => exclusively(async () => execute(current(), path, sql)),
    transaction: (work, kept) => exclusively(() => (kept === "replayable" ? replayable(work) : transaction(work))),
    close: () =>
      exclusively(async () => {
        closed = true;
        if (connection !== undefined && !connection.dead) {
          writeBack(connection);
          discard(connection);
        }
        connection = undefined;
      }),
  };
}

function connect(path: string, busyTimeoutMs: number): Connection {
  return native(() => connectNow(path, busyTimeoutMs));
}

function connectNow(path: string, busyTimeoutMs: number): Connection {
  let database: InstanceType<typeof Database> | undefined;
  try {
    database = new Database(path, { timeout: busyTimeoutMs });
    // 16 KiB pages: bodies commit 1.2 to 1.5 times faster than with 4 KiB. FULL: 0 of 300 simulated power cuts lost an answered commit,
    // NORMAL lost some in 244; with group commit both run at the same rate.
    // 4 MB of pages: with the 2 MB that SQLite takes by itself, 122 pages, each mapped and assembled span read 31 kB from the files; with 4 MB it reads 18,
    // with 8 MB 15.
    database.exec(
      "PRAGMA page_size=16384; PRAGMA cache_size=-4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=67108864;",
    );
    // A read-only file says so only when something is written: BEGIN IMMEDIATE alone turns into a read. Better now than at the first span.
    database.exec("BEGIN IMMEDIATE; CREATE TABLE write_probe (x); ROLLBACK");
  } catch (caught) {
    closeQuietly(database);
    if (faultOf(caught) !== "readonly") throw sqlError(caught, path);
    throw new LearnError("invalid", `store ${path} is read-only for this user`, {
      cause: caught,
      hint: "make the file and its folder writable, or name another store",
    });
  }
  return { database, statements: new Map(), dead: false };
}

function prepared(connection: Connection, sql: string): Statement {
  const known = connection.statements.get(sql);
  if (known !== undefined) return known;
  const statement: Statement = { native: connection.database.prepare(sql) };
  if (connection.statements.size >= MAX_STATEMENTS) connection.statements.clear();
  connection.statements.set(sql, statement);
  return statement;
}

function query(connection: Connection, path: string, sql: string, params: readonly SqlValue[]): readonly Row[] {
  // The array keeps a Uint8Array from being passed bare, which aborts the process.
  const values = params.map(bindValue);
  return guarded(connection, path, () => {
    const statement = prepared(connection, sql);
    const rows = statement.native.raw(true).all(values) as unknown[][];
    statement.columns ??= statement.native.columns().map((column) => column.name);
    const { columns } = statement;
    return rows.map((cells) => rowOf(columns, cells));
  });
}

function change(connection: Connection, path: string, sql: string, params: readonly SqlValue[]): { readonly changes: number } {
  const values = params.map(bindValue);
  return guarded(connection, path, () => ({ changes: Number(prepared(connection, sql).native.run(values).changes) }));
}

function execute(connection: Connection, path: string, sql: string): void {
  guarded(connection, path, () => void connection.database.exec(sql));
}

function guarded<T>(connection: Connection, path: string, work: () => T): T {
  try {
    return native(work);
  } catch (caught) {
    discard(connection);
    throw sqlError(caught, path);
  }
}

function rollback(connection: Connection): void {
  if (connection.dead) return;
  try {
    native(() => connection.database.exec("ROLLBACK"));
  } catch {
    discard(connection);
  }
}

function discard(connection: Connection): void {
  connection.dead = true;
  try {
    // close() alone leaves the transaction, and with it the write lock, to the garbage collector: prepared statements keep the handle alive.
    native(() => connection.database.exec("ROLLBACK"));
  } catch {
    // There was none.
  }
  connection.statements.clear();
  closeQuietly(connection.database);
}

/** An empty log is the sign of a file that was closed in order; SQLite removes it only with the last handle, which the collector of garbage frees. */
function writeBack(connection: Connection): void {
  try {
    native(() => connection.database.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
  } catch {
    // The next one to open the file does it.
  }
}

function closeQuietly(database: InstanceType<typeof Database> | undefined): void {
  try {
    native(() => database?.close());
  } catch {
    // Nothing can be done about a handle that does not close; the process frees it.
  }
}
