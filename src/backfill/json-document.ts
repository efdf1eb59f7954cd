import { LearnError } from "../base/error.ts";
import { joined } from "../base/joined.ts";
import { withoutBom } from "./json-lines.ts";
import { MAX_PIECE_BYTES, type PieceReader } from "./ports.ts";

/** The whole file as one piece, up to the bound. There is no position inside it to go on from. */
export const readJsonDocument: PieceReader = async function* (chunks, from) {
  if (from.end > 0) return;
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > MAX_PIECE_BYTES) {
      const fault = new LearnError("too-large", `a document of more than ${MAX_PIECE_BYTES} bytes can't be read at once`, {
        hint: "split it, or write it as OTLP JSON lines: one export request per line",
      });
      yield { number: 1, end: size, bytes: new Uint8Array(0), fault, last: true };
      return;
    }
    parts.push(chunk);
  }
  yield { number: 1, end: size, bytes: withoutBom(joined(parts, size)) };
};
