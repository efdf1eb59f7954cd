import { indexed } from "./assembled.ts";
import type { BodyPlace, LoggedBody } from "./body-segment.ts";
import type { Row, SqlValue } from "./driver.ts";
import type { SalvageSource } from "./salvage-source.ts";
import { isSoundRow, type SalvagedTable, SHAPES } from "./salvage-tables.ts";
import type { SalvageTarget } from "./salvage-target.ts";
import { type Walk, walkTable } from "./salvage-walk.ts";
import { jsonOf, jsonText, numberOf, requiredNumber, requiredText, textOf } from "./values.ts";

/** What came out of one table. */
export interface SalvagedRows {
  readonly table: string;
  readonly salvaged: number;
  /** Undefined when nothing says how many there were. */
  readonly lost: number | undefined;
}

type Values = Readonly<Record<string, SqlValue>>;

/**
 * Copies every row that can be read, in an order in which what a row hangs on comes before it. Integers are given out anew, so that rows also go into a
 * store that has rows by now; what is there already stays as it is. Search indexes are made from the rows. When spans may be missing, all bodies are
 * marked to be mapped once more: mapping is idempotent, and brings back the spans of the bodies that are still kept.
 */
export function salvage(
  source: SalvageSource,
  target: SalvageTarget,
  bodies: SalvagedBodies,
  onTable: (rows: SalvagedRows) => void,
): readonly SalvagedRows[] {
  const reports: SalvagedRows[] = [];
  const base = (table: string, column: string): number => Number(target.cell(`SELECT coalesce(max(${column}), 0) FROM ${table}`));
  const traceRefs = new Map<number, number>();
  const runIds = new Map<number, string>();
  const itemIds = new Set<string>();
  let spansMissing = false;

  const refOf = (traceId: string): number => {
    target.run("INSERT INTO w3c_trace (trace_id) VALUES (?) ON CONFLICT DO NOTHING", [traceId]);
    return Number(target.cell("SELECT ref FROM w3c_trace WHERE trace_id = ?", [traceId]));
  };
  /** The row of a lost trace id is made again from what hangs on it. */
  const traceRefOf = (row: Row, traceId: () => string): number => {
    const old = requiredNumber(row, "trace_ref");
    const known = traceRefs.get(old) ?? refOf(traceId());
    traceRefs.set(old, known);
    return known;
  };

  const copy = (name: SalvagedTable, options: CopyOptions): boolean => {
    const report = copyTable(source, target, name, options);
    reports.push(report);
    onTable(report);
    return report.lost === 0;
  };

  copy("w3c_trace", {
    unique: true,
    insert: (row) => {
      const ref = refOf(requiredText(row, "trace_id"));
      traceRefs.set(requiredNumber(row, "ref"), ref);
      return target.run("UPDATE w3c_trace SET last_arrival_us = max(last_arrival_us, ?), pending = max(pending, ?) WHERE ref = ?", [
        requiredNumber(row, "last_arrival_us"),
        requiredNumber(row, "pending"),
        ref,
      ]);
    },
  });
  for (const name of ["span", "log"] as const) {
    const expected = name === "span" ? source.cell("SELECT sum(span_count) FROM w3c_trace") : undefined;
    const whole = copy(name, {
      ...(expected === undefined ? {} : { expected }),
      values: (row) => ({ ...row, trace_ref: traceRefOf(row, () => jsonOf<{ traceId: string }>(row["body"]).traceId) }),
    });
    spansMissing ||= !whole;
  }

  const firstBody = base("raw_body", "id");
  const bodyIds = new Set<number>();
  const places = placesIn(source);
  const placed = new Set<string>();
  const bodiesWhole = copy("raw_body", {
    unique: true,
    values: (row) => {
      const place = places.byBody.get(requiredNumber(row, "id"));
      if (place !== undefined) placed.add(keyOf(place));
      const body = place === undefined ? row["body"] : bodies.read(place);
      // Empty without a place: the place is lost, and the body is found below.
      return body === undefined || (body instanceof Uint8Array && body.byteLength === 0)
        ? undefined
        : { ...row, body, id: firstBody + requiredNumber(row, "id") };
    },
    inserted: (row) => {
      const id = requiredNumber(row, "id");
      bodyIds.add(id);
      for (const traceId of jsonOf<readonly string[]>(row["trace_ids"])) {
        const ref = refOf(traceId.replaceAll("\0", ""));
        target.run("INSERT OR IGNORE INTO body_trace (trace_ref, body_id) VALUES (?, ?)", [ref, firstBody + id]);
      }
    },
  });
  const ofBody = (row: Row): Values | undefined =>
    bodyIds.has(requiredNumber(row, "body_id")) ? { ...row, body_id: firstBody + requiredNumber(row, "body_id") } : undefined;
  const waitingWhole = copy("unmapped_body", { unique: true, values: ofBody });
  copy("unmappable_body", { unique: true, values: ofBody });
  // Their rows are gone, or never came; mapping a body twice does no harm.
  const looked = bodiesWhole && places.whole ? bodies.unindexed() : bodies.all();
  const found = looked.filter((body) => !placed.has(keyOf(body)));
  let nextBody = Number(target.cell("SELECT coalesce(max(id), 0) FROM raw_body"));
  for (const place of found) {
    const { traceIds, ...about } = place.body;
    nextBody += 1;
    target.run("INSERT INTO raw_body (id, format, signal, encoding, received_at_us, trace_ids, body) VALUES (?, ?, ?, ?, ?, ?, ?)", [
      nextBody,
      about.format,
      about.signal,
      about.encoding,
      about.receivedAtUs,
      jsonText(traceIds),
      bodies.read(place),
    ]);
    for (const traceId of traceIds) {
      target.run("INSERT OR IGNORE INTO body_trace (trace_ref, body_id) VALUES (?, ?)", [refOf(traceId.replaceAll("\0", "")), nextBody]);
    }
    target.run("INSERT INTO unmapped_body (body_id) VALUES (?)", [nextBody]);
  }
  if (spansMissing || !waitingWhole) {
    target.run(
      "INSERT OR IGNORE INTO unmapped_body (body_id) SELECT id FROM raw_body WHERE id > ? AND id NOT IN (SELECT body_id FROM unmappable_body)",
      [firstBody],
    );
  }

  const firstRun = base("trace", "ref");
  const errors = new Map<number, string[]>();
  copy("trace", {
    unique: true,
    values: (row) => ({
      ...row,
      ref: firstRun + requiredNumber(row, "ref"),
      trace_ref: traceRefOf(row, () => requiredText(row, "id").slice(0, 32)),
    }),
    inserted: (row) => {
      runIds.set(requiredNumber(row, "ref"), requiredText(row, "id"));
      const error = jsonOf<{ error?: { message?: string } }>(row["detail"]).error?.message;
      errors.set(requiredNumber(row, "ref"), error === undefined ? [] : [error]);
    },
  });
  const expectedSteps = source.cell("SELECT sum(step_count) FROM trace");
  copy("step", {
    ...(expectedSteps === undefined ? {} : { expected: expectedSteps }),
    values: (row) =>
      runIds.has(requiredNumber(row, "run_ref")) ? { ...row, run_ref: firstRun + requiredNumber(row, "run_ref") } : undefined,
    inserted: (row) => {
      const error = textOf(row["error"]);
      if (error !== undefined) errors.get(requiredNumber(row, "run_ref"))?.push(error);
    },
  });
  for (const [ref, said] of errors) {
    const cell = (column: string): string =>
      textOf(target.cell(`SELECT ${column} FROM trace WHERE ref = ?`, [firstRun + ref]) as Uint8Array | string) ?? "";
    const texts = [cell("task"), cell("output"), said.join(" ")].map(indexed);
    target.run("INSERT INTO trace_fts (rowid, task, output, errors) VALUES (?, ?, ?, ?)", [firstRun + ref, ...texts]);
  }
  const ofRun = (): Iterable<string> => runIds.values();
  copy("outcome", { known: ofRun, values: (row) => row });
  copy("kept_run", { known: ofRun, values: (row) => row });
  copy("feedback", {
    unique: true,
    insert: (row) =>
      target.run(
        `INSERT INTO feedback (trace_id, given_id, score, comment, source, created_at_us) SELECT ?1, ?2, ?3, ?4, ?5, ?6
         WHERE NOT EXISTS (SELECT 1 FROM feedback WHERE trace_id = ?1 AND given_id = ?2 AND score = ?3 AND created_at_us = ?6)`,
        ["trace_id", "given_id", "score", "comment", "source", "created_at_us"].map((column) => row[column]),
      ),
  });

  const firstItem = base("knowledge", "ref");
  copy("knowledge", {
    unique: true,
    values: (row) => ({ ...row, ref: firstItem + requiredNumber(row, "ref") }),
    inserted: (row) => {
      const texts = ["content", "applies_when"].map((column) => indexed(requiredText(row, column)));
      target.run("INSERT INTO knowledge_fts (rowid, content, applies_when) VALUES (?, ?, ?)", [
        firstItem + requiredNumber(row, "ref"),
        ...texts,
      ]);
      // Whoever follows the changes of the new file reads all of it once.
      target.run("INSERT OR REPLACE INTO knowledge_change (item_id, seq) SELECT ?, coalesce(max(seq), 0) + 1 FROM knowledge_change", [
        requiredText(row, "id"),
      ]);
    },
    seen: (row) => itemIds.add(requiredText(row, "id")),
  });
  // Vectors are computed again.
  for (const name of ["exposure", "folded_exposure", "history"] as const) copy(name, { known: () => itemIds, values: (row) => row });
  copy("knowledge_conflict", { known: () => itemIds, values: (row) => row });
  const noteIds = new Set<string>();
  copy("validation", { unique: true, values: ({ seq: _given, ...row }) => row, seen: (row) => noteIds.add(requiredText(row, "id")) });
  // What was taken of a trial stays taken.
  copy("trial_ration", { known: () => noteIds, values: (row) => row });
  for (const name of ["eval_case", "eval_run", "snapshot"] as const) {
    copy(name, { unique: true, values: ({ seq: _given, ...row }) => row });
  }
  copy("refusal", { unique: true, values: ({ id: _given, ...row }) => row });
  copy("learn_cycle", { unique: true, values: ({ rowid: _given, ...row }) => row });
  // What was spent today stays spent. The answers are paid for again.
  copy("model_call", { unique: true, values: ({ rowid: _given, ...row }) => row });
  mendTraces(target);
  return reports;
}

