import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { plainBytes } from "../../../src/backfill/plain-bytes.ts";
import { unzstdMessage } from "../../../src/backfill/zstd.ts";
import { all, bytesOf, chunksOf, zstdOf } from "./files.ts";

const TEXT = Array.from({ length: 20_000 }, (_, index) => `line ${index % 7}`).join("\n");
/** `for i in 0..19: "line %d of a text that is long enough to be worth it\n"` by the zstd command, with checksum. */
const REAL_ZSTD =
  "KLUv/QRoFQMAcgQPEpDPAQALAK637e4INtgeMfl2HSqhYwoZQqiEjilkCNDxsCvFb+y0D9+ls/1NKm/je8F+59Zfd/ThbUYZFKgQ+Pr/GcAzzQEQGuH//x3BBycpSS6YiAECAgjAJ+iCLQMhml66";

async function read(file: Uint8Array, size = 1000): Promise<{ text: string; compression: string; head: string }> {
  const { compression, head, chunks } = await plainBytes(chunksOf(file, size));
  return { compression, head: Buffer.from(head).toString(), text: Buffer.concat(await all(chunks)).toString() };
}

const kinds = [
  { kind: "none", compress: (bytes: Uint8Array) => bytes },
  { kind: "gzip", compress: (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes)) },
  { kind: "zstd", compress: zstdOf },
] as const;

describe.each(kinds)("$kind", ({ kind, compress }) => {
  test("is recognised by its bytes and read whole, with its beginning as the head", async () => {
    const { compression, text, head } = await read(compress(bytesOf(TEXT)));
    expect(compression).toBe(kind);
    expect(text === TEXT).toBe(true);
    expect(head.length).toBe(64 * 1024);
    expect(TEXT.startsWith(head)).toBe(true);
  });

  test("may be several one after the other, as a restarted or rotating writer leaves them", async () => {
    const parts = ["one\n", "two\n", "three\n"].map((part) => compress(bytesOf(part)));
    for (const size of [1, 7, 10_000]) expect((await read(Buffer.concat(parts), size)).text).toBe("one\ntwo\nthree\n");
  });

  test.skipIf(kind === "none")("that is cut off gives what came before, then says so", async () => {
    const whole = Buffer.concat([compress(bytesOf(TEXT)), compress(bytesOf("more"))]);
    const { chunks } = await plainBytes(chunksOf(whole.subarray(0, whole.length - 3), 1000));
    let text = "";
    const reading = (async () => {
      for await (const chunk of chunks) text += Buffer.from(chunk).toString();
    })();
    await expect(reading).rejects.toMatchObject({ code: "invalid", message: expect.stringContaining("cut off") });
    expect(text.startsWith(TEXT)).toBe(true);
  });
});

test("zstd as its own command writes it is read", async () => {
  const { text } = await read(new Uint8Array(Buffer.from(REAL_ZSTD, "base64")), 5);
  expect(text).toBe(Array.from({ length: 20 }, (_, index) => `line ${index} of a text that is long enough to be worth it\n`).join(""));
});

test("a thousand small zstd frames in one chunk do not exhaust the stack", async () => {
  const frames = Array.from({ length: 20_000 }, () => zstdOf(bytesOf("x\n")));
  const { text } = await read(Buffer.concat(frames), 1024 * 1024);
  expect(text.length).toBe(40_000);
});

test("a zstd message above the bound is refused", () => {
  expect(() => unzstdMessage(zstdOf(new Uint8Array(5000)), 4999)).toThrow("more than 4999 bytes");
  expect(unzstdMessage(zstdOf(new Uint8Array(5000)), 5000).length).toBe(5000);
});

test("a zstd header that asks for a window of 2 GiB is refused before it is allocated", () => {
  const bomb = Buffer.alloc(64);
  bomb.writeUInt32LE(0xfd2fb528, 0);
  bomb.writeUInt8(0, 4);
  bomb.writeUInt8((31 - 10) << 3, 5);
  expect(() => unzstdMessage(bomb, 1000)).toThrow("needs a window");
});
