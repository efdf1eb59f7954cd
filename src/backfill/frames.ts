import { LearnError } from "../base/error.ts";
import { joined } from "../base/joined.ts";
import { MAX_PIECE_BYTES, type PieceReader, type Position } from "./ports.ts";

/**
 * Messages with their length before each: 4 bytes, big-endian, not counting themselves. Empty messages are counted and left out.
 *
 * This is how the Collector's file exporter writes `format: proto`. With `compression: zstd` each message is one zstd frame behind its length,
 * in JSON too, because a compressed body may hold a newline. (Behind its gate for native compression the whole file is zstd instead; inside, JSON
 * stands in lines and protobuf behind lengths.)
 */
export const readFrames: PieceReader = async function* (chunks, from) {
  const parts: Uint8Array[] = [];
  let size = 0;
  let wanted = 4;
  let length: number | undefined;
  let { number, end }: Position = from;

  for await (const chunk of chunks) {
    let at = 0;
    while (at < chunk.length) {
      const part = chunk.subarray(at, at + wanted - size);
      parts.push(part);
      size += part.length;
      at += part.length;
      if (size < wanted) break;
      const bytes = joined(parts, size);
      parts.length = 0;
      size = 0;
      if (length === undefined) {
        length = new DataView(bytes.buffer).getUint32(0);
        if (length > MAX_PIECE_BYTES) {
          const fault = new LearnError(
            "too-large",
            `at byte ${end} a message of ${length} bytes is announced, more than ${MAX_PIECE_BYTES}`,
          );
          yield { number: number + 1, end, bytes: new Uint8Array(0), fault, last: true };
          return;
        }
        wanted = length === 0 ? 4 : length;
        if (length > 0) continue;
      }
      number += 1;
      end += 4 + length;
      if (length > 0) yield { number, end, bytes };
      wanted = 4;
      length = undefined;
    }
  }
  if (size === 0 && length === undefined) return;
  const cut = new LearnError("invalid", `the file ends inside the message that begins at byte ${end}`);
  yield { number: number + 1, end, bytes: new Uint8Array(0), fault: cut, last: true };
};
