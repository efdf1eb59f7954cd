import { expect, test } from "vitest";
import { credentialIn } from "../../../src/base/redact.ts";
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

const kindsIn = (content: string): readonly string[] =>
  unsafeParts({ type: "skill", content, appliesWhen: "handling parcels" }).map(({ kind }) => kind);

/** The audit had a list of its own, of six issuers; what redaction knows of fifty went past it into the prompt. */
test.each([
  `glpat-${"aB3x".repeat(5)}`,
  `AIza${"aB3d5".repeat(7)}`,
  `npm_${"aB3d".repeat(9)}`,
  `hvs.${"aB3d".repeat(8)}`,
  `dckr_pat_${"aB3d".repeat(7)}`,
  "postgres://app:hunter22@db:5432/shop",
  `Authorization: Bearer ${"aB3".repeat(9)}`,
  `AGE-SECRET-KEY-1${"A7".repeat(29)}`,
])("a credential that redaction knows is found by the audit: %s", (secret) => {
  expect(kindsIn(`Log in with ${secret} first.`)).toContain("credential");
});

/** Wider than what is taken out of texts: a person only looks. */
test.each([
  "akiaiosfodnn7example",
  `sk-${"a".repeat(16)}`,
  `ghp_${"a1".repeat(10)}`,
  "xoxb-1234567890",
  "-----begin rsa private key",
  "token: abcdef",
  "API-KEY = 'required'",
  "password:required",
  `eyJ${"a".repeat(10)}.${"b".repeat(10)}.`,
])("what only has the shape of a credential is found: %s", (secret) => {
  expect(kindsIn(`Log in with ${secret} first.`)).toContain("credential");
});

test.each(["the access token is missing or has expired", "the password is required", "max_tokens=4096", "card 4111 1111 1111 1111"])(
  "no credential: %s",
  (text) => expect(credentialIn(text)).toBeUndefined(),
);

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

test.each(["ignore ", "drop the ", "eyJ", "-----BEGIN ", "send ", "a.", "not ", "without "])("100,000 times %o is read in time", (part) => {
  expect(unsafeParts({ type: "skill", content: part.repeat(100_000), appliesWhen: "x" })).toEqual([]);
});

test.each(["sk-", "token: ", "password:", "eyJaaaaaaaaaaa.", "-----BEGIN PRIVATE KEY", "://a:"])("100,000 times %o is bounded", (part) => {
  const credentials = unsafeParts({ type: "skill", content: part.repeat(100_000), appliesWhen: "x" }).filter(
    ({ kind }) => kind === "credential",
  );
  expect(credentials.every((found) => found.part.length <= 25_000)).toBe(true);
});
