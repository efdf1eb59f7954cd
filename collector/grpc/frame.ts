import { LearnError } from "../../src/base/error.ts";
import type { OtlpEncoding } from "../request.ts";

/** One flag byte and a length of four stand before every message. */
export const FRAME_HEAD_BYTES = 5;

/**
 * The encoding of the one message of a unary call, after checking that `head` announces exactly the bytes that came.
 * Throws "invalid" for no message, for more than one, and for a flag or length that lies.
 */
export function checkFrame(head: Uint8Array, bodyBytes: number, encoding: OtlpEncoding): OtlpEncoding {
  if (head.length < FRAME_HEAD_BYTES) throw invalid("the call carries no message");
  const length = announcedBytes(head);
  if (length !== bodyBytes) throw invalid(`the message announces ${length} bytes and ${bodyBytes} came`);
  const flag = head[0];
  if (flag === 0) return "identity";
  if (flag !== 1) throw invalid(`the compression flag is ${flag}`);
  if (encoding === "identity") throw invalid("the message is marked as compressed, and grpc-encoding names no compression");
  return encoding;
}

/** The length of the message as its whole head says it. */
export function announcedBytes(head: Uint8Array): number {
  return Buffer.from(head.buffer, head.byteOffset, head.byteLength).readUInt32BE(1);
}

export function encodeFrame(message: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(FRAME_HEAD_BYTES + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, FRAME_HEAD_BYTES);
  return frame;
}

/** grpc-message: UTF-8 with everything percent-encoded that is not printable ASCII. */
export function encodeGrpcMessage(message: string): string {
  return Array.from(Buffer.from(message, "utf8"), (byte) =>
    byte < 0x20 || byte > 0x7e || byte === 0x25 ? `%${byte.toString(16).toUpperCase().padStart(2, "0")}` : String.fromCharCode(byte),
  ).join("");
}

function invalid(message: string): LearnError {
  return new LearnError("invalid", message, { hint: "send one length-prefixed protobuf message" });
}
