import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { LearnError, messageOf } from "../base/error.ts";
import type { ImmediateEmbeddingModel } from "./embedding-model.ts";
import { readTable, type Table } from "./table.ts";
import { createWordPieces } from "./word-pieces.ts";

/** What lies behind this point is not read: it bounds the time of one text, also of a hostile one. */
const MAX_TEXT_LENGTH = 8_192;

/**
 * The model that ships with the package: the vector of a text is the sum of the vectors of its word pieces, scaled to unit length. No network, no
 * thread. The table was fitted to the sentence vectors of a transformer (assets/embedding/README.md says which, and how near it comes).
 * The same text gives the same bits on every platform: only additions, multiplications, one division and one square root of doubles.
 */
export function createStaticModel(bytes: Uint8Array, source = "the table"): ImmediateEmbeddingModel {
  const table = readTable(bytes, source);
  const { dimensions, fingerprint } = table;
  const pieces = createWordPieces(table.vocabulary);
  const sum = new Float64Array(dimensions);
  let rows: number[] = [];
  const addRow = (row: number): void => {
    rows.push(row);
  };
  const embedNow = (text: string): Float32Array => {
    rows = [];
    pieces.forEach(text.length > MAX_TEXT_LENGTH ? text.slice(0, MAX_TEXT_LENGTH) : text, addRow);
    sumRows(table, rows, sum);
    let squares = 0;
    for (let at = 0; at < dimensions; at++) squares += (sum[at] as number) * (sum[at] as number);
    const length = Math.sqrt(squares);
    const vector = new Float32Array(dimensions);
    if (length > 0) for (let at = 0; at < dimensions; at++) vector[at] = (sum[at] as number) / length;
    return vector;
  };
  return {
    id: `static-en-${dimensions}-${fingerprint}`,
    dimensions,
    embedNow,
    embed: async (texts, signal) => {
      const vectors: Float32Array[] = [];
      for (const [index, text] of texts.entries()) {
        // Gives the loop to others now and then: a thousand texts take some ten milliseconds.
        if (index % YIELD_EVERY === 0 && index > 0) await new Promise(setImmediate);
        if (signal?.aborted) throw new LearnError("cancelled", "the embedding was cancelled", { cause: signal.reason });
        vectors.push(embedNow(text));
      }
      return vectors;
    },
  };
}

const YIELD_EVERY = 256;

// Eight dimensions at a time stay in registers over all rows: a text of 50 pieces takes 24 µs row by row, 18 µs by four dimensions, 13 µs by eight.
// Where the dimensions are no multiple of eight, what goes beyond the end is dropped by the arrays.
function sumRows({ dimensions, scales, values }: Table, rows: readonly number[], sum: Float64Array): void {
  for (let at = 0; at < dimensions; at += 8) {
    let [s0, s1, s2, s3, s4, s5, s6, s7] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let place = 0; place < rows.length; place += 1) {
      const row = rows[place] as number;
      const scale = scales[row] as number;
      const from = row * dimensions + at;
      s0 += scale * (values[from] as number);
      s1 += scale * (values[from + 1] as number);
      s2 += scale * (values[from + 2] as number);
      s3 += scale * (values[from + 3] as number);
      s4 += scale * (values[from + 4] as number);
      s5 += scale * (values[from + 5] as number);
      s6 += scale * (values[from + 6] as number);
      s7 += scale * (values[from + 7] as number);
    }
    sum[at] = s0;
    sum[at + 1] = s1;
    sum[at + 2] = s2;
    sum[at + 3] = s3;
    sum[at + 4] = s4;
    sum[at + 5] = s5;
    sum[at + 6] = s6;
    sum[at + 7] = s7;
  }
}

/** Opens the table of this package, or of `path`. Rejects "not-found" when there is no such file, "invalid" when it is damaged. */
export async function openStaticModel(path: string = tablePath()): Promise<ImmediateEmbeddingModel> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (caught) {
    throw new LearnError("not-found", `the embedding table ${path} cannot be read: ${messageOf(caught)}`, {
      hint: "install the package again",
      cause: caught,
    });
  }
  return createStaticModel(bytes, path);
}

/** The table stands beside package.json, which is two folders up from src/embedding and three from dist/src/embedding. */
function tablePath(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json")) && dirname(folder) !== folder) folder = dirname(folder);
  return join(folder, "assets", "embedding", "static-en.bin");
}
