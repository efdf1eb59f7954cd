import type { Clock } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { saveAssembled } from "./assembled.ts";
import type { BodyLog, BodyPlace } from "./body-log.ts";
import type { Row, SqlDriver, SqlExecutor } from "./driver.ts";
import { saveBatch } from "./mapped.ts";
import { materialOf } from "./material.ts";
import type { IngestStore, RawBody, StoredRawBody } from "./ports.ts";
import { idList, insertRows } from "./rows.ts";
import { keyOf, traceRefs } from "./trace-refs.ts";
import { jsonBlob, jsonOf, numberOf, requiredNumber, requiredText, textBlob } from "./values.ts";

// 32 bodies of 1.4 MB, the batches of an exporter with its defaults, were 45 MB of memory at a time.
const MAX_BYTES_READ = 4 * 1024 * 1024;

// A commit below this is one sync with the blobs in the database, and two with a segment.
const LOG_FROM_BYTES = 64 * 1024;

/** With a log, large bodies go there; without, as on a server, into the table. */
export function createIngestStore(driver: SqlDriver, clock: Clock, log?: BodyLog): IngestStore {
  return {
    appendBodies: async (bodies) => {
      if (bodies.length === 0) return;
      const bytes = bodies.reduce((sum, { body }) => sum + body.byteLength, 0);
      if (log === undefined || bytes < LOG_FROM_BYTES) return driver.transaction((tx) => appendBodies(tx, bodies, []));
      const places = log.append(bodies);
      let committed = false;
      try {
        await driver.transaction((tx) => appendBodies(tx, bodies, places));
        committed = true;
      } finally {
        log.settle(places, committed);
      }
    },

    unmappedBodies: async (limit) => {
      const sizes = await driver.all(
        `SELECT u.body_id AS id, coalesce(p.bytes, length(b.body)) AS bytes FROM unmapped_body u JOIN raw_body b ON b.id = u.body_id
         LEFT JOIN body_place p ON p.body_id = b.id ORDER BY u.body_id LIMIT ?`,
        [limit],
      );
      let bytes = 0;
      const ids = sizes.flatMap((row, index) => {
        bytes += requiredNumber(row, "bytes");
        return index === 0 || bytes <= MAX_BYTES_READ ? [requiredNumber(row, "id")] : [];
      });
      const rows = await driver.all(
        `SELECT b.*, p.segment, p.at, p.bytes FROM raw_body b LEFT JOIN body_place p ON p.body_id = b.id
         WHERE b.id IN (SELECT value FROM json_each(?)) ORDER BY b.id`,
        [idList(ids)],
      );
      return rows.map((row) => bodyFromRow(row, log));
    },

    saveMapped: (bodyIds, batch, nowUs) =>
      driver.transaction(async (tx) => {
        await saveBatch(tx, batch, nowUs);
        await tx.run("DELETE FROM unmapped_body WHERE body_id IN (SELECT value FROM json_each(?))", [idList(bodyIds)]);
      }),

    markUnmappable: (bodyId, reason) =>
      driver.transaction(async (tx) => {
        const { changes } = await tx.run("DELETE FROM unmapped_body WHERE body_id = ?", [bodyId]);
        if (changes === 0) return;
        await tx.run("INSERT OR REPLACE INTO unmappable_body (body_id, reason, at_us) VALUES (?, ?, ?)", [
          bodyId,
          textBlob(reason),
          clock.nowUs(),
        ]);
      }),

    pendingTraces: async (limit) => {
      const rows = await driver.all("SELECT * FROM w3c_trace WHERE pending > 0 ORDER BY last_arrival_us, ref LIMIT ?", [limit]);
      return rows.map((row) => ({
        traceId: requiredText(row, "trace_id"),
        lastArrivalUs: requiredNumber(row, "last_arrival_us"),
        spanCount: requiredNumber(row, "span_count"),
        feedbackOnly: requiredNumber(row, "pending") === 2,
      }));
    },

    materialOf: (traceIds) => materialOf(driver, traceIds),
    recentTraces: async (limit) => {
      // By reference and not by arrival: there is an index on arrival for pending traces only, and this is asked for once a second.
      const rows = await driver.all("SELECT * FROM w3c_trace WHERE span_count > 0 ORDER BY ref DESC LIMIT ?", [limit]);
      return rows.map((row) => ({
        traceId: requiredText(row, "trace_id"),
        lastArrivalUs: requiredNumber(row, "last_arrival_us"),
        spanCount: requiredNumber(row, "span_count"),
      }));
    },

    spansOf: async (traceId) => {
      const [material] = await materialOf(driver, [traceId]);
      return material?.batch ?? { spans: [], logs: [] };
    },

    saveManyAssembled: (assembled) => driver.transaction((tx) => saveAssembled(tx, assembled)),
  };
}

async function appendBodies(tx: SqlExecutor, bodies: readonly RawBody[], places: readonly BodyPlace[]): Promise<void> {
  const [top] = await tx.all("SELECT coalesce(max(id), 0) AS id FROM raw_body");
  let id = numberOf(top?.["id"]) ?? 0;
  const first = id + 1;
  const traces = new Set<string>();
  for (const body of bodies) {
    id += 1;
    const values = [
      id,
      body.format,
      body.signal,
      body.encoding,
      body.receivedAtUs,
      jsonBlob(body.traceIds),
      places.length === 0 ? body.body : IN_THE_LOG,
    ];
    await tx.run(
      "INSERT INTO raw_body (id, format, signal, encoding, received_at_us, trace_ids, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
      values,
    );
    for (const traceId of body.traceIds) if (traceId !== "") traces.add(keyOf(traceId));
  }
  const ids = bodies.map((_, index) => first + index);
  await insertRows(
    tx,
    "INSERT INTO body_place (body_id, segment, at, bytes)",
    places.map(({ segment, at, bytes }, index) => [first + index, segment, at, bytes]),
  );
  await insertRows(
    tx,
    "INSERT INTO unmapped_body (body_id)",
    ids.map((bodyId) => [bodyId]),
  );
  const refs = await traceRefs(tx, traces);
  const pairs = bodies.flatMap((body, index) =>
    [...new Set(body.traceIds)].map((traceId) => [refs.get(keyOf(traceId))?.ref, first + index]),
  );
  await insertRows(
    tx,
    "INSERT OR IGNORE INTO body_trace (trace_ref, body_id)",
    pairs.filter(([ref]) => ref !== undefined),
  );
}

const IN_THE_LOG = new Uint8Array(0);

function bodyFromRow(row: Row, log: BodyLog | undefined): StoredRawBody {
  const segment = numberOf(row["segment"]);

  return {
    id: requiredNumber(row, "id"),
    format: requiredText(row, "format") as RawBody["format"],
    signal: requiredText(row, "signal") as RawBody["signal"],
    encoding: requiredText(row, "encoding") as RawBody["encoding"],
    body:
      segment === undefined
        ? (row["body"] as Uint8Array)
        : inLog(log).read({ segment, at: requiredNumber(row, "at"), bytes: requiredNumber(row, "bytes") }),
    receivedAtUs: requiredNumber(row, "received_at_us"),
    traceIds: jsonOf<readonly string[]>(row["trace_ids"]),
  };
}

function inLog(log: BodyLog | undefined): BodyLog {
  if (log !== undefined) return log;
  throw new LearnError("internal", "a body is in a segment beside the file, and this store was opened without them");
}
