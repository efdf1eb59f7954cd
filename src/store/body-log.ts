import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
  writevSync,
} from "node:fs";
import { dirname } from "node:path";
import { LearnError, messageOf } from "../base/error.ts";
import { type BodyPlace, bodyFolderOf, bodyHead, fileOf, type IndexedTo, indexedRecord, segmentsIn } from "./body-segment.ts";
import type { RawBody } from "./ports.ts";

/**
 * Bodies beside the database, in segments that only grow. SQLite writes a blob twice, into its log and into its pages, with checksums over both; a
 * segment takes the bytes once. What is here is durable, and answered; its rows follow (see body-index.ts), and each segment says now and then up to
 * where they did, so that whoever opens the store next adds the rest. One process owns it, as it owns the database.
 */
export interface BodyLog {
  /** Durable on return (fdatasync); one place a body, in order. Throws "unavailable", and then nothing was added. */
  append(bodies: readonly RawBody[]): readonly BodyPlace[];
  /** To be called once the rows of these bodies are durable, in the order of appending. Until then their segments are not pruned. */
  settle(places: readonly BodyPlace[]): void;
  /** Throws "invalid" when the bytes are not there. */
  read(place: BodyPlace): Uint8Array;
  /** Deletes the segments in which no row has a body any more. */
  prune(kept: ReadonlySet<number>): void;
  /** What is wrong, given the end of the last body of each segment. */
  problems(ends: ReadonlyMap<number, number>): readonly string[];
  /** Of all segments. */
  bytes(): number;
  /** Safe twice. */
  close(): void;
}

/** Behind one body. */
function endOf({ segment, at, bytes }: BodyPlace): IndexedTo {
  return { segment, at: at + bytes };
}

const SEGMENT_BYTES = 64 * 1024 * 1024;
/** The folder and the first segment are made when they are needed. A new process begins a new segment: where the last one was cut is then of no account. */
export function openBodyLog(path: string, { segmentBytes = SEGMENT_BYTES }: { readonly segmentBytes?: number } = {}): BodyLog {
  const folder = bodyFolderOf(path);
  let current: { readonly segment: number; readonly descriptor: number; end: number } | undefined;
  let last = Math.max(0, ...segmentsIn(folder));
  const readers = new Map<number, number>();
  /** By segment, how many bodies wait for their rows. */
  const unsettled = new Map<number, number>();
  // Whoever opened the store added what rows were missing, so a new process begins with all of them.
  let indexed: IndexedTo = { segment: last + 1, at: 0 };
  let said: IndexedTo | undefined;

  const begin = (): NonNullable<typeof current> => {
    const isNew = mkdirSync(folder, { recursive: true }) !== undefined;
    const segment = last + 1;
    const descriptor = openSync(fileOf(folder, segment), "wx");
    syncName(folder);
    if (isNew) syncName(dirname(folder));
    last = segment;
    current = { segment, descriptor, end: 0 };
    said = undefined;
    return current;
  };
  const leave = (): void => {
    if (current !== undefined) quietly(() => closeSync(current?.descriptor ?? -1));
    current = undefined;
  };
  const cut = (segment: number, at: number): void => {
    if (current?.segment !== segment) return;
    const { descriptor } = current;
    quietly(() => ftruncateSync(descriptor, at));
    current.end = at;
  };
  const readerOf = (segment: number): number => {
    const known = readers.get(segment);
    if (known !== undefined) return known;
    const descriptor = openSync(fileOf(folder, segment), "r");
    readers.set(segment, descriptor);
    return descriptor;
  };

  return {
    append(bodies) {
      let began: number | undefined;
      try {
        if (current !== undefined && current.end >= segmentBytes) leave();
        const target = current ?? begin();
        began = target.end;
        const places: BodyPlace[] = [];
        const parts: Uint8Array[] = said === indexed ? [] : [indexedRecord(indexed)];
        const saying = indexed;
        let at = began + (parts[0]?.byteLength ?? 0);
        for (const { body, ...about } of bodies) {
          const head = bodyHead(about, body.byteLength);
          places.push({ segment: target.segment, at: at + head.byteLength, bytes: body.byteLength });
          parts.push(head, body);
          at += head.byteLength + body.byteLength;
        }
        writeAll(target.descriptor, parts, began);
        fdatasyncSync(target.descriptor);
        target.end = at;
        said = saying;
        unsettled.set(target.segment, (unsettled.get(target.segment) ?? 0) + bodies.length);
        return places;
      } catch (caught) {
        // After a failed sync nobody knows what of the file the disk holds; the next body begins another.
        if (current !== undefined && began !== undefined) cut(current.segment, began);
        leave();
        throw logError(caught, folder);
      }
    },
    settle(places) {
      for (const place of places) {
        const waiting = (unsettled.get(place.segment) ?? 1) - 1;
        if (waiting === 0) unsettled.delete(place.segment);
        else unsettled.set(place.segment, waiting);
        indexed = endOf(place);
      }
    },
    read: (place) => readPlace(readerOf, place, folder),
    prune(kept) {
      for (const segment of segmentsIn(folder)) {
        if (kept.has(segment) || unsettled.has(segment) || segment === current?.segment) continue;
        const reader = readers.get(segment);
        if (reader !== undefined) quietly(() => closeSync(reader));
        readers.delete(segment);
        rmSync(fileOf(folder, segment), { force: true });
      }
    },
    problems: (ends) =>
      [...ends].flatMap(([segment, end]) => {
        const bytes = statSync(fileOf(folder, segment), { throwIfNoEntry: false })?.size ?? 0;
        return bytes >= end ? [] : [`${fileOf(folder, segment)} has ${bytes} bytes, and bodies in it end at ${end}`];
      }),
    bytes: () =>
      segmentsIn(folder).reduce((sum, segment) => sum + (statSync(fileOf(folder, segment), { throwIfNoEntry: false })?.size ?? 0), 0),
    close() {
      if (current !== undefined && said !== indexed) {
        const { descriptor, end } = current;
        // Without a sync: what is not said is looked up.
        quietly(() => writeAll(descriptor, [indexedRecord(indexed)], end));
      }
      leave();
      for (const descriptor of readers.values()) quietly(() => closeSync(descriptor));
      readers.clear();
    },
  };
}

