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
  /** Text that many messages repeat, like the key of an attribute. */
  name(): string;
  hex(): string;
  base64(): string;
  /** A reader over the current length-delimited field. */
  message(): WireReader;
}

const malformed = (what: string): LearnError =>
  new LearnError("invalid", `body is not OTLP protobuf: ${what}`, { hint: "send ExportTraceServiceRequest or ExportLogsServiceRequest" });

/** Reads `buffer` from `start` to `end`. Throws LearnError "invalid" where the bytes break the wire format. */
export function createWireReader(buffer: Buffer, start: number = 0, end: number = buffer.length): WireReader {
  return new BufferReader(buffer, start, end);
}

// A class, because a span of 20 attributes is 60 messages with a reader each: as closures these were half of what decoding cost, and most of its garbage.
class BufferReader implements WireReader {
  private readonly buffer: Buffer;
  private readonly end: number;
  private position: number;
  private type = 0;

  constructor(buffer: Buffer, start: number, end: number) {
    this.buffer = buffer;
    this.position = start;
    this.end = end;
  }

  next(): number {
    if (this.position >= this.end) return 0;
    const tag = this.uint32();
    const type = tag & 7;
    this.type = type;
    const field = tag >>> 3;
    if (field === 0) throw malformed("field number 0");
    if (type !== VARINT && type !== FIXED64 && type !== BYTES && type !== FIXED32) throw malformed(`wire type ${type}`);
    return field;
  }

  wireType(): number {
    return this.type;
  }

  skip(): void {
    const type = this.type;
    if (type === VARINT) this.uint32();
    else this.take(type === FIXED64 ? 8 : type === FIXED32 ? 4 : this.uint32());
  }

  int64(): number | string {
    let value = 0n;
    let small = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.position >= this.end) throw malformed("varint runs past its message");
      const byte = this.buffer[this.position++] as number;
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
  }

  uint32(): number {
    let result = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.position >= this.end) throw malformed("varint runs past its message");
      const byte = this.buffer[this.position++] as number;
      if (shift < 32) result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result >>> 0;
    }
    throw malformed("varint is longer than 10 bytes");
  }

  fixed32(): number {
    return this.buffer.readUInt32LE(this.take(4));
  }

  double(): number | string {
    return jsonNumber(this.buffer.readDoubleLE(this.take(8)));
  }

  nanosAsUs(): number {
    const from = this.take(8);
    const low = this.buffer.readUInt32LE(from);
    const high = this.buffer.readUInt32LE(from + 4);
    // 2^32 ns = 4294967 us + 296 ns: both terms stay below 2^53 until the year 2255.
    return high * 4_294_967 + Math.floor((high * 296 + low) / 1000);
  }

  text(): string {
    return this.encoded("utf8");
  }

  name(): string {
    const length = this.uint32();
    const from = this.take(length);
    return nameAt(this.buffer, from, length);
  }

  hex(): string {
    return this.encoded("hex");
  }

  base64(): string {
    return this.encoded("base64");
  }

  message(): WireReader {
    const length = this.uint32();
    const from = this.take(length);
    return new BufferReader(this.buffer, from, from + length);
  }

  private encoded(encoding: "utf8" | "hex" | "base64"): string {
    const length = this.uint32();
    const from = this.take(length);
    return this.buffer.toString(encoding, from, from + length);
  }

  private take(length: number): number {
    const from = this.position;
    if (length > this.end - from) throw malformed("field runs past its message");
    this.position = from + length;
    return from;
  }
}

const NAME_SLOTS = 1024;
const MAX_NAME = 64;
const names: string[] = new Array(NAME_SLOTS).fill("");

/** Names of attributes are few and come with every span: comparing bytes with what stood there last is cheaper than making and hashing a string. */
function nameAt(buffer: Buffer, from: number, length: number): string {
  if (length === 0 || length > MAX_NAME) return buffer.toString("utf8", from, from + length);
  let hash = length;
  for (let at = from + (length > 12 ? length - 12 : 0); at < from + length; at++) hash = (hash * 31 + (buffer[at] as number)) | 0;
  const slot = hash & (NAME_SLOTS - 1);
  const known = names[slot] as string;
  if (known.length === length && isAt(known, buffer, from)) return known;
  const name = buffer.toString("utf8", from, from + length);
  // Text with fewer characters than bytes is not ASCII, and what is kept must not be taken for other bytes.
  if (name.length === length) names[slot] = name;
  return name;
}

function isAt(text: string, buffer: Buffer, from: number): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) !== buffer[from + index]) return false;
  return true;
}

/** Calls `read` for each field; it must consume the field. */
export function each(reader: WireReader, read: (field: number) => void): void {
  for (let field = reader.next(); field !== 0; field = reader.next()) read(field);
}
