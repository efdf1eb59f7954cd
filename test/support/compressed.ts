import { readFileSync } from "node:fs";
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import type { BodyEncoding } from "../../src/span/otlp/inflate.ts";

export const ENCODINGS: readonly BodyEncoding[] = ["identity", "gzip", "deflate", "br", "zstd"];

/** The body as a sender of this encoding would have it. */
export function compress(body: Uint8Array, encoding: BodyEncoding | "raw deflate"): Uint8Array {
  switch (encoding) {
    case "identity":
      return body;
    case "gzip":
      return gzipSync(body);
    case "deflate":
      return deflateSync(body);
    case "raw deflate":
      return deflateRawSync(body);
    case "br":
      // The default takes a second for 260 kB.
      return brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } });
    case "zstd":
      return zstdFrame(body);
  }
}

const MAX_BLOCK_BYTES = 128 * 1024;

/** A zstd frame of stored blocks, since Node 20 cannot compress zstd. Without a content size it has a window of 1 MiB instead. */
export function zstdFrame(body: Uint8Array, { contentSize = true }: { readonly contentSize?: boolean } = {}): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < body.length || at === 0; at += MAX_BLOCK_BYTES) {
    const content = body.subarray(at, at + MAX_BLOCK_BYTES);
    blocks.push(zstdBlock("raw", content.length, content, at + MAX_BLOCK_BYTES >= body.length));
  }
  return Buffer.concat([contentSize ? sizedHead(body.length) : WINDOW_HEAD, ...blocks]);
}

/** 128 KiB of zeros from every 4 bytes. */
export function zstdBomb(bytes: number, { contentSize }: { readonly contentSize: boolean }): Uint8Array {
  const count = Math.ceil(bytes / MAX_BLOCK_BYTES);
  const blocks = Array.from({ length: count }, (_, index) => zstdBlock("repeat", MAX_BLOCK_BYTES, Buffer.alloc(1), index === count - 1));
  return Buffer.concat([contentSize ? sizedHead(count * MAX_BLOCK_BYTES) : WINDOW_HEAD, ...blocks]);
}

/** One block of 120 kB whose 60,000 sequences each copy 65,539 bytes; a decoder that checks the size of blocks stops at the second. */
export function zstdTimeBomb(): Uint8Array {
  const sequences = 60_000;
  const bits = Buffer.alloc(sequences * 2 + 1);
  // The end mark. All states are repeated symbols of no bits, so what is left are 16 bits for each length.
  bits[bits.length - 1] = 1;
  const literals = Buffer.from([0x08, 0x61]);
  const count = Buffer.from([255, (sequences - 0x7f00) & 255, (sequences - 0x7f00) >> 8]);
  const symbols = Buffer.from([0x54, 1, 0, 52]);
  const content = Buffer.concat([literals, count, symbols, bits]);
  return Buffer.concat([WINDOW_HEAD, zstdBlock("compressed", content.length, content, true)]);
}

/** As the encoder of Node 22 makes it, of `fixtureText()`. */
export function zstdFixture(name: "whole" | "streamed" | "two-frames"): Uint8Array {
  return readFileSync(new URL(`../fixtures/zstd/${name}.zst`, import.meta.url));
}

/** 1,500 spans in JSON: 188 traces of 8. */
export function fixtureText(): string {
  const names = ["chat", "execute_tool", "invoke_agent"];
  const spans = Array.from({ length: 1_500 }, (_, index) => ({
    traceId: `${(index >> 3).toString(16).padStart(31, "0")}1`,
    spanId: (index + 1).toString(16).padStart(16, "0"),
    name: `span ${(index * 7_919) % 1_009}`,
    attributes: [{ key: "gen_ai.operation.name", value: { stringValue: names[index % 3] } }],
  }));
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
}

const WINDOW_HEAD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 10 << 3]);

function sizedHead(bytes: number): Uint8Array {
  // A size of 8 bytes beside a window, so that the size itself is never taken for one.
  const head = Buffer.concat([WINDOW_HEAD, Buffer.alloc(8)]);
  head[4] = 0xc0;
  head.writeBigUInt64LE(BigInt(bytes), 6);
  return head;
}

function zstdBlock(type: "raw" | "repeat" | "compressed", size: number, content: Uint8Array, last: boolean): Uint8Array {
  const head = Buffer.alloc(3);
  head.writeUIntLE(size * 8 + { raw: 0, repeat: 2, compressed: 4 }[type] + (last ? 1 : 0), 0, 3);
  return Buffer.concat([head, content]);
}
