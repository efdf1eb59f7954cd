import type { Migration } from "../migrate.ts";

/** 1 on an outcome that a person should look at, else null. The index holds those alone. */
export const review: Migration = {
  version: 6,
  statements: ["ALTER TABLE outcome ADD COLUMN review INTEGER", "CREATE INDEX outcome_for_review ON outcome (run_id) WHERE review = 1"],
};
