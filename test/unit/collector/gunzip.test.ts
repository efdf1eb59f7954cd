import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { createGunzip } from "../../../collector/otlp/gunzip.ts";

const limits = { maxDecodedBytes: 1_000, maxConcurrentInflates: 2 };

test("serves everyone who had to wait, also after failures", async () => {
  const gunzip = createGunzip(limits);
  const bodies = Array.from({ length: 12 }, (_unused, index) => (index % 3 === 0 ? Buffer.from("no gzip") : gzipSync(`body ${index}`)));
  const results = await Promise.allSettled(bodies.map((body) => gunzip(body)));
  const texts = results.map((result) => (result.status === "fulfilled" ? Buffer.from(result.value).toString() : result.reason.code));
  expect(texts).toEqual(bodies.map((_unused, index) => (index % 3 === 0 ? "invalid" : `body ${index}`)));
});

test("lets output of exactly the limit pass and refuses one byte more", async () => {
  const gunzip = createGunzip(limits);
  expect(await gunzip(gzipSync(Buffer.alloc(1_000)))).toHaveLength(1_000);
  await expect(gunzip(gzipSync(Buffer.alloc(1_001)))).rejects.toMatchObject({ code: "too-large" });
});

test("counts the members of one body together", async () => {
  const half = gzipSync(Buffer.alloc(600));
  await expect(createGunzip(limits)(Buffer.concat([half, half]))).rejects.toMatchObject({ code: "too-large" });
});
