import type { Migration } from "../migrate.ts";

/**
 * Scope of items, a sequence of changes for copies in other processes, vectors by the model that made them, snapshots, conflicts, and the arm of a run.
 * Items that are there already enter the sequence in the order of their rows.
 */
export const knowledgeTables: Migration = {
  version: 4,
  statements: [
    "ALTER TABLE knowledge ADD COLUMN service TEXT",
    "ALTER TABLE knowledge ADD COLUMN model TEXT",
    "ALTER TABLE knowledge ADD COLUMN tenant TEXT",
    // One row per item, also of one that was deleted: a copy that still holds it must hear of it.
    "CREATE TABLE knowledge_change (item_id TEXT PRIMARY KEY, seq INTEGER NOT NULL UNIQUE) WITHOUT ROWID",
    "INSERT INTO knowledge_change (item_id, seq) SELECT id, row_number() OVER (ORDER BY ref) FROM knowledge",
    // digest: of the text that was embedded; another text makes the vector stale. Vectors of two models are never compared.
    `CREATE TABLE item_vector (
      item_id TEXT NOT NULL,
      model_id TEXT NOT NULL,
      digest TEXT NOT NULL,
      vector BLOB NOT NULL,
      PRIMARY KEY (item_id, model_id)
    ) WITHOUT ROWID`,
    `CREATE TABLE snapshot (
      seq INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      tag TEXT UNIQUE,
      created_at_us INTEGER NOT NULL,
      actor TEXT NOT NULL,
      reason BLOB,
      items INTEGER NOT NULL,
      body BLOB NOT NULL
    )`,
    // Found between two items; the pair is ordered, so that it is stored once.
    `CREATE TABLE knowledge_conflict (
      first_id TEXT NOT NULL,
      second_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      found_at_us INTEGER NOT NULL,
      body BLOB NOT NULL,
      resolved_at_us INTEGER,
      resolved_by TEXT,
      resolution BLOB,
      PRIMARY KEY (first_id, second_id)
    ) WITHOUT ROWID`,
    // 'control' got no knowledge at all, 'knowledge' took part in the draw, null was never asked.
    "ALTER TABLE trace ADD COLUMN arm TEXT",
    "ALTER TABLE trace ADD COLUMN control_share REAL",
  ],
};
