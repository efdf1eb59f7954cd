/**
 * What one writes first for hybrid search with libSQL: FTS5 with all words OR-ed, vector_distance_cos over all rows, the best 50 of each fused by
 * reciprocal ranks (k = 60), and the first ten rows fetched. The words are chosen as ours are.
 */
import Database from "libsql";

const DEPTH = 50;
const K = 60;

export function fillNaiveSearch(file, items, vectors) {
  const database = new Database(file);
  database.exec(`PRAGMA journal_mode = WAL; CREATE TABLE item (ref INTEGER PRIMARY KEY, content TEXT, applies_when TEXT);
    CREATE VIRTUAL TABLE item_fts USING fts5 (content, applies_when, tokenize = 'porter unicode61 remove_diacritics 2');
    CREATE TABLE item_vector (ref INTEGER PRIMARY KEY, vector BLOB)`);
  const [insert, index, keep] = [
    "INSERT INTO item VALUES (?, ?, ?)",
    "INSERT INTO item_fts (rowid, content, applies_when) VALUES (?, ?, ?)",
    "INSERT INTO item_vector VALUES (?, ?)",
  ].map((sql) => database.prepare(sql));
  database.exec("BEGIN");
  items.forEach(({ content, appliesWhen }, ref) => {
    insert.run([ref, content, appliesWhen]);
    index.run([ref, content, appliesWhen]);
    keep.run([ref, Buffer.from(vectors[ref].buffer, vectors[ref].byteOffset, vectors[ref].byteLength)]);
  });
  database.exec("COMMIT");
  database.close();
}

/** A function from a task's words and vector to the refs of the best ten. */
export function openNaiveSearch(file) {
  const database = new Database(file);
  database.exec("PRAGMA cache_size = -262144");
  const byWords = database.prepare("SELECT rowid AS ref FROM item_fts WHERE item_fts MATCH ? ORDER BY bm25(item_fts), rowid LIMIT ?");
  const byVector = database.prepare("SELECT ref FROM item_vector ORDER BY vector_distance_cos(vector, ?) LIMIT ?");
  const fetch = database.prepare("SELECT ref, content, applies_when FROM item WHERE ref = ?");
  return (words, vector) => {
    const scores = new Map();
    const query = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
    for (const rows of [byWords.all([words.map((word) => `"${word}"`).join(" OR "), DEPTH]), byVector.all([query, DEPTH])])
      for (const [place, { ref }] of rows.entries()) scores.set(ref, (scores.get(ref) ?? 0) + 1 / (K + place + 1));
    const best = [...scores].sort(([left, a], [right, b]) => b - a || left - right).slice(0, 10);
    return best.map(([ref]) => fetch.get([ref]).ref);
  };
}
