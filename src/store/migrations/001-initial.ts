import type { Migration } from "../migrate.ts";

/**
 * Random 32-hex trace ids as keys of spans halve the insert rate within a million rows; an integer per W3C trace, with spans clustered under it
 * in tables WITHOUT ROWID, stays flat. So `w3c_trace` gives out the integer and everything of the ingest side hangs on it.
 *
 * Text of people and models is BLOB: libsql cuts TEXT at a NUL when it reads. FTS5 tables hold a bounded copy and are kept up by statements of
 * the same transaction: as triggers the same insert costs 2.5 times as much. No detail=none and no secure-delete: both have open CVEs in 3.45.
 */
export const initial: Migration = {
  version: 1,
  statements: [
    // trace_ids repeats body_trace, which is clustered the other way round and would need a scan to answer for one body.
    // Bodies are written once: whether they are mapped lives beside them, because an UPDATE would rewrite the whole blob.
    `CREATE TABLE raw_body (
      id INTEGER PRIMARY KEY,
      format TEXT NOT NULL,
      signal TEXT NOT NULL,
      encoding TEXT NOT NULL,
      received_at_us INTEGER NOT NULL,
      trace_ids BLOB NOT NULL,
      body BLOB NOT NULL
    )`,
    "CREATE TABLE unmapped_body (body_id INTEGER PRIMARY KEY REFERENCES raw_body (id) ON DELETE CASCADE)",
    `CREATE TABLE unmappable_body (
      body_id INTEGER PRIMARY KEY REFERENCES raw_body (id) ON DELETE CASCADE,
      reason BLOB NOT NULL,
      at_us INTEGER NOT NULL
    )`,

    // span_count: distinct spans stored. pending: its spans or its feedback changed since it was last assembled.
    `CREATE TABLE w3c_trace (
      ref INTEGER PRIMARY KEY,
      trace_id TEXT NOT NULL UNIQUE,
      span_count INTEGER NOT NULL DEFAULT 0,
      last_arrival_us INTEGER NOT NULL DEFAULT 0,
      pending INTEGER NOT NULL DEFAULT 0
    )`,
    // 0 assembled, 1 spans or logs came since, 2 only feedback came since.
    "CREATE INDEX w3c_trace_pending ON w3c_trace (last_arrival_us) WHERE pending > 0",
    `CREATE TABLE body_trace (
      trace_ref INTEGER NOT NULL,
      body_id INTEGER NOT NULL,
      PRIMARY KEY (trace_ref, body_id)
    ) WITHOUT ROWID`,
    `CREATE TABLE span (
      trace_ref INTEGER NOT NULL,
      span_id TEXT NOT NULL,
      body BLOB NOT NULL,
      PRIMARY KEY (trace_ref, span_id)
    ) WITHOUT ROWID`,
    // One span may have many log records; the digest of a record tells a second copy from a second record.
    `CREATE TABLE log (
      trace_ref INTEGER NOT NULL,
      span_id TEXT NOT NULL,
      digest TEXT NOT NULL,
      body BLOB NOT NULL,
      PRIMARY KEY (trace_ref, span_id, digest)
    ) WITHOUT ROWID`,

    // One agent run. status, score and verdict_source repeat the outcome that counts, so that lists and effects need no second query.
    `CREATE TABLE trace (
      ref INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      trace_ref INTEGER NOT NULL,
      task BLOB NOT NULL,
      output BLOB NOT NULL,
      agent_name TEXT,
      service TEXT,
      conversation_id TEXT,
      user_id TEXT,
      model TEXT,
      input_tokens INTEGER,
      output_tokens INTEGER,
      start_time_us INTEGER NOT NULL,
      end_time_us INTEGER NOT NULL,
      completeness TEXT NOT NULL,
      step_count INTEGER NOT NULL,
      detail BLOB NOT NULL,
      analyzed INTEGER NOT NULL DEFAULT 0,
      status TEXT,
      score REAL,
      verdict_source TEXT
    )`,
    "CREATE INDEX trace_of_w3c ON trace (trace_ref)",
    "CREATE INDEX trace_by_start ON trace (start_time_us)",
    "CREATE INDEX trace_unanalyzed ON trace (start_time_us) WHERE analyzed = 0 AND status IS NOT NULL",
    `CREATE TABLE step (
      run_ref INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      start_time_us INTEGER NOT NULL,
      end_time_us INTEGER NOT NULL,
      error BLOB,
      body BLOB NOT NULL,
      PRIMARY KEY (run_ref, seq)
    ) WITHOUT ROWID`,
    `CREATE VIRTUAL TABLE trace_fts USING fts5 (task, output, errors, tokenize = 'unicode61 remove_diacritics 2')`,

    `CREATE TABLE outcome (
      run_id TEXT NOT NULL,
      source TEXT NOT NULL,
      status TEXT NOT NULL,
      score REAL NOT NULL,
      reasoning BLOB NOT NULL,
      evidence BLOB NOT NULL,
      created_at_us INTEGER NOT NULL,
      PRIMARY KEY (run_id, source)
    ) WITHOUT ROWID`,
    // given_id: the id as the caller said it, a W3C trace id or a run id; trace_id: its W3C part.
    `CREATE TABLE feedback (
      id INTEGER PRIMARY KEY,
      trace_id TEXT NOT NULL,
      given_id TEXT NOT NULL,
      score REAL NOT NULL,
      comment BLOB,
      source TEXT,
      created_at_us INTEGER NOT NULL
    )`,
    "CREATE INDEX feedback_of_trace ON feedback (trace_id)",
    `CREATE TABLE exposure (
      item_id TEXT NOT NULL,
      run_id TEXT NOT NULL,
      arm TEXT NOT NULL,
      probability REAL NOT NULL,
      PRIMARY KEY (item_id, run_id)
    ) WITHOUT ROWID`,
    "CREATE INDEX exposure_of_run ON exposure (run_id)",

    `CREATE TABLE knowledge (
      ref INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      type TEXT NOT NULL,
      status TEXT NOT NULL,
      priority TEXT NOT NULL,
      agent_name TEXT,
      fingerprint TEXT NOT NULL,
      content BLOB NOT NULL,
      applies_when BLOB NOT NULL,
      tags BLOB NOT NULL,
      source_trace_ids BLOB NOT NULL,
      taint BLOB NOT NULL,
      analyzer TEXT NOT NULL,
      confidence REAL NOT NULL,
      created_at_us INTEGER NOT NULL,
      updated_at_us INTEGER NOT NULL,
      version INTEGER NOT NULL,
      validation_id TEXT
    )`,
    "CREATE INDEX knowledge_by_fingerprint ON knowledge (fingerprint)",
    `CREATE VIRTUAL TABLE knowledge_fts USING fts5 (content, applies_when, tokenize = 'porter unicode61 remove_diacritics 2')`,
    `CREATE TABLE history (
      item_id TEXT NOT NULL,
      version INTEGER NOT NULL,
      at_us INTEGER NOT NULL,
      actor TEXT NOT NULL,
      action TEXT NOT NULL,
      reason BLOB,
      changes BLOB NOT NULL,
      PRIMARY KEY (item_id, version)
    ) WITHOUT ROWID`,
    `CREATE TABLE validation (
      seq INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      item_id TEXT NOT NULL,
      kind TEXT NOT NULL,
      decision TEXT NOT NULL,
      created_at_us INTEGER NOT NULL,
      body BLOB NOT NULL
    )`,
    "CREATE INDEX validation_of_item ON validation (item_id)",
    `CREATE TABLE refusal (
      id INTEGER PRIMARY KEY,
      analyzer TEXT NOT NULL,
      reason BLOB NOT NULL,
      trace_ids BLOB NOT NULL,
      text BLOB,
      at_us INTEGER NOT NULL
    )`,

    `CREATE TABLE eval_case (
      seq INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      must_pass INTEGER NOT NULL,
      created_at_us INTEGER NOT NULL,
      body BLOB NOT NULL
    )`,
    `CREATE TABLE eval_run (
      seq INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      created_at_us INTEGER NOT NULL,
      accuracy REAL NOT NULL,
      avg_score REAL NOT NULL,
      body BLOB NOT NULL
    )`,
    "CREATE INDEX eval_run_by_name ON eval_run (name)",
    `CREATE TABLE learn_cycle (
      id TEXT PRIMARY KEY,
      started_at_us INTEGER NOT NULL,
      ended_at_us INTEGER,
      report BLOB NOT NULL
    )`,
  ],
};
