import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clashBetween } from "../../../src/knowledge/conflict.ts";
import { HELD_OUT_PAIRS, type Pair, SEEN_PAIRS } from "./pairs/conflict-pairs.ts";
import { HELD_OUT_SUBJECT_PAIRS, SUBJECT_PAIRS } from "./pairs/subject-pairs.ts";

const found = ({ when, first, second }: Pair): string | undefined =>
  clashBetween({ content: first, appliesWhen: when[0] }, { content: second, appliesWhen: when[1] })?.kind;

interface Figures {
  readonly precision: number;
  readonly recall: number;
  readonly wrong: readonly string[];
}

function figuresOf(pairs: readonly Pair[], kind: Pair["kind"], said: "contradiction" | "duplicate"): Figures {
  const positives = pairs.filter((pair) => found(pair) === said);
  const right = positives.filter((pair) => pair.kind === kind).length;
  const wanted = pairs.filter((pair) => pair.kind === kind);
  const wrong = pairs.filter((pair) => (found(pair) === said) !== (pair.kind === kind));
  return {
    precision: right / positives.length,
    recall: right / wanted.length,
    wrong: wrong.map(({ kind: is, first, second }) => `${is}: ${first} | ${second}`),
  };
}

describe.each([
  ["pairs the rules were worked on with", SEEN_PAIRS, { precision: 0.95, recall: 0.95 }],
  ["pairs of one pattern", SUBJECT_PAIRS, { precision: 0.95, recall: 0.95 }],
  ["pairs that were put aside", HELD_OUT_PAIRS, { precision: 0.95, recall: 0.75 }],
  ["pairs of one pattern that were put aside", HELD_OUT_SUBJECT_PAIRS, { precision: 0.9, recall: 0.9 }],
] as const)("%s", (name, pairs, floor) => {
  test("contradictions are told from refinements, duplicates and unrelated rules", () => {
    const { precision, recall, wrong } = figuresOf(pairs, "contradicting", "contradiction");
    console.log(
      `contradictions, ${pairs.length} ${name}: precision ${precision.toFixed(2)}, recall ${recall.toFixed(2)}\n  ${wrong.join("\n  ")}`,
    );
    expect(precision).toBeGreaterThanOrEqual(floor.precision);
    expect(recall).toBeGreaterThanOrEqual(floor.recall);
  });

  test("the order of the two does not matter", () => {
    for (const pair of pairs) {
      const turned = { ...pair, first: pair.second, second: pair.first, when: [pair.when[1], pair.when[0]] as const };
      expect(found(turned), `${pair.first} | ${pair.second}`).toBe(found(pair));
    }
  });
});

test("duplicates are told from all others", () => {
  const { precision, recall, wrong } = figuresOf([...SEEN_PAIRS, ...HELD_OUT_PAIRS], "duplicate", "duplicate");
  console.log(`duplicates, all pairs: precision ${precision.toFixed(2)}, recall ${recall.toFixed(2)}\n  ${wrong.join("\n  ")}`);
  expect(precision).toBeGreaterThanOrEqual(0.9);
  expect(recall).toBeGreaterThanOrEqual(0.7);
});

const words = (content: string, scope: object = {}) => ({ content, appliesWhen: "sorting the shelf", ...scope });

describe("two contradicting rules", () => {
  test("do not clash when no run can be given both", () => {
    const [up, down] = ["Sort in ascending order.", "Sort in descending order."];
    expect(clashBetween(words(up), words(down))?.kind).toBe("contradiction");
    expect(clashBetween(words(up, { agentName: "a" }), words(down, { agentName: "b" }))).toBeUndefined();
    expect(clashBetween(words(up, { agentName: "a" }), words(down, { service: "s" }))?.kind).toBe("contradiction");
    expect(clashBetween(words(up, { tenant: "acme" }), words(down, { tenant: "beta" }))).toBeUndefined();
    expect(clashBetween(words(up, { tenant: "acme" }), words(down))?.kind).toBe("contradiction");
  });

  test("are shown with the words at which they part", () => {
    expect(clashBetween(words("Wait 60 seconds."), words("Wait 5 s."))).toMatchObject({
      rule: "constant",
      first: "60 seconds",
      second: "5 s",
    });
    expect(clashBetween(words("Sort in ascending order."), words("Sort in descending order."))).toMatchObject({
      rule: "opposite",
      first: "ascending",
      second: "descending",
    });
  });

  test("are judged alike whatever was read before, and by whoever asks again with the same texts", () => {
    const pairs = [...SEEN_PAIRS, ...SUBJECT_PAIRS, ...HELD_OUT_PAIRS];
    const before = pairs.map(found);
    // More than is remembered, so that the pairs are read anew.
    for (let index = 0; index < 1_100; index += 1) clashBetween(words(`Weigh ${index}.`), words(`Count ${index}.`));
    expect(pairs.map(found)).toEqual(before);
    const item = { ...words("Sort in ascending order.") };
    expect(clashBetween(item, words("Sort in descending order."))?.kind).toBe("contradiction");
    item.content = "Sort in descending order.";
    expect(clashBetween(item, words("Sort in descending order."))?.kind).toBe("duplicate");
  });

  // A number before the name of a member of every object was read as an amount of that unit, and the item could not be saved.
  test.each(["constructor", "toString", "__proto__", "hasOwnProperty"])("an amount of %o is read like one of anything else", (unit) => {
    const clash = clashBetween(words(`Ask for 5 ${unit} points.`), words(`Ask for 7 ${unit} points.`));
    expect(clash?.kind).toBe(clashBetween(words("Ask for 5 driver points."), words("Ask for 7 driver points."))?.kind);
  });

  test("any text is read without a fault", () => {
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...SEEN_PAIRS.map(({ first }) => first)));
    fc.assert(fc.property(text, text, (a, b) => void clashBetween(words(a), words(b))));
  });

  test.each([
    "not ",
    "never, ",
    "a_",
    "before ",
    "'",
    "1.",
    "in ",
    "leave ",
    "un",
    "YYYY-",
    "for a is ",
    "use a, not ",
    "a(",
    "rule 1 ",
    "-x ",
    "write ",
  ])("100,000 times %o is read in time", (part) => {
    const long = part.repeat(100_000);
    expect(clashBetween(words(long), words(`${long}!`))?.kind).not.toBe("contradiction");
  });
});
