import { expect, test } from "vitest";
import { freeBuffers, wholeBuffers } from "../../../src/base/free-buffers.ts";

test("buffers are given back without the collector of garbage", async () => {
  freeBuffers([new ArrayBuffer(1)]);
  // The first port must have closed.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const bodies = Array.from({ length: 8 }, () => ({ body: new Uint8Array(4 * 1024 * 1024) }));
  const before = process.memoryUsage().arrayBuffers;
  freeBuffers(wholeBuffers(bodies));
  expect(before - process.memoryUsage().arrayBuffers).toBeGreaterThan(31 * 1024 * 1024);
  expect(bodies.map(({ body }) => body.length)).toEqual(bodies.map(() => 0));
});

test("only buffers that a body owns whole are given away, and each once", () => {
  const shared = new ArrayBuffer(10);
  const own = new Uint8Array(5);
  expect(wholeBuffers([{ body: new Uint8Array(shared, 0, 5) }, { body: own }, { body: own }, { body: new Uint8Array(0) }])).toEqual([
    own.buffer,
  ]);
});
