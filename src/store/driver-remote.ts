import { fromUnknown, isLearnError, LearnError, messageOf } from "../base/error.ts";
import type { Row, SqlDriver, SqlExecutor, SqlValue } from "./driver.ts";
import { createMutex } from "./mutex.ts";
import { faultOf, sqlError } from "./sql-error.ts";
import { bindValue, rowOf } from "./values.ts";

export interface RemoteDriverOptions {
  /** http(s), ws(s) or libsql url. A token may stand in it as `?authToken=`. */
  readonly url: string;
}

/** The part of `@libsql/client` that is used; it is an optional peer and loaded only here. */
interface Client {
  execute(statement: { sql: string; args: unknown[] }): Promise<ResultSet>;
  executeMultiple(sql: string): Promise<void>;
  transaction(mode: "write"): Promise<ClientTransaction>;
  close(): void;
}

interface ClientTransaction {
  execute(statement: { sql: string; args: unknown[] }): Promise<ResultSet>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  close(): void;
}

interface ResultSet {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[] & { readonly length: number })[];
  readonly rowsAffected: number;
}

/** A libSQL server. Each statement is a round trip; other clients may write between two transactions. Rejects "invalid" when the package is missing. */
export async function openRemoteDriver(options: RemoteDriverOptions): Promise<SqlDriver> {
  const store = withoutSecrets(options.url);
  const client = await connect(options.url, store);
  const exclusively = createMutex();
  let closed = false;

  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    if (closed) throw new LearnError("unavailable", `store ${store} is closed`);
    try {
      return await work();
    } catch (caught) {
      throw remoteError(caught, store);
    }
  };
  const over = (target: Pick<Client, "execute">): SqlExecutor => ({
    all: (sql, params) => guarded(async () => rowsOf(await target.execute(statementOf(sql, params)))),
    run: (sql, params) => guarded(async () => ({ changes: (await target.execute(statementOf(sql, params))).rowsAffected })),
  });
  const direct = over(client);

  const transaction = async <T>(work: (tx: SqlExecutor) => Promise<T>): Promise<T> => {
    const tx = await guarded(() => client.transaction("write"));
    try {
      const result = await work(over(tx));
      await guarded(() => tx.commit());
      return result;
    } catch (caught) {
      // The server rolls back what it does not hear of again; the cause is what the caller must see.
      await tx.rollback().catch(() => undefined);
      throw caught;
    } finally {
      tx.close();
    }
  };

  return {
    capabilities: { kind: "remote" },
    all: (sql, params) => exclusively(() => direct.all(sql, params)),
    run: (sql, params) => exclusively(() => direct.run(sql, params)),
    exec: (sql) => exclusively(() => guarded(() => client.executeMultiple(sql))),
    transaction: (work) => exclusively(() => transaction(work)),
    close: () =>
      exclusively(async () => {
        if (!closed) client.close();
        closed = true;
      }),
  };
}

async function connect(url: string, store: string): Promise<Client> {
  // A name in a variable, so that the compiler does not ask for an optional package.
  const name = "@libsql/client";
  let loaded: { createClient(config: { url: string; intMode: "number" }): Client };
  try {
    loaded = (await import(name)) as typeof loaded;
  } catch (caught) {
    throw new LearnError("invalid", `store ${store} is a server, and ${name} is not installed`, {
      cause: caught,
      hint: `npm install ${name}`,
    });
  }
  try {
    return loaded.createClient({ url, intMode: "number" });
  } catch (caught) {
    throw fromUnknown(caught, `store ${store} cannot be opened`, "invalid");
  }
}

function statementOf(sql: string, params: readonly SqlValue[] = []): { sql: string; args: unknown[] } {
  return { sql, args: params.map(bindValue) };
}

function rowsOf(result: ResultSet): readonly Row[] {
  return result.rows.map((cells) => rowOf(result.columns, cells));
}

/** Server faults keep their SQLite meaning where the client says it; everything else is the network, which may pass. */
function remoteError(caught: unknown, store: string): LearnError {
  if (isLearnError(caught)) return caught;
  if (faultOf(caught) !== "other") return sqlError(caught, store);
  const code = String((caught as { code?: unknown } | null)?.code ?? "");
  if (/^SQLITE_BUSY|^SQLITE_LOCKED/.test(code)) return sqlError({ rawCode: 5, message: messageOf(caught) }, store);
  if (/^SQLITE_CONSTRAINT/.test(code)) return sqlError({ rawCode: 19, message: messageOf(caught) }, store);
  if (/^SQLITE|SQL_PARSE_ERROR/.test(code))
    return new LearnError("internal", `store ${store} failed: ${messageOf(caught)}`, { cause: caught });
  return new LearnError("unavailable", `store ${store} does not answer: ${messageOf(caught)}`, {
    cause: caught,
    hint: "check that the server runs and that the url and its token are right",
  });
}

function withoutSecrets(url: string): string {
  const parsed = new URL(url);
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}
