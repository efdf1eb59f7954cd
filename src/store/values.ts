import { LearnError } from "../base/error.ts";
import type { Row, SqlCell, SqlValue } from "./driver.ts";

const INT64_MAX = 2n ** 63n - 1n;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The only door for parameters. In libsql 0.5.29 a bound boolean or a bare Buffer aborts the process, NaN turns into NULL without a word, an
 * integer beyond 64 bits is cut, and text with a NUL is cut when it is read back: so text with a NUL is bound as its UTF-8 bytes instead, and
 * `textOf` reads both forms.
 */
export function bindValue(value: SqlValue): string | number | bigint | Uint8Array | null {
  switch (typeof value) {
    case "string":
      return value.includes("\0") ? encoder.encode(value) : value;
    case "number":
      if (!Number.isFinite(value)) throw new LearnError("invalid", `the number ${value} cannot be stored`);
      return value;
    case "bigint":
      if (value > INT64_MAX || value < -INT64_MAX - 1n) throw new LearnError("invalid", `the integer ${value} does not fit 64 bits`);
      return value;
    case "boolean":
      return value ? 1 : 0;
    case "undefined":
      return null;
    default:
      if (value === null || value instanceof Uint8Array) return value;
      throw new LearnError("internal", `a value of type ${typeof value} cannot be bound`);
  }
}

/** Text or null. Message text is stored as BLOB, short names as TEXT; both read alike. */
export function textOf(cell: SqlCell | undefined): string | undefined {
  if (cell === null || cell === undefined) return undefined;
  return cell instanceof Uint8Array ? decoder.decode(cell) : String(cell);
}

/** Text of a column that is never null. */
export function requiredText(row: Row, column: string): string {
  return textOf(row[column]) ?? "";
}

export function numberOf(cell: SqlCell | undefined): number | undefined {
  return cell === null || cell === undefined || cell instanceof Uint8Array ? undefined : Number(cell);
}

/** Number of a column that is never null. */
export function requiredNumber(row: Row, column: string): number {
  return numberOf(row[column]) ?? 0;
}

/** Text as the bytes of a BLOB column, whatever is in it. */
export function textBlob(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * A JSON value for a BLOB column, which takes it as it is. JSON and not V8's own form: another Node and plain SQLite can read it. TEXT and not bytes:
 * JSON writes a NUL and half a surrogate pair as escapes, and encoding it was 9 of the 100 µs that a span cost. `jsonOf` reads both forms.
 */
export function jsonText(value: unknown): string {
  return JSON.stringify(value ?? null);
}

export function jsonOf<T>(cell: SqlCell | undefined): T {
  return JSON.parse(textOf(cell) ?? "null") as T;
}

/** Any blob form of any binding as a plain Uint8Array over the same bytes. */
export function cellOf(value: unknown): SqlCell {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (Buffer.isBuffer(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return (value ?? null) as SqlCell;
}

/** One row out of an array of cells, without the `_metadata` key that the native binding adds to its own objects. */
export function rowOf(columns: readonly string[], cells: readonly unknown[]): Row {
  const row: Record<string, SqlCell> = {};
  for (let index = 0; index < columns.length; index++) row[columns[index] as string] = cellOf(cells[index]);
  return row;
}
