import { deserialize, serialize } from "node:v8";
import { LearnError } from "../base/error.ts";

// The largest request body is 64 MiB after inflation; a group of them may go through one call. Above this a frame is a mistake.
const MAX_FRAME_BYTES = 512 * 1024 * 1024;
const HEADER_BYTES = 4;

/** One message: four bytes of length, big endian, then the value as V8 writes it. */
export function encodeFrame(value: unknown): Buffer {
  const body = serialize(value);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.byteLength);
  frame.writeUInt32BE(body.byteLength, 0);
  frame.set(body, HEADER_BYTES);
  return frame;
}

/** Takes chunks as they come and hands out whole messages. Throws on a length that cannot be, and on bytes that are no message. */
export function createFrameReader(onMessage: (message: unknown) => void): (chunk: Uint8Array) => void {
  let chunks: Uint8Array[] = [];
  let buffered = 0;
  let wanted = HEADER_BYTES;
  return (chunk) => {
    chunks.push(chunk);
    buffered += chunk.byteLength;
    // Joined only when a message is whole: joining at each chunk would copy a large one hundreds of times.
    while (buffered >= wanted) {
      const joined: Buffer = Buffer.concat(chunks);
      const size = joined.readUInt32BE(0);
      if (size > MAX_FRAME_BYTES) throw new LearnError("too-large", `a message of ${size} bytes is beyond ${MAX_FRAME_BYTES}`);
      wanted = HEADER_BYTES + size;
      chunks = [joined];
      if (buffered < wanted) return;
      chunks = [joined.subarray(wanted)];
      buffered -= wanted;
      const message: unknown = deserialize(joined.subarray(HEADER_BYTES, wanted));
      wanted = HEADER_BYTES;
      onMessage(message);
    }
  };
}
