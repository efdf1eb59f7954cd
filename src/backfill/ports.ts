import type { LearnError } from "../base/error.ts";
import type { RawBody } from "../store/ports.ts";

/**
 * otlp-json-lines: one export request in JSON per line. otlp-frames: requests with a 4-byte big-endian length before each, as the Collector's
 * file exporter writes them with `format: proto` or `compression: zstd`. The others are one JSON document.
 */
export type FileFormat = "otlp-json-lines" | "otlp-frames" | "otlp-json" | "jaeger-json" | "tempo-json";

export const FILE_FORMATS: readonly FileFormat[] = ["otlp-json-lines", "otlp-frames", "otlp-json", "jaeger-json", "tempo-json"];

/** The bound that the receiver has too: on a line, a message and a document, each decompressed. */
export const MAX_PIECE_BYTES: number = 64 * 1024 * 1024;

/** A place in a file: so many pieces and so many decompressed bytes lie before it. */
export interface Position {
  readonly number: number;
  readonly end: number;
}

export const START: Position = { number: 0, end: 0 };

/** One stretch of a file that stands for itself: a line, a message, the whole document. */
export interface Piece extends Position {
  /** From 1; lines are counted as an editor counts them. `end` is the offset of the first byte after it. */
  readonly number: number;
  /** Owns its buffer. Empty where there is a fault. */
  readonly bytes: Uint8Array;
  /** Why it could not be cut out. */
  readonly fault?: LearnError;
  /** Set with a fault after which no other piece can be found. */
  readonly last?: true;
}

/** Cuts decompressed bytes that begin at `from`. Holds one piece at a time. Rejects only what the chunks reject. */
export type PieceReader = (chunks: AsyncIterable<Uint8Array>, from: Position) => AsyncGenerator<Piece>;

/** An export request found in a file, decoded once to know that it can be. */
export interface Message {
  /** `encoding` is always identity; `body` owns its buffer. */
  readonly body: RawBody;
  readonly spans: number;
  /** Log records that belong to a span. */
  readonly logs: number;
  /** Spans that can't be used, because of their ids. */
  readonly rejected: number;
}
