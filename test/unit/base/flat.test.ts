import { deserialize, serialize } from "node:v8";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isLearnError } from "../../../src/base/error.ts";
import { flatten, unflatten } from "../../../src/base/flat.ts";

const codeOf = (list: readonly unknown[]): unknown => {
  try {
    unflatten(list);
    return "none";
  } catch (caught) {
    return isLearnError(caught) ? caught.code : caught;
  }
};

test("a flat tree comes back as it was, also through V8's serialiser", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (tree) => {
      expect(unflatten(deserialize(serialize(flatten(tree))) as unknown[])).toEqual(tree);
    }),
  );
});

test("no object of the tree is in the list, but those under the key that stay whole", () => {
  const resource = { a: { b: 1 } };
  const list = flatten([{ x: { y: [1] }, resource }, { resource }], "resource");
  expect(list.filter((item) => typeof item === "object")).toEqual([resource, resource]);
  const [first, second] = unflatten(list) as readonly { readonly resource: unknown }[];
  expect([first, second?.resource === first?.resource]).toEqual([{ x: { y: [1] }, resource }, true]);
});

test("a field without a value is left out, and a field named __proto__ stays data", () => {
  const tree = JSON.parse('{"__proto__":{"a":1}}') as object;
  expect(Object.keys(unflatten(flatten({ a: undefined, b: 1 })) as object)).toEqual(["b"]);
  expect(Object.keys(unflatten(flatten(tree)) as object)).toEqual(["__proto__"]);
});

test("any other list is a tree or 'invalid', never another error", () => {
  const item = fc.oneof(fc.constant(undefined), fc.integer({ min: -4, max: 4 }), fc.string(), fc.double(), fc.anything());
  fc.assert(
    fc.property(fc.array(item), (list) => {
      expect(["none", "invalid"]).toContain(codeOf(list));
    }),
    { numRuns: 2_000 },
  );
  expect(codeOf(Array.from({ length: 100_000 }, (_, index) => (index % 2 === 0 ? undefined : -2)))).toBe("invalid");
  expect(codeOf([undefined, -(2 ** 32)])).toBe("invalid");
});
