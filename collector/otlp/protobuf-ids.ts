import type { LearnError } from "../../src/base/error.ts";
import { CHILD_BASE, COUNTED, KINDS, MESSAGES, SPAN_ID, TRACE_ID, WIRE_TYPE_OF } from "./protobuf-schema.ts";
import { type FormatReader, notOtlp, type TraceIdOptions, tooManyItems } from "./trace-ids.ts";

// An attribute value may hold lists 30 deep: 6 messages lead to it, and each level of a list of pairs takes 3 more.
const MAX_DEPTH = 96;
// An item has at most a value below it that is no item itself; a body that repeats what should stand once is cut off by the third.
const MESSAGES_PER_ITEM = 3;
const MAX_ID_BYTES = 16;
const MAX_TAG = 0xffff_ffff;
const KEY_VALUE = CHILD_BASE + MESSAGES.keyValue;
const ANY_VALUE = CHILD_BASE + MESSAGES.anyValue;
const NOTHING = Buffer.alloc(0);

/**
 * Walks the wire format without making an object per span. Every message is entered, attributes too, because only then are items counted
 * and lengths checked; strings are passed over. What a chunk cuts in two, a number or an id of up to 36 bytes, waits for the next one.
 */
export function createProtobufIdReader({ signal, maxItems }: Omit<TraceIdOptions, "contentType">): FormatReader {
  const itemMessage = signal === "traces" ? MESSAGES.span : MESSAGES.logRecord;
  const traceIds = new Set<string>();
  // Of every open message: which one it is, and where it ends in the body. The request itself has no end until the body has.
  const messages = new Uint8Array(MAX_DEPTH + 2);
  const ends = new Float64Array(MAX_DEPTH + 2).fill(Number.POSITIVE_INFINITY);
  messages[0] = signal === "traces" ? MESSAGES.tracesRequest : MESSAGES.logsRequest;
  let depth = 0;
  // Bytes of the body before the chunk, those of it that wait, and those to come that nobody looks at.
  let base = 0;
  let carry: Buffer = NOTHING;
  let skip = 0;
  // Where the number read last by `varint` ends, or -1 when the chunk ended first. Everything else keeps its position in a local.
  let next = 0;
  let counted = 0;
  let entered = 0;
  let items = 0;
  let rejected = 0;
  let badTraceIds = 0;
  // Length and bytes of the ids of the item being walked; -1 while not seen.
  const traceId = Buffer.alloc(MAX_ID_BYTES);
  const spanId = Buffer.alloc(MAX_ID_BYTES);
  const lastTraceId = Buffer.alloc(MAX_ID_BYTES);
  let traceLength = -1;
  let spanLength = -1;

  return {
    feed(chunk) {
      if (skip >= chunk.length) {
        skip -= chunk.length;
        base += chunk.length;
        // What ends with this chunk is closed now or with the next one; either is in time.
        return;
      }
      const given = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const bytes = carry.length === 0 ? given : Buffer.concat([carry, given]);
      const stopped = walk(bytes, skip);
      // A copy: a slice would keep the whole chunk.
      carry = stopped < bytes.length ? Buffer.from(bytes.subarray(stopped)) : NOTHING;
      skip = Math.max(0, stopped - bytes.length);
      base += Math.min(stopped, bytes.length);
    },
    end() {
      if (carry.length > 0 || skip > 0) throw invalid(`ends inside a field at byte ${base}`);
      while (depth > 0 && ends[depth] === base) leave();
      if (depth > 0) throw invalid(`ends inside a message at byte ${base}`);
      return { traceIds: [...traceIds], items, rejected, badTraceIds };
    },
  };

  /** The position from which on the next chunk is needed: before the end of `bytes` it must be seen again, after it may be passed over. */
  function walk(bytes: Buffer, from: number): number {
    const size = bytes.length;
    let at = from;
    let message = messages[depth] as number;
    let end = (ends[depth] as number) - base;
    for (;;) {
      while (at === end) {
        leave();
        message = messages[depth] as number;
        end = (ends[depth] as number) - base;
      }
      if (at >= size) return at;
      const start = at;
      // Nearly every tag and most lengths are one byte.
      let tag = bytes[at] as number;
      if (tag < 0x80) at += 1;
      else {
        tag = varint(bytes, at, end);
        if (next < 0) return start;
        at = next;
        // Above 2^53 the low bits, which are the wire type, are gone; no field has such a number.
        if (tag > MAX_TAG) throw invalid(`has a broken field number before byte ${base + at}`);
      }
      const wireType = tag & 7;
      const entry = tag < 256 ? (KINDS[message * 32 + (tag >> 3)] as number) : 0;
      const kind = entry & ~COUNTED;
      if (entry === 0) {
        if (tag < 8) throw invalid(`has field number 0 before byte ${base + at}`);
      } else if (WIRE_TYPE_OF[kind] !== wireType) {
        throw invalid(`has field ${tag >> 3} with wire type ${wireType} before byte ${base + at}`);
      }
      if (wireType !== 2) {
        at = afterScalar(bytes, wireType, at, end);
        if (at < 0) return start;
        continue;
      }
      if (at >= end) throw invalid(`ends inside field ${Math.floor(tag / 8)} at byte ${base + at}`);
      let length = at < size ? (bytes[at] as number) : 0x80;
      if (length < 0x80) at += 1;
      else {
        length = varint(bytes, at, end);
        if (next < 0) return start;
        at = next;
      }
      const fieldEnd = at + length;
      if (fieldEnd > end) throw invalid(`ends inside field ${Math.floor(tag / 8)} at byte ${base + at}`);
      if (kind >= CHILD_BASE) {
        count(entry);
        if (kind === KEY_VALUE && fieldEnd <= size && depth < MAX_DEPTH - 1 && isPlainPair(bytes, at, fieldEnd)) {
          count(ANY_VALUE);
          at = fieldEnd;
          continue;
        }
        message = kind - CHILD_BASE;
        if (message === itemMessage) {
          traceLength = -1;
          spanLength = -1;
        }
        enter(message, base + fieldEnd);
        end = fieldEnd;
        continue;
      }
      if (kind === TRACE_ID || kind === SPAN_ID) {
        const isId = length <= MAX_ID_BYTES;
        if (isId && fieldEnd > size) return start;
        if (isId) copyId(bytes, at, fieldEnd, kind === TRACE_ID ? traceId : spanId);
        if (kind === TRACE_ID) traceLength = length;
        else spanLength = length;
      }
      at = fieldEnd;
    }
  }

  function count(entry: number): void {
    entered += 1;
    if (entry >= COUNTED) counted += 1;
    if (counted > maxItems || entered > maxItems * MESSAGES_PER_ITEM) throw tooManyItems(maxItems);
  }

  function enter(message: number, end: number): void {
    depth += 1;
    if (depth > MAX_DEPTH) throw invalid(`is nested more than ${MAX_DEPTH} messages deep`);
    messages[depth] = message;
    ends[depth] = end;
  }

  function leave(): void {
    if (messages[depth] === itemMessage) item();
    depth -= 1;
  }

  function item(): void {
    items += 1;
    if (signal === "traces") {
      if (traceLength === 16 && spanLength === 8 && !isZero(traceId, 16) && !isZero(spanId, 8)) addTrace();
      else reject(traceLength !== 16 || isZero(traceId, 16));
    } else if ((traceLength > 0 && traceLength !== 16) || (spanLength > 0 && spanLength !== 8))
      reject(traceLength > 0 && traceLength !== 16);
    else if (traceLength === 16 && !isZero(traceId, 16)) addTrace();
  }

  function reject(badTraceId: boolean): void {
    rejected += 1;
    if (badTraceId) badTraceIds += 1;
  }

  /** Spans of one trace mostly follow each other, so the id before is compared as bytes first; hex text costs ten times as much. */
  function addTrace(): void {
    if (isSame(traceId, lastTraceId)) return;
    copyId(traceId, 0, MAX_ID_BYTES, lastTraceId);
    traceIds.add(traceId.toString("hex"));
  }

  /** Up to 10 bytes; sets `next`. Above 2^53 the value is inexact, which no length or tag that fits a body can reach. */
  function varint(bytes: Buffer, start: number, end: number): number {
    const limit = Math.min(end, start + 10, bytes.length);
    let value = 0;
    let scale = 1;
    for (let at = start; at < limit; at += 1) {
      const byte = bytes[at] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        next = at + 1;
        return value;
      }
      scale *= 128;
    }
    if (limit === end || limit === start + 10) throw invalid(`has a broken number at byte ${base + start}`);
    next = -1;
    return 0;
  }

  /** -1 when the chunk ends first. */
  function afterScalar(bytes: Buffer, wireType: number, start: number, end: number): number {
    if (wireType === 0) {
      if (start < bytes.length || start >= end) {
        varint(bytes, start, end);
        return next;
      }
      return -1;
    }
    if (wireType !== 1 && wireType !== 5) throw invalid(`has wire type ${wireType} before byte ${base + start}`);
    const after = start + (wireType === 1 ? 8 : 4);
    if (after > end) throw invalid(`ends inside a number at byte ${base + start}`);
    return after;
  }

  function invalid(what: string): LearnError {
    return notOtlp(signal, "protobuf", what);
  }
}

