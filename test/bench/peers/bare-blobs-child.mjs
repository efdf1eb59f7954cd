/**
 * How many bytes libSQL can commit on this disk: bodies as they are into one table without an index, no network, no decoding; `bodies` per commit.
 * Run as: node bare-blobs-child.mjs '{ file, spans, bodies, seconds, seed }'. Prints { acknowledged, elapsedMs }.
 */
import Database from "libsql";
import { createTemplate } from "../span-template.mjs";
import { createRandom } from "../statistics.mjs";

const { file, spans, bodies, seconds, seed } = JSON.parse(process.argv[2]);
const random = createRandom(seed);
const fresh = createTemplate({ spans, json: false, random }).copy();
const database = new Database(file);
database.exec(
  "PRAGMA page_size=16384; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE body (id INTEGER PRIMARY KEY, body BLOB)",
);
const insert = database.prepare("INSERT INTO body (body) VALUES (?)");
let acknowledged = 0;
const began = performance.now();
while (performance.now() - began < seconds * 1000) {
  database.exec("BEGIN IMMEDIATE");
  for (let index = 0; index < bodies; index += 1) insert.run([fresh(random)]);
  database.exec("COMMIT");
  acknowledged += bodies * spans;
}
console.log(JSON.stringify({ acknowledged, elapsedMs: performance.now() - began }));
