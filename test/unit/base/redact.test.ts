import { describe, expect, test } from "vitest";
import { redact, redacted } from "../../../src/base/redact.ts";

const KEY = `sk-proj-${"aB3".repeat(12)}`;

describe("redact", () => {
  test.each([
    ["an API key", `use ${KEY} here`, "use [redacted: API key] here"],
    [
      "the password of a URL, not the host",
      "postgres://app:hunter22@db:5432/shop",
      "postgres://[redacted: credentials in a URL]@db:5432/shop",
    ],
    ["the value of a named secret", '{"client_secret": "a1b2c3d4e5"}', '{"client_secret": "[redacted: secret]"}'],
    ["JSON inside JSON", '{\\"password\\":\\"hunter22\\"}', '{\\"password\\":\\"[redacted: password]\\"}'],
    ["a private key with its body", "-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY----- end", "[redacted: private key] end"],
    ["a private key that was cut off", "-----BEGIN PRIVATE KEY-----\nMIIabc", "[redacted: private key]"],
    ["a bearer token", `Authorization: Bearer ${"aB3".repeat(9)}`, "Authorization: Bearer [redacted: bearer token]"],
    ["an e-mail address", "ask ann.lee@example.org now", "ask [redacted: e-mail] now"],
    ["a card number with its check digit", "card 4111 1111 1111 1111.", "card [redacted: card number]."],
    ["an IBAN with its check digits", "to DE89 3704 0044 0532 0130 00 today", "to [redacted: IBAN] today"],
    ["a phone number", "call +49 30 1234 5678", "call [redacted: phone number]"],
  ])("takes out %s", (_what, text, clean) => expect(redacted(text)).toBe(clean));

  test.each([
    "the access token is missing or has expired",
    "password: required, at least 12 characters",
    "card 4111 1111 1111 1112",
    "trace 0123456789abcdef0123456789abcdef",
    "2026-11-23T04:46:25Z 10.1.2.3 version 1.2.3",
    "const token = await getToken(name)",
    "max_tokens=4096",
  ])("leaves alone: %s", (text) => expect(redact(text)).toEqual({ text, kinds: [] }));

  test("the same value gets the same words, another value of that kind others", () => {
    expect(redacted("a@b.org wrote to c@d.org and a@b.org")).toBe(
      "[redacted: e-mail] wrote to [redacted: e-mail 2] and [redacted: e-mail]",
    );
  });

  test("a second time changes nothing more", () => {
    const once = redacted(`password=hunter22 token: ${KEY} Bearer ${KEY} postgres://a:b1c2d3@h/x`);
    expect(redacted(once)).toBe(once);
  });

  // CPU time and generous: what is quadratic takes minutes here.
  test.each([
    "a",
    "a.",
    "1 ",
    "1-",
    "+1 ",
    "eyJ",
    "password=",
    "-----BEGIN PRIVATE KEY-----",
    "x@",
    "a@a.",
    "DE12",
    "://a:",
    "Bearer ",
    "phone 0",
  ])("100,000 characters of %o are read in time", (part) => {
    const text = part.repeat(Math.ceil(100_000 / part.length));
    const began = process.cpuUsage();
    redacted(text);
    expect(process.cpuUsage(began).user / 1e6).toBeLessThan(5);
  });
});
