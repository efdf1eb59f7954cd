import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import type { RawBody } from "./ports.ts";

/** Where a body is: `bytes` from `at` on in a segment. */
export interface BodyPlace {
  readonly segment: number;
  readonly at: number;
  readonly bytes: number;
}

/** All of a body but its bytes. */
export type AboutBody = Omit<RawBody, "body">;

/** A body found in a segment without the help of the database. */
export interface LoggedBody extends BodyPlace {
  readonly body: AboutBody;
}

/** Every body before it has its rows in the database. */
export interface IndexedTo {
  readonly segment: number;
  readonly at: number;
}

const BODY_MARK = Buffer.from("AgLb");
const INDEXED_MARK = Buffer.from("AgLi");
// A mark and two numbers: of a body the lengths of its description and of itself; of an IndexedTo what it holds.
const HEAD_BYTES = 12;

/** `agentlearn.db` -> `agentlearn.db-bodies`. */
export function bodyFolderOf(path: string): string {
  return `${path}-bodies`;
}

export function segmentsIn(folder: string): readonly number[] {
  if (!existsSync(folder)) return [];
  const numbers = readdirSync(folder).flatMap((name) => /^(\d{8})\.bodies$/.exec(name)?.[1] ?? []);
  return numbers.map(Number).sort((a, b) => a - b);
}

export function fileOf(folder: string, segment: number): string {
  return join(folder, `${String(segment).padStart(8, "0")}.bodies`);
}

/** What stands before a body. */
export function bodyHead(about: AboutBody, bytes: number): Uint8Array {
  const text = Buffer.from(JSON.stringify(about));
  const head = Buffer.alloc(HEAD_BYTES + text.length);
  BODY_MARK.copy(head);
  head.writeUInt32BE(text.length, 4);
  head.writeUInt32BE(bytes, 8);
  text.copy(head, HEAD_BYTES);
  return head;
}

export function indexedRecord({ segment, at }: IndexedTo): Uint8Array {
  const record = Buffer.alloc(HEAD_BYTES);
  INDEXED_MARK.copy(record);
  record.writeUInt32BE(segment, 4);
  record.writeUInt32BE(at, 8);
  return record;
}

/** Reads segments of a store that nobody has open, one body at a time. Ends at the first that is not whole, of each segment. */
export function* loggedBodies(path: string): Generator<LoggedBody> {
  const folder = bodyFolderOf(path);
  for (const segment of segmentsIn(folder)) {
    for (const record of recordsIn(folder, segment)) if ("body" in record) yield record;
  }
}

/**
 * The bodies, oldest first, whose rows may be missing: those behind the last word about what is indexed. Some of them may have their rows all the same.
 * None where no such word is: an older version answered only after the rows.
 */
export function unindexedBodies(path: string): readonly LoggedBody[] {
  const folder = bodyFolderOf(path);
  const segments = segmentsIn(folder);
  let found: readonly LoggedBody[] = [];
  // Each segment begins with such a word, so the newest that has anything in it is the first to look at and mostly the last.
  let from: IndexedTo | undefined;
  for (const segment of [...segments].reverse()) {
    if (from !== undefined && segment < from.segment) break;
    const records = [...recordsIn(folder, segment)];
    from ??= records.filter((record) => "indexed" in record).at(-1)?.indexed;
    found = [...records.filter((record) => "body" in record), ...found];
  }
  if (from === undefined) return [];
  const { segment, at } = from;
  return found.filter((body) => body.segment > segment || (body.segment === segment && body.at >= at));
}

function* recordsIn(folder: string, segment: number): Generator<LoggedBody | { readonly indexed: IndexedTo }> {
  const descriptor = openSync(fileOf(folder, segment), "r");
  try {
    const size = statSync(fileOf(folder, segment)).size;
    const head = Buffer.alloc(HEAD_BYTES);
    for (let at = 0; at + HEAD_BYTES <= size; ) {
      readSync(descriptor, head, 0, HEAD_BYTES, at);
      const [first, second] = [head.readUInt32BE(4), head.readUInt32BE(8)];
      if (head.subarray(0, 4).equals(INDEXED_MARK)) {
        yield { indexed: { segment: first, at: second } };
        at += HEAD_BYTES;
        continue;
      }
      const bodyAt = at + HEAD_BYTES + first;
      if (!head.subarray(0, 4).equals(BODY_MARK) || bodyAt + second > size) break;
      const about = Buffer.alloc(first);
      readSync(descriptor, about, 0, first, at + HEAD_BYTES);
      const body = aboutFrom(about);
      if (body === undefined) break;
      yield { segment, at: bodyAt, bytes: second, body };
      at = bodyAt + second;
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Undefined where a power cut left a file its length and not its bytes: what is there was never answered, and must not keep the store from opening. */
function aboutFrom(text: Uint8Array): AboutBody | undefined {
  try {
    return JSON.parse(Buffer.from(text).toString()) as AboutBody;
  } catch {
    return undefined;
  }
}
