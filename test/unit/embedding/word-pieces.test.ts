import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readTable } from "../../../src/embedding/table.ts";
import { createWordPieces, wordsOf } from "../../../src/embedding/word-pieces.ts";

const piecesOf = (vocabulary: readonly string[]): ((text: string) => string) => {
  const pieces = createWordPieces(vocabulary);
  return (text) => {
    const found: string[] = [];
    pieces.forEach(text, (row) => found.push(vocabulary[row] as string));
    return found.join(" ");
  };
};

describe("word pieces", () => {
  // What the tokenizer of the teacher itself said: scripts/distill/oracle.py.
  test("are those of the teacher's own tokenizer, on thousands of texts in many scripts", () => {
    const { vocabulary } = readTable(readFileSync("assets/embedding/static-en.bin"), "the table");
    const read = piecesOf(vocabulary);
    const oracle = gunzipSync(readFileSync("test/fixtures/embedding/tokens.jsonl.gz")).toString("utf8").trim().split("\n");
    const different = oracle
      .map((line) => JSON.parse(line) as [text: string, pieces: string])
      .filter(([text, pieces]) => read(text) !== pieces)
      .map(([text, pieces]) => ({ text, pieces, read: read(text) }));
    expect(oracle.length).toBeGreaterThan(3000);
    expect(different.slice(0, 5)).toEqual([]);
  });

  test("are the longest from the left, continued with ##", () => {
    const read = piecesOf(["un", "##aff", "##able", "##a", "unaff", "able"]);
    expect(read("unaffable able")).toBe("unaff ##able able");
  });

  test("leave out a word that has a part in no piece, and nothing else", () => {
    const read = piecesOf(["time", "##zone", "out"]);
    expect(read("timezone timezx out")).toBe("time ##zone out");
  });

  test("leave out a word of more than a hundred characters, counted as characters", () => {
    const read = piecesOf(["a", "##a", "𝒜", "##𝒜"]);
    expect(read("a".repeat(100)).split(" ")).toHaveLength(100);
    expect(read("a".repeat(101))).toBe("");
    expect(read("𝒜".repeat(100)).split(" ")).toHaveLength(100);
  });

  test("take the names of special tokens in a text as text", () => {
    expect(wordsOf("[CLS] x [MASK]")).toEqual(["[", "cls", "]", "x", "[", "mask", "]"]);
  });
});
