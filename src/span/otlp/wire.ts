import { LearnError } from "../../base/error.ts";
import { jsonNumber } from "./decode.ts";

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

/** A window on a protobuf message: fields are pulled one by one, nothing is built that is not asked for. */
export interface WireReader {
  /** The next field number, or 0 at the end. The field must then be read or skipped. */
  next(): number;
  /** Wire type of the current field, one of the constants above. */
  wireType(): number;
  skip(): void;
  /** A varint as a signed 64-bit integer: a number, or decimal text beyond 2^53. */
  int64(): number | string;
  /** A varint of at most 32 bits that matter (enums, bools). */
  uint32(): number;
  fixed32(): number;
  double(): number | string;
  /** fixed64 nanoseconds as whole microseconds, without going through a double of nanoseconds. */
  nanosAsUs(): number;
  text(): string;
  hex(): string;
  base64(): string;
  /** A reader over the current length-delimited field. */
  message(): WireReader;
}

const malformed = (what: string): LearnError =>
  new LearnError("invalid", `body is not OTLP protobuf: ${what}`, { hint: "send ExportTraceServiceRequest or ExportLogsServiceRequest" });

/** Reads `buffer` from `start` to `end`. Throws LearnError "invalid" where the bytes break the wire format. */
export function createWireReader(buffer: Buffer, start: number = 0, end: number = buffer.length): WireReader {
  let position = start;
  let type = 0;

  function varint32(): number {
    let result = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (position >= end) throw malformed("varint runs past its message");
      const byte = buffer[position++] as number;
      if (shift < 32) result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result >>> 0;
    }
    throw malformed("varint is longer than 10 bytes");
  }

  function take(length: number): number {
    const from = position;
    if (length > end - position) throw malformed("field runs past its message");
    position += length;
    return from;
  }

  return {
    next() {
      if (position >= end) return 0;
      const tag = varint32();
      type = tag & 7;
      const field = tag >>> 3;
      if (field === 0) throw malformed("field number 0");
      if (type !== VARINT && type !== FIXED64 && type !== BYTES && type !== FIXED32) throw malformed(`wire type ${type}`);
      return field;
    },
    wireType: () => type,
    skip() {
      if (type === VARINT) varint32();
      else take(type === FIXED64 ? 8 : type === FIXED32 ? 4 : varint32());
    },
    int64() {
      let value = 0n;
      let small = 0;
      for (let shift = 0; shift < 70; shift += 7) {
        if (position >= end) throw malformed("varint runs past its message");
        const byte = buffer[position++] as number;
        // Up to 28 bits stay in a number; a BigInt per attribute would double the cost of decoding.
        if (shift < 28) small |= (byte & 0x7f) << shift;
        else value |= BigInt(byte & 0x7f) << BigInt(shift);
        if (byte >= 0x80) continue;
        if (shift < 28) return small;
        const signed = BigInt.asIntN(64, value | BigInt(small));
        const number = Number(signed);
        return Number.isSafeInteger(number) ? number : signed.toString();
      }
      throw malformed("varint is longer than 10 bytes");
    },
    uint32: varint32,
    fixed32: () => buffer.readUInt32LE(take(4)),
    double: () => jsonNumber(buffer.readDoubleLE(take(8))),
    nanosAsUs() {
      const from = take(8);
      const low = buffer.readUInt32LE(from);
      const high = buffer.readUInt32LE(from + 4);
      // 2^32 ns = 4294967 us + 296 ns: both terms stay below 2^53 until the year 2255.
      return high * 4_294_967 + Math.floor((high * 296 + low) / 1000);
    },
    text() {
      const length = varint32();
      const from = take(length);
      return buffer.toString("utf8", from, from + length);
    },
    hex() {
      const length = varint32();
      const from = take(length);
      return buffer.toString("hex", from, from + length);
    },
    base64() {
      const length = varint32();
      const from = take(length);
      return buffer.toString("base64", from, from + length);
    },
    message() {
      const length = varint32();
      const from = take(length);
      return createWireReader(buffer, from, from + length);
    },
  };
}

/** Calls `read` for each field; it must consume the field. */
export function each(reader: WireReader, read: (field: number) => void): void {
  for (let field = reader.next(); field !== 0; field = reader.next()) read(field);
}
