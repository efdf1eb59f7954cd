import type { Migration } from "../migrate.ts";

/** How many answers that may hold an item on trial were taken, by the seed of the trial. A row stays when its trial ends: nothing is ever given back. */
export const trial: Migration = {
  version: 11,
  statements: ["CREATE TABLE trial_ration (seed TEXT PRIMARY KEY, taken INTEGER NOT NULL, taken_at_us INTEGER NOT NULL) WITHOUT ROWID"],
};
