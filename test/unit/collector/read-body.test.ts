import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { createBufferBudget } from "../../../collector/buffer-budget.ts";
import { type ReadBodyOptions, readBody } from "../../../collector/read-body.ts";

const MIB = 1024 * 1024;
const bytes = Buffer.from(Array.from({ length: 1_000 }, (_, index) => index % 251));

function read(body: Buffer, chunkBytes: number, options: Partial<ReadBodyOptions> = {}) {
  const chunks = Array.from({ length: Math.ceil(body.length / chunkBytes) }, (_, n) => body.subarray(n * chunkBytes, (n + 1) * chunkBytes));
  return readBody(Readable.from(chunks), { maxBytes: 10_000, account: createBufferBudget(MIB).open(), ...options });
}

describe("a body is the bytes that came, in a buffer of its own,", () => {
  const announcements = [
    ["nothing is announced", 0],
    ["its size is announced", 995],
    ["more is announced than comes", 2_000],
    ["less is announced than comes", 100],
    ["more is announced than is believed", 64 * MIB],
  ] as const;

  test.each(announcements)("when %s", async (_, announced) => {
    for (const chunkBytes of [1, 3, 5, 7, 64, 1_000]) {
      const { head, body } = await read(bytes, chunkBytes, { headBytes: 5, announced: () => announced });
      expect(Buffer.from(head).equals(bytes.subarray(0, 5))).toBe(true);
      expect(Buffer.from(body).equals(bytes.subarray(5))).toBe(true);
      expect(body.buffer.byteLength).toBe(995);
    }
  });
});

test("the size is asked for with the whole head, however it came", async () => {
  const heads: string[] = [];
  const announced = (head: Uint8Array): number => heads.push(Buffer.from(head).toString("hex"));
  await read(bytes, 2, { headBytes: 5, announced });
  expect(heads).toEqual([bytes.subarray(0, 5).toString("hex")]);
});

test("what ends within its head has the head that came and no body", async () => {
  const { head, body } = await read(bytes.subarray(0, 3), 2, { headBytes: 5 });
  expect([head.length, body.length]).toEqual([3, 0]);
});

describe("the account of a body", () => {
  test("is its reader's when it came whole", async () => {
    const budget = createBufferBudget(1_500);
    const account = budget.open();
    await read(bytes, 100, { account });
    await new Promise((resolve) => setImmediate(resolve));
    expect(() => budget.open().take(501)).toThrow("already holds 1000 bytes");
    account.close();
    expect(() => budget.open().take(1_500)).not.toThrow();
  });

  test("is closed when it was refused", async () => {
    const budget = createBufferBudget(1_500);
    await expect(read(bytes, 100, { account: budget.open(), maxBytes: 500 })).rejects.toMatchObject({ code: "too-large" });
    const other = budget.open();
    other.take(1);
    expect(() => budget.open().take(1_499)).not.toThrow();
  });
});

describe("a budget", () => {
  test("takes a body above its bound when nothing else is held", () => {
    const account = createBufferBudget(100).open();
    account.take(80);
    expect(() => account.take(80)).not.toThrow();
  });

  test("refuses the same body while another is held", () => {
    const budget = createBufferBudget(100);
    budget.open().take(1);
    expect(() => budget.open().take(101)).toThrow("already holds 1 bytes");
  });
});

// At its highest rate the receiver held up to 64 MiB of chunks that had been copied and waited for the collector of garbage.
describe("chunks that own their buffer are given back", () => {
  const chunkBytes = 64 * 1024;
  const chunksOf = (count: number) => Array.from({ length: count }, (_, n) => new Uint8Array(chunkBytes).fill(n + 1));
  const readAll = (chunks: readonly Uint8Array[], options: Partial<ReadBodyOptions>) =>
    readBody(Readable.from(chunks), { maxBytes: MIB, account: createBufferBudget(MIB).open(), ownsChunks: true, ...options });
  const sizes = (chunks: readonly Uint8Array[]) => chunks.map((chunk) => chunk.byteLength);

  test.each([0, 3 * chunkBytes, 2 * chunkBytes])("once they are in the body, when %d bytes are announced", async (announced) => {
    const chunks = chunksOf(3);
    const { body } = await readAll(chunks, { announced: () => announced });
    expect([body.length, body[0], body[chunkBytes], body[2 * chunkBytes]]).toEqual([3 * chunkBytes, 1, 2, 3]);
    expect(sizes(chunks)).toEqual([0, 0, 0]);
  });

  test("when the body is of no use, and when it is refused", async () => {
    const useless = chunksOf(3);
    await readAll(useless, { watch: () => (chunk) => chunk[0] !== 2 });
    const large = chunksOf(4);
    await expect(readAll(large, { maxBytes: 2 * chunkBytes })).rejects.toMatchObject({ code: "too-large" });
    expect([sizes(useless), sizes(large)]).toEqual([
      [0, 0, 0],
      [0, 0, 0, 0],
    ]);
  });

  test("and those that others may share are not", async () => {
    const chunks = chunksOf(3);
    await readAll(chunks, { ownsChunks: false });
    expect(sizes(chunks)).toEqual([chunkBytes, chunkBytes, chunkBytes]);
  });
});
