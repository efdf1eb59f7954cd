import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { serialize } from "node:v8";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LearnError } from "../../../src/base/error.ts";
import { decodeBody } from "../../../src/span/otlp/decode-body.ts";
import { batchOfBody, bodyOfBatch, joinBodies } from "../../../src/store/batch-body.ts";
import { createBatchBuffer } from "../../../src/store/batch-buffer.ts";
import { createFrameReader, encodeFrame } from "../../../src/store/frames.ts";
import { createGroupCommit } from "../../../src/store/group-commit.ts";
import { matchExpression } from "../../../src/store/match.ts";
import { mergeSpans } from "../../../src/store/merge-span.ts";
import type { RawBody } from "../../../src/store/ports.ts";
import { startPump } from "../../../src/store/pump.ts";
import { dispatch } from "../../../src/store/rpc.ts";
import { spoolFolder, takeInSpool, writeSpool } from "../../../src/store/spool.ts";
import { parseStoreUrl } from "../../../src/store/url.ts";
import { aBody, aLog, aSpan } from "../../contract/store/factories.ts";
import { temporaryFolder } from "./temporary.ts";

const inFolder = temporaryFolder();

describe("a store url", () => {
  test.each([
    ["file:./x.db", `${process.cwd()}/x.db`],
    ["file:x%20y.db", `${process.cwd()}/x y.db`],
    ["file:/var/x.db", "/var/x.db"],
    ["file:///var/x.db", "/var/x.db"],
    ["./data/x.db", `${process.cwd()}/data/x.db`],
    ["/var/100%.db", "/var/100%.db"],
  ])("%s is the file %s", (url, path) => {
    expect(parseStoreUrl(url)).toEqual({ kind: "file", path });
  });

  test.each(["http://127.0.0.1:8080", "https://x.example", "ws://x", "wss://x", "libsql://x.example?authToken=t"])(
    "%s is a server",
    (url) => {
      expect(parseStoreUrl(url)).toEqual({ kind: "remote", url });
    },
  );

  test.each([
    "",
    "  ",
    "postgres://x/y",
    ":memory:",
    "file:",
    "file:./folder/",
    "file:x.db?mode=ro",
    "file:%zz",
    "http://",
    "ftp:x",
    "a\0b",
  ])("%j is refused with examples", (url) => {
    expect(() => parseStoreUrl(url)).toThrow(
      expect.objectContaining({ code: "invalid", hint: expect.stringContaining("file:./agentlearn.db") }),
    );
  });
});

describe("a match expression", () => {
  test("quotes every word and ORs them, without stop words", () => {
    expect(matchExpression('What is the "NEAR" interest-rate*?')).toBe('"near" OR "interest" OR "rate"');
  });

  test("takes at most 32 words, each once", () => {
    const words = Array.from({ length: 100 }, (_, index) => `word${index} word0`).join(" ");
    expect(matchExpression(words)?.split(" OR ")).toHaveLength(32);
  });

  test("is undefined without words; stop words count only where asked for", () => {
    expect(matchExpression("?! \0")).toBeUndefined();
    expect(matchExpression("the who")).toBeUndefined();
    expect(matchExpression("the who", { keepStopWords: true })).toBe('"the" OR "who"');
  });
});

test("merging copies of a span gives the same in any order", () => {
  const attributes = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.integer({ min: 0, max: 3 }));
  const copies = fc.array(
    fc.record({ attributes, endTimeUs: fc.constantFrom(5, 6, 7), code: fc.constantFrom(0, 1, 2) as fc.Arbitrary<0 | 1 | 2> }),
    { minLength: 2, maxLength: 2 },
  );
  fc.assert(
    fc.property(copies, (pair) => {
      const base = aSpan({ traceId: "t", spanId: "s" });
      const [left, right] = pair.map(({ code, ...rest }) => ({ ...base, ...rest, status: { code } })) as [typeof base, typeof base];
      expect(mergeSpans(left, right)).toEqual(mergeSpans(right, left));
      expect(mergeSpans(left, left)).toEqual(left);
    }),
  );
});

