import { LearnError } from "../../src/base/error.ts";
import { CHILD_BASE, COUNTED, KINDS, MESSAGES, SPAN_ID, TRACE_ID, WIRE_TYPE_OF } from "./protobuf-schema.ts";
import type { TraceIds } from "./trace-ids.ts";

// An attribute value may hold lists 30 deep: 6 messages lead to it, and each level of a list of pairs takes 3 more.
const MAX_DEPTH = 96;

/**
 * Walks the wire format without making an object per span. Every message is entered, attributes too, because only then are items counted
 * and lengths checked; strings are never decoded.
 */
export function readProtobufIds(body: Uint8Array, signal: "traces" | "logs", maxItems: number): TraceIds {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const itemMessage = signal === "traces" ? MESSAGES.span : MESSAGES.logRecord;
  const traceIds = new Set<string>();
  // Where the number read last by `varint` ends. Everything else keeps its position in a local, which the compiler holds in a register.
  let next = 0;
  let counted = 0;
  let items = 0;
  let rejected = 0;
  let badTraceIds = 0;
  // Offset and length of the ids of the item being walked; -1 while not seen.
  let traceAt = 0;
  let traceLength = -1;
  let spanAt = 0;
  let spanLength = -1;
  let lastTraceAt = -1;

  walk(signal === "traces" ? MESSAGES.tracesRequest : MESSAGES.logsRequest, 0, bytes.length, 0);
  return { traceIds: [...traceIds], items, rejected, badTraceIds };

  function walk(message: number, start: number, end: number, depth: number): void {
    if (depth > MAX_DEPTH) throw invalid(`is nested more than ${MAX_DEPTH} messages deep`);
    let at = start;
    while (at < end) {
      // Nearly every tag and most lengths are one byte.
      let tag = bytes[at] as number;
      if (tag < 0x80) at += 1;
      else {
        tag = varint(at, end);
        at = next;
      }
      const wireType = tag & 7;
      const entry = tag < 256 ? (KINDS[message * 32 + (tag >> 3)] as number) : 0;
      const kind = entry & ~COUNTED;
      if (entry === 0) {
        if (tag < 8) throw invalid(`has field number 0 before byte ${at}`);
      } else {
        if (WIRE_TYPE_OF[kind] !== wireType) throw invalid(`has field ${tag >> 3} with wire type ${wireType} before byte ${at}`);
        if (entry >= COUNTED) {
          counted += 1;
          if (counted > maxItems) throw tooMany(maxItems);
        }
      }
      if (wireType !== 2) {
        at = afterScalar(wireType, at, end);
        continue;
      }
      let length = bytes[at] as number;
      if (length < 0x80 && at < end) at += 1;
      else {
        length = varint(at, end);
        at = next;
      }
      const fieldEnd = at + length;
      if (fieldEnd > end) throw invalid(`ends inside field ${Math.floor(tag / 8)} at byte ${at}`);
      if (kind >= CHILD_BASE) {
        const child = kind - CHILD_BASE;
        if (child === itemMessage) item(at, fieldEnd, depth + 1);
        else walk(child, at, fieldEnd, depth + 1);
      } else if (kind === TRACE_ID) {
        traceAt = at;
        traceLength = length;
      } else if (kind === SPAN_ID) {
        spanAt = at;
        spanLength = length;
      }
      at = fieldEnd;
    }
  }

  function item(start: number, end: number, depth: number): void {
    traceLength = -1;
    spanLength = -1;
    walk(itemMessage, start, end, depth);
    items += 1;
    if (signal === "traces") {
      if (traceLength === 16 && spanLength === 8 && !isZero(traceAt, 16) && !isZero(spanAt, 8)) addTrace();
      else reject(traceLength !== 16 || isZero(traceAt, 16));
    } else if ((traceLength > 0 && traceLength !== 16) || (spanLength > 0 && spanLength !== 8))
      reject(traceLength > 0 && traceLength !== 16);
    else if (traceLength === 16 && !isZero(traceAt, 16)) addTrace();
  }

  function reject(badTraceId: boolean): void {
    rejected += 1;
    if (badTraceId) badTraceIds += 1;
  }

  /** Spans of one trace mostly follow each other, so the id before is compared as bytes first; hex text costs ten times as much. */
  function addTrace(): void {
    if (lastTraceAt >= 0 && sameId(lastTraceAt, traceAt)) return;
    lastTraceAt = traceAt;
    traceIds.add(bytes.toString("hex", traceAt, traceAt + 16));
  }

  function sameId(first: number, second: number): boolean {
    for (let index = 15; index >= 0; index -= 1) if (bytes[first + index] !== bytes[second + index]) return false;
    return true;
  }

  function isZero(from: number, length: number): boolean {
    for (let index = from; index < from + length; index += 1) if (bytes[index] !== 0) return false;
    return true;
  }

  /** Up to 10 bytes; sets `next`. Above 2^53 the value is inexact, which no length or tag that fits a body can reach. */
  function varint(start: number, end: number): number {
    const limit = Math.min(end, start + 10);
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
    throw invalid(`has a broken number at byte ${start}`);
  }

  function afterScalar(wireType: number, start: number, end: number): number {
    if (wireType === 0) {
      varint(start, end);
      return next;
    }
    if (wireType !== 1 && wireType !== 5) throw invalid(`has wire type ${wireType} before byte ${start}`);
    const after = start + (wireType === 1 ? 8 : 4);
    if (after > end) throw invalid(`ends inside a number at byte ${start}`);
    return after;
  }

  function invalid(what: string): LearnError {
    return new LearnError("invalid", `the body is not OTLP ${signal} in protobuf: it ${what}`, {
      hint: "check the signal in the path, and that Content-Type and Content-Encoding say what the body is",
    });
  }
}

function tooMany(maxItems: number): LearnError {
  return new LearnError("too-large", `the body holds more than ${maxItems} spans, events and attributes`, { hint: "send smaller batches" });
}
