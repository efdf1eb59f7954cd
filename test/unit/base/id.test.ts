import { expect, test } from "vitest";
import { newSpanId, newTraceId } from "../../../src/base/id.ts";

test("no part of a random id is given out twice", () => {
  const ids = Array.from({ length: 5_000 }, (_, at) => (at % 3 === 0 ? newTraceId() : newSpanId()));
  for (const [at, id] of ids.entries()) expect(id).toMatch(at % 3 === 0 ? /^[0-9a-f]{32}$/ : /^[0-9a-f]{16}$/);
  // Of a trace id both halves are as long as a span id.
  const halves = ids.flatMap((id) => id.match(/.{16}/g) ?? []);
  expect(new Set(halves).size).toBe(halves.length);
});
