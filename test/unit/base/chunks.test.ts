import fc from "fast-check";
import { expect, test } from "vitest";
import { joinChunks, splitChunks } from "../../../src/base/chunks.ts";
import { isLearnError } from "../../../src/base/error.ts";

test("joined chunks come apart as they were", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (chunks) => {
      expect(splitChunks(joinChunks(chunks)).map((chunk) => [...chunk])).toEqual(chunks.map((chunk) => [...chunk]));
    }),
  );
});

test("any other bytes are chunks or 'invalid', never another error", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      try {
        expect([...joinChunks(splitChunks(bytes))]).toEqual([...bytes]);
      } catch (caught) {
        expect(isLearnError(caught) && caught.code).toBe("invalid");
      }
    }),
  );
});
