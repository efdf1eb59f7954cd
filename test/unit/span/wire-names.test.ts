import fc from "fast-check";
import { expect, test } from "vitest";
import { createWireReader } from "../../../src/span/otlp/wire.ts";

/** A message of one short field number 1. */
const fieldOf = (bytes: Uint8Array): Buffer => Buffer.from([0x0a, bytes.length, ...bytes]);

function nameIn(bytes: Uint8Array): string {
  const reader = createWireReader(fieldOf(bytes));
  reader.next();
  return reader.name();
}

test("names that share their length and their end are told apart", () => {
  const names = ["gen_ai.request.model.of.it", "llm_ai.request.model.of.it", "gen_ai.request.model.of.it"];
  expect(names.map((name) => nameIn(Buffer.from(name)))).toEqual(names);
});

test("a name beyond ASCII is not taken for other bytes that came after it", () => {
  // The same characters as bytes of Latin-1 are no UTF-8. Of so many pairs some share the place where what was read is kept.
  for (let index = 0; index < 20_000; index += 1) {
    nameIn(Buffer.from(`${index}é`));
    expect(nameIn(Buffer.from(`${index}é`, "latin1"))).toBe(`${index}\ufffd`);
  }
});

test("a name is its bytes as UTF-8, whatever was read before", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.array(fc.constantFrom(0x61, 0x62, 0xc3, 0xa9, 0xff), { maxLength: 14 }).map((list) => Uint8Array.from(list)),
  );
  fc.assert(
    fc.property(fc.array(bytes, { minLength: 1, maxLength: 40 }), (list) => {
      expect(list.map(nameIn)).toEqual(list.map((one) => Buffer.from(one).toString("utf8")));
    }),
  );
});
