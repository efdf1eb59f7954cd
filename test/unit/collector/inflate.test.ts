import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createInflater } from "../../../collector/otlp/inflate.ts";
import { isLearnError, LearnError } from "../../../src/base/error.ts";
import { type BodyEncoding, inflateBody } from "../../../src/span/otlp/inflate.ts";
import { hasNativeZstd } from "../../../src/span/otlp/zlib-format.ts";
import { compress, ENCODINGS, fixtureText, zstdBomb, zstdFixture, zstdFrame, zstdTimeBomb } from "../../support/compressed.ts";

const MIB = 1024 * 1024;
const limits = { maxDecodedBytes: 1_000, maxConcurrentInflates: 2, inflateTimeoutMs: 5_000 };
const large = { ...limits, maxDecodedBytes: 64 * MIB };
const compressed = ENCODINGS.filter((encoding) => encoding !== "identity");
type Inflate = (body: Uint8Array, encoding: BodyEncoding, maxBytes: number) => Promise<Uint8Array>;

/** One inflater for each limit, so that its thread starts once. */
function inflaterOf(options: { readonly nativeZstd?: boolean }): Inflate {
  const made = new Map<number, ReturnType<typeof createInflater>>();
  return (body, encoding, maxDecodedBytes) => {
    const inflate = made.get(maxDecodedBytes) ?? createInflater({ ...limits, maxDecodedBytes }, options);
    made.set(maxDecodedBytes, inflate);
    return gathered(inflate, body, encoding, maxDecodedBytes);
  };
}

/** As the receiver does it: who takes the output says how much is too much. */
async function gathered(
  inflate: ReturnType<typeof createInflater>,
  body: Uint8Array,
  encoding: BodyEncoding,
  maxBytes: number,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let total = 0;
  await inflate(body, encoding as Exclude<BodyEncoding, "identity">, (chunk) => {
    total += chunk.length;
    if (total > maxBytes) throw new LearnError("too-large", "enough");
    parts.push(Buffer.from(chunk));
  });
  return Buffer.concat(parts);
}

/** The receiver inflates while it answers, the writer thread again when it maps: what one takes the other must take too. */
const WAYS: readonly (readonly [string, Inflate])[] = [
  ["the receiver", inflaterOf({})],
  ["the receiver without native zstd", inflaterOf({ nativeZstd: false })],
  ["the writer", async (body, encoding, maxBytes) => inflateBody(body, encoding, maxBytes)],
];

