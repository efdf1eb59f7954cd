import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readFrames } from "../../../src/backfill/frames.ts";
import { readJsonDocument } from "../../../src/backfill/json-document.ts";
import { readJsonLines } from "../../../src/backfill/json-lines.ts";
import { MAX_PIECE_BYTES } from "../../../src/backfill/ports.ts";
import { bytesOf, framed, piecesOf, textOf } from "./files.ts";

describe("lines", () => {
  test("are the same however the bytes are cut into chunks", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: "binary", minLength: 1 })), fc.integer({ min: 1, max: 9 }), async (given, size) => {
        const lines = given.map((line) => line.replace(/[\n\r]/g, "x")).filter((line) => line.trim() !== "" && !line.startsWith("\ufeff"));
        const pieces = await piecesOf(readJsonLines, bytesOf(lines.join("\n")), size);
        expect(pieces.map(({ bytes }) => textOf(bytes))).toEqual(lines.map((line) => textOf(bytesOf(line))));
      }),
    );
  });

  test("are numbered as an editor numbers them, blank ones too", async () => {
    const pieces = await piecesOf(readJsonLines, bytesOf("a\n\n  \r\nb\r\n\nc"), 2);
    expect(pieces.map(({ number, bytes }) => `${number} ${textOf(bytes).trim()}`)).toEqual(["1 a", "4 b", "6 c"]);
  });

  test("can be read on from where any of them ends", async () => {
    const file = bytesOf("one\n\ntwo\nthree");
    const whole = await piecesOf(readJsonLines, file);
    for (const [index, { number, end }] of whole.entries()) {
      expect(await piecesOf(readJsonLines, file.subarray(end), 3, { number, end })).toEqual(whole.slice(index + 1));
    }
  });

  test("lose the byte order mark of the first", async () => {
    expect((await piecesOf(readJsonLines, bytesOf("\ufeff{}\n{}"))).map(({ bytes }) => textOf(bytes))).toEqual(["{}", "{}"]);
  });

  test("own their buffers, so that they can be moved to a thread alone", async () => {
    const pieces = await piecesOf(readJsonLines, bytesOf("one\ntwo"));
    expect(pieces.map(({ bytes }) => bytes.buffer.byteLength)).toEqual([3, 3]);
  });

  test("above the bound are a fault each, and the next one is read", async () => {
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield bytesOf("a\n");
      const part = new Uint8Array(8 * 1024 * 1024).fill(0x78);
      for (let size = 0; size <= MAX_PIECE_BYTES; size += part.length) yield part;
      yield bytesOf("\nb");
    }
    const pieces = [];
    for await (const piece of readJsonLines(chunks(), { number: 0, end: 0 })) pieces.push(piece);
    expect(pieces.map(({ number, fault }) => [number, fault?.code])).toEqual([
      [1, undefined],
      [2, "too-large"],
      [3, undefined],
    ]);
  });
});

describe("frames", () => {
  const messages = ["one", "", "three", "4"].map(bytesOf);

  test("are the same however the bytes are cut into chunks", async () => {
    const file = framed(...messages);
    for (let size = 1; size <= file.length; size += 1) {
      const pieces = await piecesOf(readFrames, file, size);
      expect(pieces.map(({ number, bytes }) => `${number} ${textOf(bytes)}`)).toEqual(["1 one", "3 three", "4 4"]);
    }
  });

  test("can be read on from where any of them ends", async () => {
    const file = framed(...messages);
    const whole = await piecesOf(readFrames, file);
    for (const [index, { number, end }] of whole.entries()) {
      expect(await piecesOf(readFrames, file.subarray(end), 2, { number, end })).toEqual(whole.slice(index + 1));
    }
  });

  test("say where the file ends inside one", async () => {
    const file = framed(...messages);
    for (let cut = file.length - 1; cut > file.length - 5; cut -= 1) {
      const last = (await piecesOf(readFrames, file.subarray(0, cut))).at(-1);
      expect(last).toMatchObject({ number: 4, last: true, fault: { code: "invalid", message: expect.stringContaining("byte 20") } });
    }
  });

  test("end at a length that no message has", async () => {
    const file = Buffer.concat([framed(bytesOf("one")), Buffer.from([0xff, 0, 0, 0]), Buffer.alloc(100)]);
    const pieces = await piecesOf(readFrames, file, 5);
    expect(pieces.map(({ last, fault }) => [last, fault?.code])).toEqual([
      [undefined, undefined],
      [true, "too-large"],
    ]);
  });
});

describe("a document", () => {
  test("is one piece, and nothing is left after it", async () => {
    const [piece, ...others] = await piecesOf(readJsonDocument, bytesOf('{\n "a": 1\n}'), 3);
    expect(textOf(piece?.bytes ?? new Uint8Array(0))).toBe('{\n "a": 1\n}');
    expect(others).toEqual([]);
    expect(await piecesOf(readJsonDocument, new Uint8Array(0), 1, { number: 1, end: 11 })).toEqual([]);
  });
});
