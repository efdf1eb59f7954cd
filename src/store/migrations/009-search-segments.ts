import type { Migration } from "../migrate.ts";

/**
 * Every commit of assembled runs adds a segment to the index of their words, and four of a size were rewritten as one: of 20,480 runs with 1.5 kB of
 * text each took 293 µs of CPU and wrote 27 kB, with sixteen 215 µs and 19 kB. The setting stays in the file. A search reads more segments, and its
 * results are the same.
 */
export const searchSegments: Migration = {
  version: 9,
  statements: ["INSERT INTO trace_fts (trace_fts, rank) VALUES ('automerge', 16)"],
};
