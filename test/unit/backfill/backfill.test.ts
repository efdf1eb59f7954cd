import { appendFileSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { backfill, type FileReport, type PlacedMessage } from "../../../src/backfill/backfill.ts";
import { type Journal, openJournal } from "../../../src/backfill/journal.ts";
import { openFile, openStream } from "../../../src/backfill/open-file.ts";
import { jsonTraces, SPAN_ID } from "../../support/otlp.ts";
import { chunksOf, framed, NOW_US, protobufOf } from "./files.ts";

const folder = mkdtempSync(join(tmpdir(), "agentlearn-backfill-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let made = 0;
function file(content: string | Uint8Array, name = `${made++}.jsonl`): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const idOf = (index: number): string => (index + 1).toString(16).padStart(32, "0");
const lineOf = (index: number): string => Buffer.from(jsonTraces([[idOf(index), SPAN_ID]])).toString();
const linesOf = (count: number): string[] => Array.from({ length: count }, (_, index) => lineOf(index));

interface Run {
  readonly delivered: PlacedMessage[];
  readonly report: FileReport;
}

interface RunOptions {
  readonly skipBadLines?: boolean;
  readonly journal?: Journal;
  readonly signal?: AbortSignal;
  readonly delivered?: PlacedMessage[];
  readonly failAfter?: number;
}

async function run(path: string, options: RunOptions = {}): Promise<Run> {
  const delivered = options.delivered ?? [];
  let batches = 0;
  const report = await backfill({
    file: await openFile(path),
    deliver: async (messages) => {
      if (batches++ === options.failAfter) throw new Error("killed here");
      delivered.push(...messages);
    },
    clock: { nowUs: () => NOW_US },
    skipBadLines: options.skipBadLines ?? false,
    journal: options.journal,
    onBytes: () => undefined,
    signal: options.signal ?? new AbortController().signal,
  });
  return { delivered, report };
}

const idsIn = (messages: readonly PlacedMessage[]): string[] => messages.flatMap(({ body }) => body.traceIds);

describe("a bad line", () => {
  const path = file([lineOf(0), "{broken", lineOf(1)].join("\n"), "bad.jsonl");

  test("stops the import, which names file, line, reason and way out; what came before is delivered", async () => {
    const delivered: PlacedMessage[] = [];
    await expect(run(path, { delivered })).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringMatching(/bad\.jsonl line 2: it is not JSON: /),
      hint: expect.stringContaining("--skip-bad-lines"),
    });
    expect(idsIn(delivered)).toEqual([idOf(0)]);
  });

  test("is left out, counted and named when asked to", async () => {
    const { delivered, report } = await run(path, { skipBadLines: true });
    expect(idsIn(delivered)).toEqual([idOf(0), idOf(1)]);
    expect(report).toMatchObject({
      bodies: 2,
      spans: 2,
      skipped: 1,
      badPieces: [{ number: 2, reason: expect.stringContaining("not JSON") }],
    });
  });

  test("is named for the first ten; the rest is counted", async () => {
    const { report } = await run(file([lineOf(0), ...Array.from({ length: 15 }, () => "{}{")].join("\n")), { skipBadLines: true });
    expect(report.skipped).toBe(15);
    expect(report.badPieces.map(({ number }) => number)).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test("that hides the rest of the file is named whatever came before", async () => {
    const text = [lineOf(0), ...Array.from({ length: 12 }, () => "{}{"), ...linesOf(500)].join("\n");
    const gzip = gzipSync(text);
    const { report } = await run(file(gzip.subarray(0, gzip.length - 20)), { skipBadLines: true });
    expect(report.badPieces.at(-1)?.reason).toMatch(/cut off.*nothing after it could be read/);
  });
});

describe("a second run", () => {
  const store = file("a store", "store.db");

  async function journalFor(path: string, storePath = store): Promise<Journal> {
    const { identity, format } = await openFile(path);
    return openJournal({ storePath, identity: identity ?? "", format });
  }

  test.each([
    ["lines", (lines: readonly string[]) => lines.join("\n")],
    ["gzip", (lines: readonly string[]) => gzipSync(lines.join("\n"))],
    ["frames", (lines: readonly string[]) => framed(...lines.map((line) => new Uint8Array(Buffer.from(line))))],
  ])("goes on where the first was killed, and both together deliver everything once: %s", async (_what, write) => {
    const path = file(write(linesOf(300)));
    const journal = await journalFor(path);
    const first: PlacedMessage[] = [];
    await expect(run(path, { delivered: first, journal, failAfter: 2 })).rejects.toThrow("killed here");
    const { delivered, report } = await run(path, { journal: await journalFor(path) });
    expect(first.length).toBeGreaterThan(0);
    expect(idsIn([...first, ...delivered])).toEqual(linesOf(300).map((_, index) => idOf(index)));
    expect(report).toMatchObject({ bodies: 300, spans: 300, resumedAfter: first.length });
    journal.remove();
  });

  test("begins at the bad line at which the first stopped", async () => {
    const path = file([...linesOf(70), "{", lineOf(70)].join("\n"));
    const journal = await journalFor(path);
    await expect(run(path, { journal })).rejects.toThrow("line 71");
    const { delivered, report } = await run(path, { journal, skipBadLines: true });
    expect(idsIn(delivered)).toEqual([idOf(70)]);
    expect(report).toMatchObject({ bodies: 71, skipped: 1, resumedAfter: 70 });
  });

  test("reads nothing again of a file that is done", async () => {
    const path = file(linesOf(3).join("\n"));
    const journal = await journalFor(path);
    await run(path, { journal });
    const { delivered, report } = await run(path, { journal });
    expect(delivered).toEqual([]);
    expect(report).toMatchObject({ bodies: 3, resumedAfter: 3 });
  });

  test("begins anew when the file changed, the store is another one, or the journal is torn", async () => {
    const path = file(linesOf(3).join("\n"));
    await run(path, { journal: await journalFor(path) });
    expect((await journalFor(path)).read()).toBeDefined();

    const other = file("another store", "other.db");
    const copied = await journalFor(path, other);
    const own = await openFile(path);
    writeFileSync(`${other}-import-${own.identity}.json`, JSON.stringify({ version: 1, format: own.format, store: "1-2", progress: {} }));
    expect(copied.read()).toBeUndefined();
    writeFileSync(`${other}-import-${own.identity}.json`, '{"version":1,');
    expect(copied.read()).toBeUndefined();

    appendFileSync(path, `\n${lineOf(3)}`);
    expect((await journalFor(path)).read()).toBeUndefined();
    utimesSync(path, 1, 1);
    expect((await journalFor(path)).read()).toBeUndefined();
  });
});

test("an interrupted run delivers and writes down what it read, and says where it stopped", async () => {
  const path = file(linesOf(200).join("\n"));
  const opened = await openFile(path);
  const journal = openJournal({ storePath: file("s", "interrupted.db"), identity: opened.identity ?? "", format: opened.format });
  const abort = new AbortController();
  const delivered: PlacedMessage[] = [];
  const stopAfterFirst: Journal = {
    ...journal,
    write: (progress) => {
      journal.write(progress);
      abort.abort();
    },
  };
  await expect(run(path, { delivered, journal: stopAfterFirst, signal: abort.signal })).rejects.toMatchObject({
    code: "cancelled",
    message: expect.stringContaining(`line ${delivered.length + 65}`),
  });
  expect(journal.read()?.number).toBe(delivered.length);
});

test("large lines are delivered in batches of few", async () => {
  const pad = { attributes: [{ key: "x", value: { stringValue: "y".repeat(1_500_000) } }] };
  const lines = [0, 1, 2, 3, 4, 5].map((index) => Buffer.from(jsonTraces([[idOf(index), SPAN_ID]], pad)).toString());
  const sizes: number[] = [];
  await backfill({
    file: await openFile(file(lines.join("\n"))),
    deliver: async (messages) => void sizes.push(messages.length),
    clock: { nowUs: () => NOW_US },
    skipBadLines: false,
    onBytes: () => undefined,
    signal: new AbortController().signal,
  });
  expect(sizes).toEqual([3, 3]);
});

describe("opening", () => {
  test.each([
    ["a file that is not there", () => join(folder, "gone.jsonl"), "not-found", "there is no file"],
    ["a folder", () => folder, "invalid", "is a folder"],
    ["an empty file", () => file(""), "invalid", "is empty"],
    ["an empty gzip", () => file(gzipSync("")), "invalid", "holds no gzip data"],
    ["another kind of file", () => file("id,name\n1,x\n"), "invalid", 'it begins with "id,name\\n1,x\\n"'],
  ])("%s is refused", async (_what, path, code, message) => {
    await expect(openFile(path())).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test("a format that is given is not looked for", async () => {
    expect((await openFile(file("??"), "otlp-json-lines")).format).toBe("otlp-json-lines");
  });

  test("a stream is read once, with its bytes counted, and has no identity", async () => {
    const bytes = framed(protobufOf(), protobufOf());
    const opened = await openStream("standard input", chunksOf(bytes, 100));
    const pieces = [];
    for await (const piece of opened.pieces({ number: 0, end: 0 }, () => undefined)) pieces.push(piece.number);
    expect(opened).toMatchObject({ format: "otlp-frames", sizeBytes: 0 });
    expect(opened.identity).toBeUndefined();
    expect(pieces).toEqual([1, 2]);
  });

  test("bytes of a file are counted as they are on disk, also those passed over on the way back to the position", async () => {
    const text = linesOf(50).join("\n");
    const opened = await openFile(file(text));
    let read = 0;
    for await (const _piece of opened.pieces({ number: 1, end: lineOf(0).length + 1 }, (count) => (read += count)));
    expect(read).toBe(opened.sizeBytes);
  });
});
