/** What may be bound. Every driver passes it through `bindValue`, because the native binding aborts the process on some of these. */
export type SqlValue = string | number | bigint | boolean | Uint8Array | null | undefined;

/** What comes back. A blob is always a plain Uint8Array, never a Buffer or an ArrayBuffer. */
export type SqlCell = string | number | bigint | Uint8Array | null;

/** A plain object with one key per column of the statement and nothing else. */
export type Row = { readonly [column: string]: SqlCell };

/** Runs single statements. Parameters are positional and their number must match. */
export interface SqlExecutor {
  /** All rows, read to the end, so that no statement stays open. */
  all(sql: string, params?: readonly SqlValue[]): Promise<readonly Row[]>;
  /** `changes`: rows inserted, updated or deleted. */
  run(sql: string, params?: readonly SqlValue[]): Promise<{ readonly changes: number }>;
}

export interface SqlCapabilities {
  /** `file`: one process owns it. `remote`: a libSQL server with other clients. */
  readonly kind: "file" | "remote";
}

/**
 * The one way to the database. Rejects with LearnError only: "unavailable" for faults that may pass (lock, full disk, lost server),
 * "invalid" for a file or a value that will never work, "conflict" for a broken constraint, "too-large" for a value beyond the engine.
 * A call outside a transaction waits for the running one; a call on the driver itself inside `work` waits for ever, so use `tx` there.
 */
export interface SqlDriver extends SqlExecutor {
  readonly capabilities: SqlCapabilities;
  /** Several statements without parameters. */
  exec(sql: string): Promise<void>;
  /**
   * BEGIN IMMEDIATE, `work`, COMMIT; durable on return. A throw in `work` rolls back and comes out unchanged. One at a time, in order of call.
   * "replayable": a power cut may take it back, whole, until the next one that is durable; for work that the store itself then does again.
   */
  transaction<T>(work: (tx: SqlExecutor) => Promise<T>, kept?: "durably" | "replayable"): Promise<T>;
  /** Waits for the running call. Safe twice; every later call rejects "unavailable". */
  close(): Promise<void>;
}
