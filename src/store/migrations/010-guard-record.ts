import type { Migration } from "../migrate.ts";

/** What every guard said of an item, and whose words they are: it could be read out of the source runs alone, and those go by retention. */
export const guardRecord: Migration = {
  version: 10,
  statements: ["ALTER TABLE knowledge ADD COLUMN guards BLOB"],
};
