import type { Row, SqlValue } from "./driver.ts";
import type { SalvageSource } from "./salvage-source.ts";
import { requiredNumber } from "./values.ts";

/** How a table can be read around what is damaged. */
export type Walk =
  /** By an integer column that leads its key. */
  | { readonly by: "number"; readonly column: string; readonly unique: boolean }
  /** By a text column that leads its key, whose values are known from elsewhere. */
  | { readonly by: "text"; readonly column: string; readonly known: () => Iterable<string> };

// Of a gap this many points are tried before it is given up. A table whose root is lost costs so many looks and not one for every key there might be.
const PROBES = 32;
const LARGEST_KEY = 2 ** 48;

export interface Walked {
  /** False when something could not be read. */
  readonly whole: boolean;
  /** Keys that lie where nothing could be read: at least as many as rows were lost. Undefined when the end of the table is not known. */
  readonly missing: number | undefined;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Gives every readable row of a table, some twice. */
export function walkTable(source: SalvageSource, table: string, columns: readonly string[], walk: Walk, take: (row: Row) => void): Walked {
  const select = `SELECT ${columns.join(", ")} FROM ${table}`;
  if (walk.by === "text") {
    if (source.read(`${select} ORDER BY ${walk.column}`, [], take)) return { whole: true, missing: 0 };
    for (const order of ["", " DESC"]) creep(source, `${select} ORDER BY ${walk.column}${order}`, [], take);
    for (const value of walk.known()) source.read(`${select} WHERE ${walk.column} = ?`, [value], take);
    return { whole: false, missing: undefined };
  }
  const { column, unique } = walk;
  const read = `${select} WHERE ${column} >= ? AND ${column} <= ? ORDER BY ${column}`;
  const work: Range[] = [];
  let missing = 0;

  /** From both ends of a range towards what is damaged; what is left between is divided. True when nothing is. */
  const range = ({ from, to }: Range): boolean => {
    let [low, high] = [from - 1, to + 1];
    const upwards = (row: Row): void => {
      low = Math.max(low, requiredNumber(row, column));
      take(row);
    };
    const downwards = (row: Row): void => {
      high = Math.min(high, requiredNumber(row, column));
      take(row);
    };
    const after = (): number => (unique ? low + 1 : Math.max(low, from));
    if (source.read(read, [from, to], upwards)) return true;
    if (creep(source, read, [after(), to], upwards)) return false;
    source.read(`${read} DESC`, [after(), to], downwards);
    creep(source, `${read} DESC`, [after(), unique ? high - 1 : Math.min(high, to)], downwards);
    divide({ from: low + 1, to: high - 1 });
    return false;
  };
  /** Looks for a readable row inside, the whole of it, because a key may be readable whose row is not. Both parts are smaller than the range. */
  const divide = ({ from, to }: Range): void => {
    const width = to - from + 1;
    const probes = Math.min(PROBES, width);
    for (let n = 1; n <= probes; n++) {
      const point = from + Math.floor((width * n) / (probes + 1));
      let found = to;
      const readable = source.read(`${read} LIMIT 1`, [point, to], (row) => {
        found = Math.max(point, requiredNumber(row, column));
        if (unique) take(row);
      });
      if (!readable) continue;
      if (!unique) creep(source, read, [found, found], take);
      work.push({ from, to: point - 1 }, { from: found + 1, to });
      return;
    }
    missing += Math.max(0, width);
  };

  const top = source.cell(`SELECT max(${column}) FROM ${table}`);
  const known = top !== undefined && top < LARGEST_KEY;
  let whole = known;
  if (known) work.push({ from: 0, to: top });
  // The end of the table is lost, and with it the largest key. Ranges that double, so that small tables are looked at as closely as large ones.
  else for (let from = 0, to = 1; from < LARGEST_KEY; [from, to] = [to + 1, 2 * to + 1]) work.push({ from, to });
  for (let next = work.pop(); next !== undefined; next = work.pop()) if (next.from <= next.to && !range(next)) whole = false;
  return { whole, missing: known ? missing : undefined };
}

/** Row by row up to the fault: the binding reads ahead, and a fault takes up to a hundred good rows before it along. True when there is none. */
function creep(source: SalvageSource, sql: string, params: readonly SqlValue[], take: (row: Row) => void): boolean {
  for (let skipped = 0; ; skipped++) {
    let found = false;
    const readable = source.read(`${sql} LIMIT 1 OFFSET ${skipped}`, params, (row) => {
      found = true;
      take(row);
    });
    if (!readable) return false;
    if (!found) return true;
  }
}
