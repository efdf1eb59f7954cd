import type { Migration } from "../migrate.ts";

/** Items that are to take the place of others, and runs that an analyzer left for later. */
export const lessonTables: Migration = {
  version: 7,
  statements: [
    // Full id of the item whose place this one takes when it becomes active.
    "ALTER TABLE knowledge ADD COLUMN revises TEXT",
    // until: 'next' to be offered again, 'more' only beside a run that is new to the analyzer.
    `CREATE TABLE kept_run (
      analyzer TEXT NOT NULL,
      run_id TEXT NOT NULL,
      until TEXT NOT NULL,
      reason BLOB NOT NULL,
      at_us INTEGER NOT NULL,
      PRIMARY KEY (analyzer, run_id)
    ) WITHOUT ROWID`,
    "CREATE INDEX kept_run_of_run ON kept_run (run_id)",
  ],
};
