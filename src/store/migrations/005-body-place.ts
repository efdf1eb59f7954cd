import type { Migration } from "../migrate.ts";

/** Where bodies are that stand in a segment beside the file, see body-log.ts; `raw_body.body` of these is empty. */
export const bodyPlace: Migration = {
  version: 5,
  statements: [
    `CREATE TABLE body_place (
      body_id INTEGER PRIMARY KEY REFERENCES raw_body (id) ON DELETE CASCADE,
      segment INTEGER NOT NULL,
      at INTEGER NOT NULL,
      bytes INTEGER NOT NULL
    )`,
  ],
};