test("frames come out whole however the bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), fc.integer({ min: 1, max: 40 }), (messages, size) => {
      const received: unknown[] = [];
      const read = createFrameReader((message) => received.push(message));
      const bytes = Buffer.concat(messages.map(encodeFrame));
      for (let at = 0; at < bytes.length; at += size) read(bytes.subarray(at, at + size));
      expect(received).toStrictEqual(messages);
    }),
  );
});

describe("group commit", () => {
  test("puts what was queued before it wakes into one append, up to 64 bodies", async () => {
    const groups: number[] = [];
    const append = createGroupCommit(async (bodies) => void groups.push(bodies.length));
    await Promise.all(Array.from({ length: 70 }, () => append([aBody()])));
    expect(groups).toEqual([64, 6]);
  });

  test("answers nobody before the append is done", async () => {
    let done = false;
    const append = createGroupCommit(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      done = true;
    });
    await append([aBody()]);
    expect(done).toBe(true);
  });

  test("one bad body fails alone; a passing fault fails the whole group", async () => {
    const bad = aBody();
    const refusing = createGroupCommit(async (bodies) => {
      if (bodies.includes(bad)) throw new LearnError("invalid", "bad");
    });
    const mixed = await Promise.allSettled([refusing([aBody()]), refusing([bad]), refusing([aBody()])]);
    expect(mixed.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    let calls = 0;
    const full = createGroupCommit(async () => {
      calls += 1;
      throw new LearnError("unavailable", "disk full");
    });
    const all = await Promise.allSettled([full([aBody()]), full([aBody()])]);
    expect([all.map((result) => result.status), calls]).toEqual([["rejected", "rejected"], 1]);
  });
});

test("bodies of batches that are joined hold what each held, for whoever maps them and for whoever sends them on", () => {
  const [first, second, third] = [
    { spans: [aSpan(), aSpan({ attributes: { "gen_ai.system": "ü😀" } })], logs: [] },
    { spans: [], logs: [aLog()] },
    { spans: [aSpan()], logs: [aLog()] },
  ];
  const joined = joinBodies([bodyOfBatch(second, 1), bodyOfBatch(first, 2), bodyOfBatch(third, 3)]);
  const whole = { spans: [...first.spans, ...third.spans], logs: [...second.logs, ...third.logs] };
  expect(batchOfBody(joined)).toEqual(whole);
  expect(decodeBody(joined).batch.spans.map((span) => span.spanId)).toEqual(whole.spans.map((span) => span.spanId));
  expect(joined.signal).toBe("traces");
  expect([...joined.traceIds].sort()).toEqual([...whole.spans, ...whole.logs].map((entry) => entry.traceId).sort());
  const alone = bodyOfBatch(first, 1);
  expect(joinBodies([alone])).toBe(alone);
});

describe("the batch buffer", () => {
  const entry = (spans: number) => ({ body: bodyOfBatch({ spans: Array.from({ length: spans }, () => aSpan()), logs: [] }, 1), spans });
  const bufferOver = (write: (spans: number) => Promise<void>) => {
    const settled: [number, boolean][] = [];
    const buffer = createBatchBuffer({
      write: (body) => write(decodeBody(body).batch.spans.length),
      delayMs: () => 60_000,
      settled: (spans, _bytes, failed) => void settled.push([spans, failed]),
      report: () => undefined,
    });
    return { buffer, settled };
  };

  test("writes at 512 spans without waiting, and the rest on flush", async () => {
    const writes: number[] = [];
    const { buffer, settled } = bufferOver(async (spans) => void writes.push(spans));
    for (let n = 0; n < 9; n++) buffer.submit(entry(64));
    await buffer.flush();
    expect(writes).toEqual([512, 64]);
    expect(settled).toEqual([
      [512, false],
      [64, false],
    ]);
  });

  test("writes what comes during a write together, and settles it all by the flush", async () => {
    const writes: number[] = [];
    const { buffer, settled } = bufferOver(async (spans) => {
      writes.push(spans);
      if (writes.length === 1) for (let n = 0; n < 3; n++) buffer.submit(entry(2));
      await new Promise((resolve) => setTimeout(resolve, 5));
    });
    buffer.submit(entry(1));
    await buffer.flush();
    expect(writes).toEqual([1]);
    await buffer.flush();
    expect(writes).toEqual([1, 6]);
    expect(settled).toEqual([
      [1, false],
      [6, false],
    ]);
  });

  test("keeps a batch through a passing fault and gives up on one that will not pass", async () => {
    let failures = 1;
    const { buffer, settled } = bufferOver(async (spans) => {
      if (spans === 2) throw new LearnError("invalid", "never");
      if (failures-- > 0) throw new LearnError("unavailable", "disk full");
    });
    buffer.submit(entry(1));
    await buffer.flush();
    buffer.submit(entry(2));
    await buffer.flush();
    expect(settled).toEqual([
      [1, false],
      [2, true],
    ]);
  });
});