/** The bodies in segments beside the damaged file. */
export interface SalvagedBodies {
  /** Undefined when the bytes cannot be read. */
  read(place: BodyPlace): Uint8Array | undefined;
  /** All that are whole, also those no row speaks of. */
  all(): readonly LoggedBody[];
  /** Of these, those whose rows may never have been written. */
  unindexed(): readonly LoggedBody[];
}

function placesIn(source: SalvageSource): { readonly byBody: ReadonlyMap<number, BodyPlace>; readonly whole: boolean } {
  const byBody = new Map<number, BodyPlace>();
  // A store of an older version has no such table, and no segments.
  if (source.columnsOf("body_place").length === 0) return { byBody, whole: false };
  const whole = source.read("SELECT body_id, segment, at, bytes FROM body_place", [], (row) => {
    const [segment, at, bytes] = ["segment", "at", "bytes"].map((column) => requiredNumber(row, column)) as [number, number, number];
    byBody.set(requiredNumber(row, "body_id"), { segment, at, bytes });
  });
  return { byBody, whole };
}

function keyOf({ segment, at }: BodyPlace): string {
  return `${segment}:${at}`;
}

/** What a trace says about its spans, after some of them may be gone. */
function mendTraces(target: SalvageTarget): void {
  target.run("UPDATE w3c_trace SET span_count = (SELECT count(*) FROM span s WHERE s.trace_ref = w3c_trace.ref)", []);
  const run = "EXISTS (SELECT 1 FROM trace t WHERE t.trace_ref = w3c_trace.ref)";
  // Spans without their run: it is assembled anew.
  target.run(`UPDATE w3c_trace SET pending = 1 WHERE span_count > 0 AND pending = 0 AND NOT ${run}`, []);
  // A run some of whose spans are gone for good: late feedback must not assemble what is left in its place.
  const whole = `(SELECT sum(coalesce(json_extract(CAST(t.detail AS TEXT), '$.spanCount'), 0)) FROM trace t WHERE t.trace_ref = w3c_trace.ref)`;
  const kept = "EXISTS (SELECT 1 FROM body_trace b WHERE b.trace_ref = w3c_trace.ref)";
  target.run(`UPDATE w3c_trace SET span_count = 0, pending = 0 WHERE ${run} AND NOT ${kept} AND span_count < ${whole}`, []);
}

