import { LearnError } from "../base/error.ts";
import { joined } from "../base/joined.ts";
import { MAX_PIECE_BYTES, type Piece, type PieceReader, type Position } from "./ports.ts";

const NEWLINE = 0x0a;

/** One piece per line. Blank lines are counted and left out; a line above the bound is a fault, and is not held while its end is looked for. */
export const readJsonLines: PieceReader = async function* (chunks, from) {
  const parts: Uint8Array[] = [];
  let size = 0;
  let { number, end }: Position = from;

  const add = (part: Uint8Array): void => {
    size += part.length;
    if (size > MAX_PIECE_BYTES) parts.length = 0;
    else parts.push(part);
  };
  const line = (): Piece | undefined => {
    number += 1;
    const tooLong = size > MAX_PIECE_BYTES;
    const bytes = joined(parts, tooLong ? 0 : size);
    parts.length = 0;
    size = 0;
    if (tooLong) {
      return { number, end, bytes, fault: new LearnError("too-large", `the line is longer than ${MAX_PIECE_BYTES} bytes`) };
    }
    return isBlank(bytes) ? undefined : { number, end, bytes: number === 1 ? withoutBom(bytes) : bytes };
  };

  for await (const chunk of chunks) {
    let at = 0;
    for (let next = chunk.indexOf(NEWLINE, at); next !== -1; next = chunk.indexOf(NEWLINE, at)) {
      add(chunk.subarray(at, next));
      end += next + 1 - at;
      at = next + 1;
      const piece = line();
      if (piece !== undefined) yield piece;
    }
    add(chunk.subarray(at));
    end += chunk.length - at;
  }
  const rest = size > 0 ? line() : undefined;
  if (rest !== undefined) yield rest;
};

/** Editors on Windows put three bytes before the first line, which JSON does not allow. */
export function withoutBom(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.slice(3) : bytes;
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09);
}
