import { createReadStream, statSync } from "node:fs";
import { resolve } from "node:path";
import { isLearnError, LearnError, messageOf } from "../base/error.ts";
import { digest } from "../base/id.ts";
import { detectFormat } from "./detect-format.ts";
import { readFrames } from "./frames.ts";
import { readJsonDocument } from "./json-document.ts";
import { readJsonLines } from "./json-lines.ts";
import { plainBytes } from "./plain-bytes.ts";
import { FILE_FORMATS, type FileFormat, type Piece, type PieceReader, type Position, START } from "./ports.ts";

/** A file that is known to be of a kind that can be read, or standard input. */
export interface InputFile {
  /** As people named it. */
  readonly name: string;
  readonly format: FileFormat;
  /** On disk; 0 for standard input. */
  readonly sizeBytes: number;
  /** Of path, size and time of change: another one when the file changed. Undefined for standard input, which can't be read again. */
  readonly identity?: string;
  /** Once only for standard input. `onBytes` hears how many bytes of the file were read, as they are. */
  pieces(from: Position, onBytes: (count: number) => void): AsyncGenerator<Piece>;
}

const READERS: Readonly<Record<FileFormat, PieceReader>> = {
  "otlp-json-lines": readJsonLines,
  "otlp-frames": readFrames,
  "otlp-json": readJsonDocument,
  "jaeger-json": readJsonDocument,
  "tempo-json": readJsonDocument,
};

// 64 KiB, the default of a stream, costs twice the time on files of long lines.
const READ_BYTES = 256 * 1024;

/** Looks at a file without reading it through. Rejects "not-found", "invalid" for a folder, an empty file and every other kind of file. */
export async function openFile(name: string, given?: FileFormat): Promise<InputFile> {
  const path = resolve(name);
  const found = statOf(path, name);
  const { compression, head, chunks } = await plainBytes(readStream(path, 0));
  await closeChunks(chunks);
  const format = given ?? formatOf(head, name, compression);
  return {
    name,
    format,
    sizeBytes: found.size,
    identity: digest([path, String(found.size), String(found.mtimeMs)]),
    async *pieces(from, onBytes) {
      const seek = compression === "none" ? from.end : 0;
      if (seek > 0) onBytes(seek);
      const plain = await plainBytes(counted(readStream(path, seek), onBytes));
      yield* cut(READERS[format](seek > 0 ? plain.chunks : skipped(plain.chunks, from.end), from), from);
    },
  };
}

/** The same for a stream that can be read once. */
export async function openStream(name: string, stream: AsyncIterable<Uint8Array>, given?: FileFormat): Promise<InputFile> {
  let count = (_bytes: number): void => undefined;
  const { compression, head, chunks } = await plainBytes(counted(stream, (bytes) => count(bytes)));
  const format = given ?? formatOf(head, name, compression);
  return {
    name,
    format,
    sizeBytes: 0,
    pieces: (_from, onBytes) => {
      count = onBytes;
      return cut(READERS[format](chunks, START), START);
    },
  };
}

function statOf(path: string, name: string): { readonly size: number; readonly mtimeMs: number } {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined)
    throw new LearnError("not-found", `there is no file ${name}`, { hint: "check the path; `-` reads standard input" });
  if (found.isDirectory())
    throw new LearnError("invalid", `${name} is a folder`, {
      hint: `name the files in it, for example ${name.replace(/\/+$/, "")}/*.json`,
    });
  return found;
}

function formatOf(head: Uint8Array, name: string, compression: string): FileFormat {
  if (head.length === 0) {
    const what = compression === "none" ? "is empty" : `holds no ${compression} data that can be read`;
    throw new LearnError("invalid", `${name} ${what}`, { hint: "leave it out, or check what was to write it" });
  }
  const format = detectFormat(head);
  if (format !== undefined) return format;
  const start = JSON.stringify(Buffer.from(head.subarray(0, 24)).toString("latin1"));
  throw new LearnError("invalid", `${name} is none of the files that can be imported; it begins with ${start}`, {
    hint: `files of the Collector's file exporter, OTLP, Jaeger and Tempo JSON can be; --format says which: ${FILE_FORMATS.join(", ")}`,
  });
}

async function* readStream(path: string, start: number): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { start, highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>;
  } catch (caught) {
    throw new LearnError("unavailable", `${path} can't be read: ${messageOf(caught)}`, { cause: caught });
  }
}

async function* counted(chunks: AsyncIterable<Uint8Array>, onBytes: (count: number) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    onBytes(chunk.length);
    yield chunk;
  }
}

async function* skipped(chunks: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of chunks) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

/** Compressed data that breaks is one more faulty piece: what stood before it is whole. */
async function* cut(pieces: AsyncGenerator<Piece>, from: Position): AsyncGenerator<Piece> {
  let { number, end } = from;
  try {
    for await (const piece of pieces) {
      ({ number, end } = piece);
      yield piece;
    }
  } catch (caught) {
    if (!isLearnError(caught) || caught.retryable) throw caught;
    yield { number: number + 1, end, bytes: new Uint8Array(0), fault: caught, last: true };
  }
}

async function closeChunks(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _chunk of chunks) return;
}