interface CopyOptions {
  /** The key is one integer column. */
  readonly unique?: boolean;
  /** Values of a leading text column, for looking around damage. */
  readonly known?: () => Iterable<string>;
  /** How many rows there were, where the table itself cannot be counted. */
  readonly expected?: number;
  /** The row as it is written, or undefined to leave it out. Or `insert`, which says how many rows it wrote. */
  readonly values?: (row: Row) => Values | undefined;
  readonly insert?: (row: Row) => number;
  /** Called for each row that was written, as it was read. */
  readonly inserted?: (row: Row) => void;
  /** Called for each sound row. */
  readonly seen?: (row: Row) => void;
}

function copyTable(source: SalvageSource, target: SalvageTarget, name: SalvagedTable, options: CopyOptions): SalvagedRows {
  const shape = SHAPES[name];
  const here = new Set(target.columnsOf(name));
  const columns = source.columnsOf(name).filter((column) => here.has(column));
  // A store of an older version lacks a table; one whose first page is gone may say nothing about it.
  if (columns.length === 0) return { table: name, salvaged: 0, lost: 0 };
  const read = shape.key === "rowid" ? ["rowid", ...columns] : columns;
  const walk: Walk =
    options.known === undefined
      ? { by: "number", column: shape.key, unique: options.unique === true }
      : { by: "text", column: shape.key, known: options.known };
  let [salvaged, refused, present] = [0, 0, 0];
  const { whole, missing } = walkTable(source, name, read, walk, (row) => {
    if (!isSoundRow(row, shape)) return void refused++;
    options.seen?.(row);
    const written = options.insert === undefined ? insert(target, name, options.values?.(row)) : options.insert(row);
    if (written === 0) return void present++;
    salvaged += 1;
    options.inserted?.(row);
  });
  if (whole) return { table: name, salvaged, lost: refused };
  const expected = numberOf(source.cell(`SELECT count(*) FROM ${name}`)) ?? options.expected;
  const absent = expected === undefined ? undefined : Math.max(0, expected - salvaged - refused - (salvaged === 0 ? present : 0));
  const lost = absent ?? (options.unique === true ? missing : undefined);
  return { table: name, salvaged, lost: lost === undefined ? undefined : refused + lost };
}

function insert(target: SalvageTarget, table: string, values: Values | undefined): number {
  if (values === undefined) return 0;
  const names = Object.keys(values);
  return target.run(
    `INSERT OR IGNORE INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`,
    Object.values(values),
  );
}
