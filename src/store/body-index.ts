import type { BodyLog } from "./body-log.ts";
import { type BodyRow, insertBodies } from "./body-rows.ts";
import { type AboutBody, type BodyPlace, type LoggedBody, unindexedBodies } from "./body-segment.ts";
import type { SqlDriver } from "./driver.ts";
import type { RawBody } from "./ports.ts";
import { letAppendsIn } from "./turn.ts";
import { bindValue, numberOf } from "./values.ts";

interface Pending {
  readonly about: AboutBody;
  readonly place: BodyPlace;
}

/** Appends bodies to the log, and adds their rows behind the answer. What is small and comes alone goes into the table: a quiet store is one file. */
export interface BodyIndex {
  /** Durable on return; rows follow within `DELAY_MS`, and before anybody reads. Rejects "unavailable" while rows cannot be written. */
  append(bodies: readonly RawBody[]): Promise<void>;
  /** The database for everybody else: it has the rows of all that was appended before the call. */
  readonly driver: SqlDriver;
  /** Adds what is missing, as far as that is possible. */
  close(): Promise<void>;
}

// The rows of one body touch a page for each of its traces, and those of many bodies the same pages: 16 bodies of 16 spans a commit wrote 15 pages and
// synced twice.
const DELAY_MS = 100;
// 4,096 trace ids take about 40 ms, so an append waits for 512 of them at most.
const MAX_TRACES = 4_096;
const TRACES_AT_ONCE = 512;
const MAX_BODIES = 512;
// Below this a commit with the bytes in the database is one sync too.
const LOG_FROM_BYTES = 64 * 1024;

export function createBodyIndex(driver: SqlDriver, log: BodyLog): BodyIndex {
  let pending: Pending[] = [];
  let traces = 0;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  /** The last try did not get through: until one does, nothing more is taken. */
  let stuck = false;

  const write = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const [due, dueTraces] = [pending, traces];
    [pending, traces] = [[], 0];
    const places = due.map(({ place }) => place);
    try {
      await driver.transaction(async (tx) => {
        for (const rows of partsOf(due.map(rowOf))) {
          await insertBodies(tx, rows);
          await letAppendsIn();
        }
      });
      stuck = false;
      log.settle(places);
    } catch (caught) {
      [pending, traces] = [[...due, ...pending], traces + dueTraces];
      stuck = true;
      throw caught;
    }
  };
  const flush = async (): Promise<void> => {
    while (running !== undefined) await running.catch(() => undefined);
    if (pending.length === 0) return;
    running = write().finally(() => {
      running = undefined;
    });
    await running;
  };
  /** A full disk keeps nobody from reading what there is. */
  const quietly = (): Promise<void> => flush().catch(() => undefined);
  const behind = async <T>(work: () => Promise<T>): Promise<T> => {
    if (pending.length > 0 || running !== undefined) await quietly();
    return work();
  };

  return {
    async append(bodies) {
      if (stuck) await flush();
      const bytes = bodies.reduce((sum, { body }) => sum + body.byteLength, 0);
      if (bytes < LOG_FROM_BYTES && pending.length === 0 && running === undefined) {
        return driver.transaction((tx) =>
          insertBodies(
            tx,
            bodies.map(({ body, ...about }) => ({ about, body })),
          ),
        );
      }
      // What no row can hold must not be answered.
      for (const { receivedAtUs } of bodies) bindValue(receivedAtUs);
      const places = log.append(bodies);
      for (const [index, { body: _body, ...about }] of bodies.entries()) {
        pending.push({ about, place: places[index] as BodyPlace });
        traces += about.traceIds.length;
      }
      if (traces >= MAX_TRACES || pending.length >= MAX_BODIES) void quietly();
      else timer ??= setTimeout(() => void quietly(), DELAY_MS).unref();
    },
    driver: {
      capabilities: driver.capabilities,
      all: (sql, params) => behind(() => driver.all(sql, params)),
      run: (sql, params) => behind(() => driver.run(sql, params)),
      exec: (sql) => behind(() => driver.exec(sql)),
      transaction: (work, kept) => behind(() => driver.transaction(work, kept)),
      close: () => driver.close(),
    },
    async close() {
      await quietly();
      clearTimeout(timer);
    },
  };
}

/** Adds the rows of bodies that were answered and whose process ended before it could. To be called before anything is appended. */
export async function indexMissing(driver: SqlDriver, path: string): Promise<void> {
  const found = unindexedBodies(path);
  if (found.length === 0) return;
  const from = Math.min(...found.map(({ segment }) => segment));
  await driver.transaction(async (tx) => {
    const known = new Set(
      (await tx.all("SELECT segment, at FROM body_place WHERE segment >= ?", [from])).map(
        (row) => `${numberOf(row["segment"])}:${numberOf(row["at"])}`,
      ),
    );
    const missing = found.filter(({ segment, at }) => !known.has(`${segment}:${at}`));
    await insertBodies(
      tx,
      missing.map(({ body, ...place }: LoggedBody) => ({ about: body, body: place })),
    );
  });
}

function rowOf({ about, place }: Pending): BodyRow {
  return { about, body: place };
}

/** In order, each with about TRACES_AT_ONCE trace ids. */
function partsOf(rows: readonly BodyRow[]): readonly (readonly BodyRow[])[] {
  const parts: BodyRow[][] = [];
  let traces = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    if (traces >= TRACES_AT_ONCE) {
      parts.push([]);
      traces = 0;
    }
    parts.at(-1)?.push(row);
    traces += row.about.traceIds.length;
  }
  return parts;
}