describe("the spool", () => {
  const body = (atUs: number): RawBody => bodyOfBatch({ spans: [aSpan()], logs: [] }, atUs);

  test("gives back what was left in it, oldest first, and is empty afterwards", async () => {
    const path = inFolder("a.db");
    const [late, early] = [body(20), body(10)];
    await writeSpool(path, late);
    await writeSpool(path, early);
    const taken: RawBody[] = [];
    expect(await takeInSpool(path, async (bodies) => void taken.push(...bodies), expect.fail)).toBe(2);
    expect(taken.map((entry) => [entry.receivedAtUs, entry.traceIds])).toEqual(
      [early, late].map((entry) => [entry.receivedAtUs, entry.traceIds]),
    );
    expect(readdirSync(spoolFolder(path))).toEqual([]);
  });

  test("keeps a file whose append failed", async () => {
    const path = inFolder("b.db");
    await writeSpool(path, body(1));
    const full = () => Promise.reject(new LearnError("unavailable", "disk full"));
    await expect(takeInSpool(path, full, expect.fail)).rejects.toMatchObject({ code: "unavailable" });
    expect(readdirSync(spoolFolder(path))).toHaveLength(1);
  });

  test("sets a damaged file aside with a report and takes in the others; a half-written one is not looked at", async () => {
    const path = inFolder("c.db");
    mkdirSync(spoolFolder(path));
    writeFileSync(`${spoolFolder(path)}/0-cut.batch`, serialize(body(1)).subarray(0, 20));
    writeFileSync(`${spoolFolder(path)}/0-other.batch`, serialize({ format: "otlp-json" }));
    writeFileSync(`${spoolFolder(path)}/0-draft.tmp`, "half");
    await writeSpool(path, body(2));
    const reports: string[] = [];
    expect(
      await takeInSpool(
        path,
        async () => undefined,
        (message) => void reports.push(message),
      ),
    ).toBe(1);
    expect(reports).toHaveLength(2);
    expect(readdirSync(spoolFolder(path)).sort()).toEqual(["0-cut.batch.bad", "0-draft.tmp", "0-other.batch.bad"]);
  });
});

test("the pump goes on after a failing step, and never drains beside one", async () => {
  const log: string[] = [];
  let steps = 0;
  const pump = startPump(
    {
      step: async () => {
        steps += 1;
        if (steps === 1) throw new Error("broken");
        log.push("step");
        await new Promise((resolve) => setTimeout(resolve, 20));
        log.push("stepped");
        return { mapped: 0, assembled: 0, busy: false };
      },
      drain: async () => {
        log.push("drain");
        return { mapped: 1, assembled: 2 };
      },
    },
    "continuous",
    (message) => log.push(message),
  );
  await new Promise((resolve) => setTimeout(resolve, 10));
  pump.wake();
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await pump.drain(true)).toEqual({ mapped: 1, assembled: 2 });
  await pump.stop();
  expect(log.slice(0, 4)).toEqual(["ingest failed and will be tried again: broken", "step", "stepped", "drain"]);
});

test.each(["close", "constructor", "__proto__", "toString", 7, undefined])("a call from outside cannot name %s", async (method) => {
  await expect(dispatch({} as never, method, [])).rejects.toMatchObject({ code: "invalid" });
});
