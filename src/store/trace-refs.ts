import type { SqlExecutor } from "./driver.ts";
import { idList } from "./rows.ts";
import { requiredNumber, requiredText } from "./values.ts";

/** The integer that stands for a W3C trace in every table of the ingest side. */
export interface TraceRef {
  readonly ref: number;
  /** Spans stored; 0 for one that was just given out. */
  readonly spanCount: number;
  readonly pending: boolean;
  readonly lastArrivalUs: number;
}

/** Ids are hex by contract; a NUL in a hostile one must not make a key that SQL sees in two ways. */
export function keyOf(id: string): string {
  return id.replaceAll("\0", "");
}

/** By trace id, given out where it has none. Ids are keys already, see `keyOf`. */
export async function traceRefs(tx: SqlExecutor, traceIds: ReadonlySet<string>): Promise<ReadonlyMap<string, TraceRef>> {
  if (traceIds.size === 0) return new Map();
  const list = idList(traceIds);
  const read = () =>
    tx.all("SELECT ref, trace_id, span_count, pending, last_arrival_us FROM w3c_trace WHERE trace_id IN (SELECT value FROM json_each(?))", [
      list,
    ]);
  let rows = await read();
  if (rows.length < traceIds.size) {
    await tx.run("INSERT INTO w3c_trace (trace_id) SELECT value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING", [list]);
    rows = await read();
  }
  return new Map(
    rows.map((row) => [
      requiredText(row, "trace_id"),
      {
        ref: requiredNumber(row, "ref"),
        spanCount: requiredNumber(row, "span_count"),
        pending: requiredNumber(row, "pending") > 0,
        lastArrivalUs: requiredNumber(row, "last_arrival_us"),
      },
    ]),
  );
}
