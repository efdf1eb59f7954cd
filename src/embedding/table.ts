import { createHash } from "node:crypto";
import { LearnError } from "../base/error.ts";

/**
 * The table file, little endian: "ALVECTOR", version, rows, dimensions, bytes of vocabulary (each u32), SHA-256 of all that follows (32 bytes), then
 * a float32 scale a row, int8 values row by row, the vocabulary as UTF-8, one piece a line. The value of a row is scale * int8.
 */
export interface Table {
  readonly rows: number;
  readonly dimensions: number;
  /** First twelve hex digits of the hash: tells two tables apart. */
  readonly fingerprint: string;
  readonly scales: Float32Array;
  /** Row-major; a view over the bytes that were read. */
  readonly values: Int8Array;
  readonly vocabulary: readonly string[];
}

const MAGIC = "ALVECTOR";
const VERSION = 1;
const HASH_AT = 24;
const HEAD_BYTES = 56;

/** Keeps `bytes`. Throws "invalid" for anything that is not a whole and unchanged table of this version; `source` is for the message. */
export function readTable(bytes: Uint8Array, source: string): Table {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < HEAD_BYTES || Buffer.from(bytes.subarray(0, MAGIC.length)).toString("latin1") !== MAGIC) {
    throw damaged(`${source} is no embedding table`);
  }
  const version = view.getUint32(8, true);
  if (version !== VERSION) throw damaged(`${source} has version ${version}, this package reads version ${VERSION}`);
  const rows = view.getUint32(12, true);
  const dimensions = view.getUint32(16, true);
  const vocabularyBytes = view.getUint32(20, true);
  const valuesAt = HEAD_BYTES + rows * 4;
  const vocabularyAt = valuesAt + rows * dimensions;
  if (vocabularyAt + vocabularyBytes !== bytes.byteLength) {
    throw damaged(`${source} has ${bytes.byteLength} bytes, its head says ${vocabularyAt + vocabularyBytes}`);
  }
  const hash = createHash("sha256").update(bytes.subarray(HEAD_BYTES)).digest();
  if (!hash.equals(bytes.subarray(HASH_AT, HEAD_BYTES))) throw damaged(`${source} does not match its own checksum`);
  const vocabulary = Buffer.from(bytes.buffer, bytes.byteOffset + vocabularyAt, vocabularyBytes)
    .toString("utf8")
    .split("\n");
  if (vocabulary.length !== rows) throw damaged(`${source} has ${vocabulary.length} pieces for ${rows} rows`);
  // Read one by one: a view would need aligned bytes and a little-endian machine.
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) scales[row] = view.getFloat32(HEAD_BYTES + row * 4, true);
  return {
    rows,
    dimensions,
    fingerprint: hash.toString("hex").slice(0, 12),
    scales,
    values: new Int8Array(bytes.buffer, bytes.byteOffset + valuesAt, rows * dimensions),
    vocabulary,
  };
}

function damaged(message: string): LearnError {
  return new LearnError("invalid", message, { hint: "install the package again" });
}
