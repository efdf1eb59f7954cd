/**
 * A receiver that keeps one row per span and is careful about it: a hand decoder that reads what the columns need and keeps the rest of the span as
 * bytes, many rows per statement, and one commit for all requests that came during the last one. Run as: node careful-rows-child.mjs FILE. Prints its port.
 */
import { createServer } from "node:http";
import Database from "libsql";

const ROWS = 64;
const database = new Database(process.argv[2]);
database.exec(
  "PRAGMA page_size=16384; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" +
    "CREATE TABLE span (id INTEGER PRIMARY KEY, trace_id TEXT, span_id TEXT, name TEXT, start_us INTEGER, end_us INTEGER, body BLOB);" +
    "CREATE INDEX by_trace ON span (trace_id);",
);
const insertOf = (rows) =>
  database.prepare(
    `INSERT INTO span (trace_id, span_id, name, start_us, end_us, body) VALUES ${Array(rows).fill("(?,?,?,?,?,?)").join(",")}`,
  );
const insertMany = insertOf(ROWS);
const insertOne = insertOf(1);
let waiting = [];

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    if (waiting.length === 0) setImmediate(commit);
    waiting.push({ body: Buffer.concat(chunks), response });
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));

function commit() {
  const group = waiting;
  waiting = [];
  database.exec("BEGIN IMMEDIATE");
  const rows = group.flatMap(({ body }) => spansIn(body));
  let at = 0;
  for (; at + ROWS <= rows.length; at += ROWS) insertMany.run(rows.slice(at, at + ROWS).flat());
  for (; at < rows.length; at += 1) insertOne.run(rows[at]);
  database.exec("COMMIT");
  for (const { response } of group) response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
}

function spansIn(body) {
  const rows = [];
  fields(body, 0, body.length, (field, at, end) => {
    if (field === 1)
      fields(
        body,
        at,
        end,
        (inner, from, to) => inner === 2 && fields(body, from, to, (leaf, a, z) => leaf === 2 && rows.push(rowOf(body, a, z))),
      );
  });
  return rows;
}

function rowOf(body, start, end) {
  const row = ["", "", "", 0, 0, body.subarray(start, end)];
  fields(body, start, end, (field, at, to) => {
    if (field === 1) row[0] = body.toString("hex", at, to);
    else if (field === 2) row[1] = body.toString("hex", at, to);
    else if (field === 5) row[2] = body.toString("utf8", at, to);
    else if (field === 7) row[3] = Number(body.readBigUInt64LE(at) / 1000n);
    else if (field === 8) row[4] = Number(body.readBigUInt64LE(at) / 1000n);
  });
  return row;
}

/** Calls `visit(field, start, end)` for each field of one message. */
function fields(body, start, end, visit) {
  let at = start;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = body[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < end) {
    const tag = varint();
    const from = at;
    if ((tag & 7) === 0) varint();
    else if ((tag & 7) === 1) at += 8;
    else if ((tag & 7) === 5) at += 4;
    else at = varint() + at;
    const to = at;
    // Of a length-delimited field the content begins behind its length.
    const content = (tag & 7) === 2 ? to - lengthIn(body, from) : from;
    visit(tag >> 3, content, to);
    at = to;
  }
}

function lengthIn(body, at) {
  let value = 0;
  for (let scale = 1, place = at; ; scale *= 128) {
    const byte = body[place++];
    value += (byte & 127) * scale;
    if (byte < 128) return value;
  }
}
