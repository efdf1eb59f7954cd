import fc from "fast-check";
import Database from "libsql";
import { describe, expect, test } from "vitest";
import { searchWords } from "../../../src/base/search-words.ts";
import { stem } from "../../../src/retrieval/stem.ts";
import { createWordIndex, type WordIndex } from "../../../src/retrieval/word-index.ts";
import { matchExpression } from "../../../src/store/match.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const everything = (): boolean => true;

/** The same texts in FTS5, made as the store makes its index. */
function anOracle() {
  const database = new Database(":memory:");
  database.exec("CREATE VIRTUAL TABLE fts USING fts5 (content, applies_when, tokenize = 'porter unicode61 remove_diacritics 2')");
  const insert = database.prepare("INSERT INTO fts (rowid, content, applies_when) VALUES (?, ?, ?)");
  const remove = database.prepare("DELETE FROM fts WHERE rowid = ?");
  const select = database.prepare("SELECT rowid AS slot, -bm25(fts) AS score FROM fts WHERE fts MATCH ? ORDER BY bm25(fts), rowid LIMIT ?");
  return {
    add: (slot: number, texts: readonly string[]) => void insert.run([slot, ...texts]),
    remove: (slot: number) => void remove.run([slot]),
    best(task: string, count: number): { slot: number; score: number }[] {
      const match = matchExpression(task);
      if (match === undefined) return [];
      return (select.all([match, count]) as { slot: number; score: number }[]).map(({ slot, score }) => ({ slot, score }));
    },
  };
}

const STEMS =
  "round cent invoice column query date parcel weigh retry token agent schema filter total driver race quota batch header limit".split(" ");
const ENDINGS = ["", "s", "ing", "ed", "ation", "er", "ful", "ness", "ly"];

function aText(random: () => number, words: number): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() ** 2 * list.length)] as T;
  return Array.from({ length: words }, () => (random() < 0.1 ? `x${Math.floor(random() * 400)}` : pick(STEMS) + pick(ENDINGS))).join(" ");
}

test("ranks as FTS5's bm25 does, also after changes and deletions", () => {
  const random = seededRandom(7);
  const [index, oracle] = [createWordIndex(), anOracle()];
  const texts = new Map<number, string[]>();
  const add = (slot: number): void => {
    const text = [aText(random, 5 + Math.floor(random() * 40)), aText(random, 2 + Math.floor(random() * 6))];
    texts.set(slot, text);
    index.add(slot, text);
    oracle.add(slot, text);
  };
  const remove = (slot: number): void => {
    index.remove(slot, texts.get(slot) ?? []);
    oracle.remove(slot);
    texts.delete(slot);
  };
  for (let slot = 1; slot <= 2_000; slot += 1) add(slot);
  for (let slot = 1; slot <= 2_000; slot += 3) remove(slot);
  for (let slot = 2_001; slot <= 2_300; slot += 1) add(slot);
  let [shared, all] = [0, 0];
  for (let round = 0; round < 300; round += 1) {
    const task = aText(random, 1 + Math.floor(random() * 12));
    const expected = oracle.best(task, 10);
    const found = index.best(searchWords(task), 10, (slot) => texts.has(slot));
    all += expected.length;
    shared += expected.filter(({ slot }) => found.some((match) => match.slot === slot)).length;
    expect(found[0]?.score ?? 0).toBeCloseTo(expected[0]?.score ?? 0, 5);
  }
  expect(all).toBeGreaterThan(1_000);
  expect(shared / all).toBeGreaterThanOrEqual(0.99);
});

// Words that many texts have are not read to their end where they can't change the best: the whole ranking is what it must agree with.
test("the best few are the first of the whole ranking, with all the words they match", () => {
  const random = seededRandom(3);
  const index = createWordIndex();
  const texts: string[][] = Array.from({ length: 3_000 }, () => [aText(random, 1 + Math.floor(random() * 40))]);
  for (const [slot, text] of texts.entries()) index.add(slot, text);
  for (let slot = 0; slot < 3_000; slot += 7) index.remove(slot, texts[slot] ?? []);
  for (let round = 0; round < 400; round += 1) {
    const asked = searchWords(aText(random, 1 + Math.floor(random() * 16)));
    const filter = (slot: number): boolean => slot % 7 !== 0 && slot % 3 !== round % 3;
    const whole = index.best(asked, 5_000, filter);
    for (const count of [1, 10, 50]) {
      const best = index.best(asked, count, filter);
      expect(best.map(({ slot, matched }) => [slot, matched])).toEqual(whole.slice(0, count).map(({ slot, matched }) => [slot, matched]));
    }
  }
});

test("stems as FTS5's porter does", () => {
  const database = new Database(":memory:");
  database.exec(
    "CREATE VIRTUAL TABLE t USING fts5 (x, tokenize = 'porter unicode61'); CREATE VIRTUAL TABLE v USING fts5vocab (t, 'instance')",
  );
  const letters = fc.constantFrom(..."aeiouybcdlstrng");
  const endings = fc.constantFrom(
    ..."ational tional enci izer logi bli ousli ization ator alism iveness aliti biliti icate ative ical ful ness ement ion ism ize eed ed ing s ies sses y e ll".split(
      " ",
    ),
  );
  const words = fc.sample(
    fc
      .tuple(fc.array(letters, { maxLength: 6 }), endings, fc.option(endings))
      .map(([start, end, last]) => start.join("") + end + (last ?? "")),
    { numRuns: 5_000, seed: 11 },
  );
  const insert = database.prepare("INSERT INTO t (rowid, x) VALUES (?, ?)");
  database.exec("BEGIN");
  for (const [index, word] of words.entries()) insert.run([index + 1, word]);
  database.exec("COMMIT");
  const rows = database.prepare("SELECT term, doc FROM v").all() as { term: string; doc: number }[];
  expect(rows).toHaveLength(words.length);
  expect(rows.flatMap(({ term, doc }) => (stem(words[doc - 1] ?? "") === term ? [] : [words[doc - 1]]))).toEqual([]);
});

describe("the index", () => {
  const of = (...texts: string[]): WordIndex => {
    const index = createWordIndex();
    for (const [slot, text] of texts.entries()) index.add(slot, [text]);
    return index;
  };
  const slots = (index: WordIndex, task: string): number[] => index.best(searchWords(task), 10, everything).map(({ slot }) => slot);

  test("finds other forms and spellings of a word", () => {
    expect(slots(of("Rounding to CENTS", "prix du café"), "round a cent")).toEqual([0]);
    expect(slots(of("Rounding to CENTS", "prix du café"), "CAFES")).toEqual([1]);
    expect(slots(of("計り 方", "Straße"), "straße")).toEqual([1]);
  });

  test("finds nothing for words it has not", () => {
    expect(slots(of("rounding to cents"), "weather tomorrow")).toEqual([]);
  });

  test("leaves out what the filter refuses, and fills its place", () => {
    const index = of("cent", "cent", "cent");
    expect(index.best(["cent"], 2, (slot) => slot !== 0).map(({ slot }) => slot)).toEqual([1, 2]);
  });

  test("says how many of the words matched", () => {
    expect(of("weigh a parcel").best(["weigh", "parcel", "moon"], 1, everything)).toMatchObject([{ slot: 0, matched: 2 }]);
  });
});
