import type { AboutBody, BodyPlace } from "./body-segment.ts";
import type { SqlExecutor, SqlValue } from "./driver.ts";
import { insertRows } from "./rows.ts";
import { keyOf, traceRefs } from "./trace-refs.ts";
import { jsonText, numberOf } from "./values.ts";

/** A body that gets its rows: its bytes, or where they are. */
export interface BodyRow {
  readonly about: AboutBody;
  readonly body: Uint8Array | BodyPlace;
}

const INSERT_BODY = "INSERT INTO raw_body (id, format, signal, encoding, received_at_us, trace_ids, body)";
const IN_THE_LOG = new Uint8Array(0);

/** The rows of appended bodies, in their order: the body, where it is, that it waits to be mapped, and which traces are in it. */
export async function insertBodies(tx: SqlExecutor, bodies: readonly BodyRow[]): Promise<void> {
  const [top] = await tx.all("SELECT coalesce(max(id), 0) AS id FROM raw_body");
  const first = (numberOf(top?.["id"]) ?? 0) + 1;
  const logged: (readonly SqlValue[])[] = [];
  const places: (readonly SqlValue[])[] = [];
  const traces = new Set<string>();
  for (const [index, { about, body }] of bodies.entries()) {
    const { format, signal, encoding, receivedAtUs, traceIds } = about;
    const isLogged = !(body instanceof Uint8Array);
    const row = [first + index, format, signal, encoding, receivedAtUs, jsonText(traceIds), isLogged ? IN_THE_LOG : body];
    // One statement with the bytes of many bodies would be too long for a server.
    if (!isLogged) await insertRows(tx, INSERT_BODY, [row]);
    else {
      logged.push(row);
      places.push([first + index, body.segment, body.at, body.bytes]);
    }
    for (const traceId of traceIds) if (traceId !== "") traces.add(keyOf(traceId));
  }
  await insertRows(tx, INSERT_BODY, logged);
  await insertRows(tx, "INSERT INTO body_place (body_id, segment, at, bytes)", places);
  await insertRows(
    tx,
    "INSERT INTO unmapped_body (body_id)",
    bodies.map((_, index) => [first + index]),
  );
  const refs = await traceRefs(tx, traces);
  const pairs = bodies.flatMap(({ about }, index) =>
    [...new Set(about.traceIds)].map((traceId) => [refs.get(keyOf(traceId))?.ref, first + index]),
  );
  await insertRows(
    tx,
    "INSERT OR IGNORE INTO body_trace (trace_ref, body_id)",
    pairs.filter(([ref]) => ref !== undefined),
  );
}