describe.each(WAYS)("%s", (_name, inflate) => {
  test.each([...compressed, "raw deflate" as const])("lets %s of exactly the limit pass and refuses one byte more", async (kind) => {
    const encoding = kind === "raw deflate" ? "deflate" : kind;
    expect(await inflate(compress(Buffer.alloc(1_000), kind), encoding, 1_000)).toHaveLength(1_000);
    await expect(inflate(compress(Buffer.alloc(1_001), kind), encoding, 1_000)).rejects.toMatchObject({ code: "too-large" });
  });

  test.each(["gzip", "zstd"] as const)("reads several pieces of %s as one body and counts them together", async (encoding) => {
    const half = compress(Buffer.alloc(600, 1), encoding);
    const both = Buffer.concat([half, half]);
    expect(Buffer.from(await inflate(both, encoding, 1_200))).toEqual(Buffer.alloc(1_200, 1));
    await expect(inflate(both, encoding, 1_199)).rejects.toMatchObject({ code: "too-large" });
  });

  test.each(["whole", "streamed", "two-frames"] as const)("reads what a real encoder of zstd makes: %s", async (name) => {
    expect(Buffer.from(await inflate(zstdFixture(name), "zstd", MIB)).toString()).toBe(fixtureText());
  });

  test.each(compressed)("refuses %s that is cut off anywhere", async (encoding) => {
    const whole = encoding === "zstd" ? zstdFixture("two-frames") : compress(Buffer.from(fixtureText()), encoding);
    for (const share of [0.01, 0.3, 0.9, 0.999]) {
      const cut = whole.subarray(0, Math.floor(whole.length * share));
      await expect(inflate(cut, encoding, MIB)).rejects.toMatchObject({ code: "invalid" });
    }
  });

  test.each(compressed)("refuses as invalid what is not %s", async (encoding) => {
    for (const body of [Buffer.from("plain text"), Buffer.alloc(0), Buffer.alloc(40, 0xff)]) {
      await expect(inflate(body, encoding, 1_000)).rejects.toMatchObject({ code: "invalid" });
    }
  });

  test.each([true, false])("refuses 1 GiB of zeros in zstd before it inflates them (content size told: %s)", async (contentSize) => {
    const bomb = zstdBomb(1024 * MIB, { contentSize });
    const started = performance.now();
    await expect(inflate(bomb, "zstd", 64 * MIB)).rejects.toMatchObject({ code: "too-large" });
    expect(performance.now() - started).toBeLessThan(500);
  });

  test("refuses zstd that asks for a huge window, a dictionary, or thousands of frames", async () => {
    const body = Buffer.from(zstdFrame(Buffer.from("hello"), { contentSize: false }));
    const window = Buffer.from(body);
    window[5] = 16 << 3;
    const dictionary = Buffer.concat([body.subarray(0, 4), Buffer.from([1, 10 << 3, 7]), body.subarray(6)]);
    const frames = Buffer.concat(Array.from({ length: 1_025 }, () => body));
    for (const bad of [window, dictionary, frames]) await expect(inflate(bad, "zstd", MIB)).rejects.toMatchObject({ code: "invalid" });
  });

  test.each(compressed)("answers damaged %s with a refusal or some bytes, and nothing else", async (encoding) => {
    const whole = encoding === "zstd" ? zstdFixture("streamed") : compress(Buffer.from(fixtureText()), encoding);
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const body = Uint8Array.from(whole);
        for (const [at, value] of changes) body[at] = value;
        const result = await inflate(body, encoding, MIB).catch((caught: unknown) => caught);
        if (result instanceof Uint8Array) expect(result.length).toBeLessThanOrEqual(MIB);
        else expect(isLearnError(result) && ["invalid", "too-large"].includes(result.code)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

test("serves everyone who had to wait, also after failures", async () => {
  const inflate = createInflater(limits);
  const bodies = Array.from({ length: 12 }, (_unused, index) => (index % 3 === 0 ? Buffer.from("no gzip") : gzipSync(`body ${index}`)));
  const results = await Promise.allSettled(bodies.map((body) => gathered(inflate, body, "gzip", MIB)));
  const texts = results.map((result) => (result.status === "fulfilled" ? Buffer.from(result.value).toString() : result.reason.code));
  expect(texts).toEqual(bodies.map((_unused, index) => (index % 3 === 0 ? "invalid" : `body ${index}`)));
});

test("leaves the compressed body as it was, since that is what is stored", async () => {
  for (const encoding of compressed) {
    const body = Uint8Array.from(compress(Buffer.from("hello"), encoding));
    const before = Uint8Array.from(body);
    await gathered(createInflater(limits, { nativeZstd: false }), body, encoding, MIB);
    expect(body).toEqual(before);
  }
});

// Where Node has zstd, its decoder refuses the second sequence.
describe.skipIf(hasNativeZstd)("zstd in JavaScript", () => {
  test("is cut off at the deadline, does not hold this thread, and serves the next body", async () => {
    const inflate = createInflater({ ...large, inflateTimeoutMs: 2_000 });
    await gathered(inflate, zstdFixture("whole"), "zstd", MIB);
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 20);
    const bomb = gathered(inflate, zstdTimeBomb(), "zstd", 64 * MIB);
    const next = gathered(inflate, zstdFixture("streamed"), "zstd", MIB);
    const aside = gathered(inflate, gzipSync("aside"), "gzip", MIB);
    expect(Buffer.from(await aside).toString()).toBe("aside");
    await expect(bomb).rejects.toMatchObject({ code: "too-large", message: expect.stringContaining("2000 ms") });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(5);
    expect((await next).length).toBe(fixtureText().length);
  });
});

test("what was read is given back at once, not when the collector of garbage comes", async () => {
  const inflate = createInflater(large);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  await inflate(gzipSync(Buffer.alloc(4 * MIB + 1)), "gzip", (chunk) => {
    bytes += chunk.length;
    chunks.push(chunk);
  });
  // The last one fills no buffer, so zlib may still use it.
  expect([bytes, chunks.reduce((kept, chunk) => kept + chunk.length, 0)]).toEqual([4 * MIB + 1, 1]);
});
