import type { Migration } from "../migrate.ts";

/**
 * What is left of the exposures of runs that retention deleted. By probability, because runs of different probabilities must not be mixed in an
 * estimate. `judged` and `successes` repeat what the verdicts of those runs said when they went.
 */
export const foldedExposure: Migration = {
  version: 2,
  statements: [
    `CREATE TABLE folded_exposure (
      item_id TEXT NOT NULL,
      arm TEXT NOT NULL,
      probability REAL NOT NULL,
      runs INTEGER NOT NULL,
      judged INTEGER NOT NULL,
      successes INTEGER NOT NULL,
      PRIMARY KEY (item_id, arm, probability)
    ) WITHOUT ROWID`,
  ],
};