/** A disk that runs full may take a part of what it is given before it says so. */
function writeAll(descriptor: number, parts: readonly Uint8Array[], from: number): void {
  const total = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const written = writevSync(descriptor, parts, from);
  if (written === total) return;
  const rest = Buffer.concat(parts).subarray(written);
  for (let at = 0; at < rest.length; ) at += writeSync(descriptor, rest, at, rest.length - at, from + written + at);
}

function readPlace(readerOf: (segment: number) => number, { segment, at, bytes }: BodyPlace, folder: string): Uint8Array {
  const body = new Uint8Array(bytes);
  let read = 0;
  try {
    const descriptor = readerOf(segment);
    for (let got = 1; read < bytes && got > 0; read += got) got = readSync(descriptor, body, read, bytes - read, at + read);
  } catch (cause) {
    throw new LearnError("invalid", `a body in ${fileOf(folder, segment)} cannot be read: ${messageOf(cause)}`, { cause });
  }
  if (read < bytes) throw new LearnError("invalid", `a body in ${fileOf(folder, segment)} ends before its ${bytes} bytes`);
  return body;
}

/** Makes a new name durable. */
function syncName(folder: string): void {
  // Windows cannot open a folder; there names are journalled.
  if (process.platform === "win32") return;
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function logError(caught: unknown, folder: string): LearnError {
  const { code } = caught as { readonly code?: unknown };
  const hint =
    code === "ENOSPC" || code === "EDQUOT" ? "free some space; nothing that was acknowledged is lost" : "check the disk that holds it";
  return new LearnError("unavailable", `bodies could not be written to ${folder}: ${messageOf(caught)}`, { cause: caught, hint });
}

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // The file is left as it is; no row speaks of what is in it.
  }
}
