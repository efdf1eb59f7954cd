import type { Migration } from "../migrate.ts";

/** Who of several clients of one server does what one should do. `until_us` is by the clock of the database, the only one they share. */
export const lease: Migration = {
  version: 3,
  statements: ["CREATE TABLE lease (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until_us INTEGER NOT NULL) WITHOUT ROWID"],
};
