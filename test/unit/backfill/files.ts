import { JsonLogsSerializer, JsonTraceSerializer, ProtobufLogsSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { type Message, type Piece, type PieceReader, type Position, START } from "../../../src/backfill/ports.ts";
import { sdkSpans } from "../../support/otlp.ts";

export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
export const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** What the official exporters would put on the wire. */
export const jsonOf = (spans: ReadableSpan[] = sdkSpans()): Uint8Array => serialized(JsonTraceSerializer.serializeRequest(spans));
export const protobufOf = (spans: ReadableSpan[] = sdkSpans()): Uint8Array => serialized(ProtobufTraceSerializer.serializeRequest(spans));
export const logsJsonOf = (...given: Parameters<typeof JsonLogsSerializer.serializeRequest>): Uint8Array =>
  serialized(JsonLogsSerializer.serializeRequest(...given));
export const logsProtobufOf = (...given: Parameters<typeof ProtobufLogsSerializer.serializeRequest>): Uint8Array =>
  serialized(ProtobufLogsSerializer.serializeRequest(...given));

function serialized(bytes: Uint8Array | undefined): Uint8Array {
  if (bytes === undefined) throw new Error("nothing serialised");
  return new Uint8Array(bytes);
}

export function framed(...messages: Uint8Array[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(
      messages.flatMap((message) => {
        const length = Buffer.alloc(4);
        length.writeUInt32BE(message.length);
        return [length, message];
      }),
    ),
  );
}

/** A zstd frame of stored blocks, which any decoder must read: Node 20 has no compressor. */
export function zstdOf(bytes: Uint8Array): Uint8Array {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(0xfd2fb528, 0);
  head.writeUInt8(0xa0, 4);
  head.writeUInt32LE(bytes.length, 5);
  const blocks: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += 100_000) {
    const part = bytes.subarray(at, at + 100_000);
    const last = at + part.length >= bytes.length ? 1 : 0;
    const block = Buffer.alloc(3);
    block.writeUIntLE(part.length * 8 + last, 0, 3);
    blocks.push(block, Buffer.from(part));
  }
  return new Uint8Array(Buffer.concat([head, ...blocks]));
}

/** The bytes in chunks of `size`. */
export async function* chunksOf(bytes: Uint8Array, size = bytes.length): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += Math.max(1, size)) yield bytes.subarray(at, at + size);
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

export function piecesOf(reader: PieceReader, bytes: Uint8Array, size?: number, from: Position = START): Promise<Piece[]> {
  return all(reader(chunksOf(bytes, size), from));
}

/** What two encodings of one request have in common. */
export function facts(messages: readonly Message[]): object[] {
  return messages.map(({ body, spans, logs, rejected }) => ({ signal: body.signal, traceIds: body.traceIds, spans, logs, rejected }));
}

export const NOW_US = 1_790_000_000_000_000;