/**
 * Whether these bytes are what nearly every attribute is: a key below 128 bytes, and a string, a number or a truth that fills the rest. Walking such a
 * pair message by message was half of the time per span.
 */
function isPlainPair(bytes: Buffer, from: number, end: number): boolean {
  if (end - from < 6 || bytes[from] !== 0x0a) return false;
  const keyBytes = bytes[from + 1] as number;
  let at = from + 2 + keyBytes;
  if (keyBytes >= 0x80 || at + 4 > end || bytes[at] !== 0x12) return false;
  at = afterLength(bytes, at + 1, end);
  if (at < 0) return false;
  const tag = bytes[at];
  // string_value, and bytes_value, which is as opaque.
  if (tag === 0x0a || tag === 0x3a) return afterLength(bytes, at + 1, end) >= 0;
  if (tag === 0x21) return at + 9 === end;
  if (tag !== 0x10 && tag !== 0x18) return false;
  const last = end - 1;
  if (last - at > 10 || last === at || (bytes[last] as number) >= 0x80) return false;
  for (at += 1; at < last; at += 1) if ((bytes[at] as number) < 0x80) return false;
  return true;
}

/** Where the content begins whose length, of at most three bytes, stands at `at`; -1 unless it ends at `end`. */
function afterLength(bytes: Buffer, at: number, end: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return at + 1 + first === end ? at + 1 : -1;
  const second = bytes[at + 1] as number;
  if (second < 0x80) return at + 2 + (first & 0x7f) + second * 0x80 === end ? at + 2 : -1;
  const third = bytes[at + 2] as number;
  return third < 0x80 && at + 3 + (first & 0x7f) + (second & 0x7f) * 0x80 + third * 0x4000 === end ? at + 3 : -1;
}

function copyId(from: Buffer, start: number, end: number, to: Buffer): void {
  for (let at = start; at < end; at += 1) to[at - start] = from[at] as number;
}

function isZero(id: Buffer, length: number): boolean {
  for (let index = 0; index < length; index += 1) if (id[index] !== 0) return false;
  return true;
}

function isSame(first: Buffer, second: Buffer): boolean {
  for (let index = MAX_ID_BYTES - 1; index >= 0; index -= 1) if (first[index] !== second[index]) return false;
  return true;
}
