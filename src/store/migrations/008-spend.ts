import type { Migration } from "../migrate.ts";

/** What learning costs, and what was paid for already. */
export const spend: Migration = {
  version: 8,
  statements: [
    // A row stands before its call is made, with the most that the call can cost; `settled` when it is known what it did cost. usd NULL: price unknown.
    `CREATE TABLE model_call (
      id TEXT PRIMARY KEY,
      cycle_id TEXT NOT NULL,
      step TEXT NOT NULL,
      model TEXT NOT NULL,
      at_us INTEGER NOT NULL,
      settled INTEGER NOT NULL DEFAULT 0,
      estimated INTEGER NOT NULL DEFAULT 1,
      input_tokens INTEGER NOT NULL,
      output_tokens INTEGER NOT NULL,
      usd REAL
    )`,
    "CREATE INDEX model_call_at ON model_call (at_us)",
    "CREATE INDEX model_call_of_cycle ON model_call (cycle_id)",
    // Answers by a digest of the question; the question itself is not kept.
    `CREATE TABLE journal (
      key TEXT PRIMARY KEY,
      cycle_id TEXT NOT NULL,
      step TEXT NOT NULL,
      at_us INTEGER NOT NULL,
      answer BLOB NOT NULL
    )`,
  ],
};
