import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LearnError } from "../../../src/base/error.ts";
import type { ImmediateEmbeddingModel } from "../../../src/embedding/embedding-model.ts";
import { createStaticModel, openStaticModel } from "../../../src/embedding/static-model.ts";

const TABLE_ID = "static-en-256-278ed9c292d3";
const VECTORS_SHA256 = "a99959ef1ba6e6983fe44783e8ab6ed206a77d4d35d4f03df4f74352d49fd549";
const TABLE = "assets/embedding/static-en.bin";
let model: ImmediateEmbeddingModel;
let folder: string;

beforeAll(async () => {
  model = await openStaticModel();
  folder = await mkdtemp(join(tmpdir(), "agentlearn-static-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const length = (vector: Float32Array): number => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
const cosine = (left: string, right: string): number => {
  const other = model.embedNow(right);
  return model.embedNow(left).reduce((sum, value, at) => sum + value * (other[at] as number), 0);
};

describe("the static model", () => {
  test("gives vectors of unit length and of its own dimensions", async () => {
    const vectors = await model.embed(["Where is my parcel?", "x", "SELECT name FROM users WHERE id = 4;"]);
    expect(vectors.map((vector) => vector.length)).toEqual([model.dimensions, model.dimensions, model.dimensions]);
    for (const vector of vectors) expect(length(vector)).toBeCloseTo(1, 6);
  });

  test("puts the same meaning in other words nearer than another subject", () => {
    const near = cosine("My package never turned up", "a customer says that a parcel did not arrive");
    expect(near).toBeGreaterThan(cosine("My package never turned up", "compound interest on a savings account") + 0.1);
  });

  test.each(["", "   ", "\n\t", "\0", "\u200b\u2060", "\ud800"])("gives the zero vector for %j, which holds nothing", (text) => {
    expect(model.embedNow(text).every((value) => value === 0)).toBe(true);
  });

  test("does not see case, accents, controls or how space is written", () => {
    const plain = model.embedNow("Refund the cafe order");
    for (const text of ["REFUND THE CAFÉ ORDER", "refund\u00a0the\tcafe\0 order", "refund the cafe\u0301 or\u200bder"]) {
      expect(model.embedNow(text)).toEqual(plain);
    }
  });

  test("gives the same for one text, for many and after other texts", async () => {
    const texts = Array.from({ length: 600 }, (_, index) => `task number ${index} about invoices`);
    const first = model.embedNow(texts[599] as string);
    const vectors = await model.embed(texts);
    expect(vectors[599]).toEqual(first);
    expect(vectors[0]).toEqual(model.embedNow(texts[0] as string));
  });

  // Checked on Node 20, 22 and 24: the bits of a stored vector must not depend on who made it.
  test("gives the same bits on every Node", () => {
    const hash = createHash("sha256");
    for (const line of readFileSync("test/fixtures/retrieval/rules-and-tasks.jsonl", "utf8").trim().split("\n")) {
      const { text, content } = JSON.parse(line) as { readonly text?: string; readonly content?: string };
      hash.update(model.embedNow(text ?? content ?? ""));
    }
    expect([model.id, hash.digest("hex")]).toEqual([TABLE_ID, VECTORS_SHA256]);
  });

  test("hands out vectors that the caller may change", () => {
    const before = model.embedNow("a note");
    model.embedNow("a note").fill(7);
    expect(model.embedNow("a note")).toEqual(before);
  });

  test("rejects cancelled once the signal is aborted", async () => {
    await expect(model.embed(["a"], AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
  });

  const hostile: readonly (readonly [string, string])[] = [
    ["lone surrogates", "refund \ud800 the \udfff order"],
    ["right to left and bidi marks", "\u202eهل يمكنني استرداد المال؟ refund\u202c"],
    ["a megabyte without a space", "a".repeat(1_000_000)],
    ["a megabyte of marks", "\u0301".repeat(500_000)],
    ["a megabyte of punctuation", "!?".repeat(500_000)],
    ["every plane", String.fromCodePoint(...Array.from({ length: 1000 }, (_, at) => (at * 1114) % 0xd800))],
    ["emoji with joiners", "👩‍👩‍👧‍👦🏳️‍🌈 family"],
  ];
  test.each(hostile)("takes %s and gives finite numbers", (_what, text) => {
    const vector = model.embedNow(text);
    expect(vector.every(Number.isFinite)).toBe(true);
    expect([0, 1].some((wanted) => Math.abs(length(vector) - wanted) < 1e-6)).toBe(true);
  });

  test("does not read what lies behind the bound, so that a long text costs no more", () => {
    const start = "refund the order ".repeat(600);
    expect(model.embedNow(`${start}${"volcano ".repeat(100_000)}`)).toEqual(model.embedNow(`${start}${"penguin ".repeat(9)}`));
  });

  test("is named after its table", async () => {
    const bytes = await readFile(TABLE);
    const hash = createHash("sha256").update(bytes.subarray(56)).digest("hex");
    expect(model.id).toBe(`static-en-256-${hash.slice(0, 12)}`);
  });
});

describe("a table that is not whole", () => {
  const damage: readonly (readonly [string, (bytes: Buffer) => Buffer, RegExp])[] = [
    ["is empty", () => Buffer.alloc(0), /is no embedding table/],
    ["is something else", () => Buffer.from("<html>404</html>".repeat(10)), /is no embedding table/],
    ["has the version of a later package", (bytes) => bytes.fill(9, 8, 9), /has version 9, this package reads version 1/],
    ["was cut", (bytes) => bytes.subarray(0, bytes.length - 1000), /bytes, its head says/],
    [
      "has one changed bit",
      (bytes) => bytes.fill((bytes[3_000_000] as number) ^ 1, 3_000_000, 3_000_001),
      /does not match its own checksum/,
    ],
    ["claims more rows than there are", (bytes) => bytes.fill(0xff, 12, 16), /bytes, its head says/],
  ];
  test.each(damage)("is refused when it %s", async (_what, change, message) => {
    const path = join(folder, "damaged.bin");
    await writeFile(path, change(Buffer.from(await readFile(TABLE))));
    const error = await openStaticModel(path).then(
      () => undefined,
      (caught: LearnError) => caught,
    );
    expect(error).toMatchObject({ code: "invalid", hint: "install the package again" });
    expect(error?.message).toMatch(message);
    expect(error?.message).toContain(path);
  });

  test("is refused when its vocabulary does not fit its rows", async () => {
    const bytes = Buffer.from(await readFile(TABLE));
    // A line break inside the last piece: right in bytes and, after the repair below, right in its checksum too.
    bytes[bytes.length - 1] = 10;
    createHash("sha256").update(bytes.subarray(56)).digest().copy(bytes, 24);
    expect(() => createStaticModel(bytes)).toThrow(/pieces for/);
  });

  test("is reported as not found when there is none", async () => {
    await expect(openStaticModel(join(folder, "none.bin"))).rejects.toMatchObject({ code: "not-found" });
  });

  test("opens from any folder, because it is bytes alone", async () => {
    await mkdir(join(folder, "with space"), { recursive: true });
    const path = join(folder, "with space", "ünïcode.bin");
    await copyFile(TABLE, path);
    expect((await openStaticModel(path)).id).toBe(model.id);
  });
});
