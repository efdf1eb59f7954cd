import type { Clock } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import type { RawBatch } from "../span/raw-span.ts";
import { type IndexedRuns, indexRuns, saveAssembled } from "./assembled.ts";
import type { BodyIndex } from "./body-index.ts";
import type { BodyLog } from "./body-log.ts";
import { insertBodies } from "./body-rows.ts";
import type { Row, SqlDriver } from "./driver.ts";
import { saveBatch } from "./mapped.ts";
import { materialOf } from "./material.ts";
import type { ArrivedTrace, IngestStore, RawBody, StoredRawBody } from "./ports.ts";
import { idList } from "./rows.ts";
import { letAppendsIn } from "./turn.ts";
import { jsonOf, numberOf, requiredNumber, requiredText, textBlob } from "./values.ts";

// 32 bodies of 1.4 MB, the batches of an exporter with its defaults, were 45 MB of memory at a time.
const MAX_BYTES_READ = 4 * 1024 * 1024;

// Bodies that come meanwhile wait for so many spans of 2.2 kB about 10 ms, and for a whole body of 512 about 40. A commit for each part, instead of
// turns within one, wrote a quarter more pages.
const ITEMS_AT_ONCE = 128;
const RUNS_AT_ONCE = 16;

/** What keeps bodies: `index` beside a file, which puts them into a log; without it, as on a server, they go into the table. */
export interface BodyKeeper {
  readonly log: BodyLog;
  readonly index: Pick<BodyIndex, "append">;
}

export function createIngestStore(driver: SqlDriver, clock: Clock, keeper?: BodyKeeper): IngestStore {
  const log = keeper?.log;
  return {
    appendBodies: async (bodies) => {
      if (bodies.length === 0) return;
      if (keeper !== undefined) return keeper.index.append(bodies);
      await driver.transaction((tx) =>
        insertBodies(
          tx,
          bodies.map(({ body, ...about }) => ({ about, body })),
        ),
      );
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
        for (const part of partsOf(batch)) {
          await saveBatch(tx, part, nowUs);
          await letAppendsIn();
        }
        await tx.run("DELETE FROM unmapped_body WHERE body_id IN (SELECT value FROM json_each(?))", [idList(bodyIds)]);
        // What a power cut takes of it is mapped again: that the bodies wait comes back with it.
      }, "replayable"),

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
      return rows.map((row) => ({ ...arrivedFromRow(row), feedbackOnly: requiredNumber(row, "pending") === 2 }));
    },

    materialOf: (traceIds) => materialOf(driver, traceIds),
    recentTraces: async (limit) => {
      // By reference and not by arrival: there is an index on arrival for pending traces only, and this is asked for once a second.
      const rows = await driver.all("SELECT * FROM w3c_trace WHERE span_count > 0 ORDER BY ref DESC LIMIT ?", [limit]);
      return rows.map(arrivedFromRow);
    },

    spansOf: async (traceId) => {
      const [material] = await materialOf(driver, [traceId]);
      return material?.batch ?? { spans: [], logs: [] };
    },

    saveManyAssembled: (assembled) =>
      driver.transaction(async (tx) => {
        const saved: IndexedRuns[] = [];
        for (let from = 0; from < assembled.length; from += RUNS_AT_ONCE) {
          saved.push(await saveAssembled(tx, assembled.slice(from, from + RUNS_AT_ONCE)));
          await letAppendsIn();
        }
        await indexRuns(tx, saved);
        // What a power cut takes of it is assembled again: that the traces are pending comes back with it.
      }, "replayable"),
  };
}

function arrivedFromRow(row: Row): ArrivedTrace {
  return {
    traceId: requiredText(row, "trace_id"),
    lastArrivalUs: requiredNumber(row, "last_arrival_us"),
    spanCount: requiredNumber(row, "span_count"),
  };
}

/** At least one. */
function partsOf({ spans, logs }: RawBatch): readonly RawBatch[] {
  const parts = Math.max(1, Math.ceil((spans.length + logs.length) / ITEMS_AT_ONCE));
  const [spansEach, logsEach] = [Math.ceil(spans.length / parts), Math.ceil(logs.length / parts)];
  return Array.from({ length: parts }, (_unused, part) => ({
    spans: spans.slice(part * spansEach, (part + 1) * spansEach),
    logs: logs.slice(part * logsEach, (part + 1) * logsEach),
  }));
}

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
