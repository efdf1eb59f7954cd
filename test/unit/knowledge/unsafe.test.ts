import { expect, test } from "vitest";
import { unsafeParts } from "../../../src/knowledge/unsafe.ts";
import { SAFE_TEXTS, UNSAFE_TEXTS } from "./pairs/unsafe-texts.ts";

const isFlagged = (content: string): boolean => unsafeParts({ type: "skill", content, appliesWhen: "handling parcels" }).length > 0;

test("unsafe demands are found, and warnings of them are left alone", () => {
  const missed = UNSAFE_TEXTS.filter((text) => !isFlagged(text));
  const wrong = SAFE_TEXTS.filter(isFlagged);
  const found = UNSAFE_TEXTS.length - missed.length;
  console.log(
    `unsafe: precision ${(found / (found + wrong.length)).toFixed(2)}, recall ${(found / UNSAFE_TEXTS.length).toFixed(2)}\n  missed: ${missed.join("\n  missed: ")}\n  wrong: ${wrong.join("\n  wrong: ")}`,
  );
  expect(found / (found + wrong.length)).toBeGreaterThanOrEqual(0.95);
  expect(found / UNSAFE_TEXTS.length).toBeGreaterThanOrEqual(0.9);
});

test("the condition is read as well as the instruction", () => {
  expect(unsafeParts({ type: "skill", content: "Weigh parcels.", appliesWhen: "see https://example.org" })).toMatchObject([
    { kind: "link" },
  ]);
});

test("lines of a template are no hidden characters", () => {
  const content = "SELECT 1\n\tFROM t";
  expect(unsafeParts({ type: "code_template", content, appliesWhen: "x" })).toEqual([]);
  expect(unsafeParts({ type: "skill", content, appliesWhen: "x" })).toMatchObject([{ kind: "invisible" }]);
});

test.each(["ignore ", "drop the ", "send ", "a.", "not ", "without "])("100,000 times %o is read in time", (part) => {
  expect(unsafeParts({ type: "skill", content: part.repeat(100_000), appliesWhen: "x" })).toEqual([]);
});
