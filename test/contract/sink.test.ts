import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Database from "libsql";
import { describe, expect, test } from "vitest";
import type { RawBatch } from "../../src/span/raw-span.ts";
import { batchOfBody } from "../../src/store/batch-body.ts";
import { openStore, openWriter } from "../../src/store/open.ts";
import { temporaryFolder } from "../unit/store/temporary.ts";
import { aBody, aLog, aSpan, hex } from "./store/factories.ts";

const inFolder = temporaryFolder();
let files = 0;
const options = (more: object = {}) => ({ url: inFolder(`${++files}.db`), name: "test", ingest: "on-demand" as const, ...more });
const batchOf = (spans: number): RawBatch => ({ spans: Array.from({ length: spans }, () => aSpan()), logs: [] });

describe("the sink of a writer thread", () => {
  test("what was submitted before a flush is durable after it, whole, and readable through the same thread", async () => {
    const writer = openWriter(options());
    const batch = { spans: [aSpan({ attributes: { "a\0": ["x", { deep: null }] } })], logs: [aLog()] };
    writer.sink.submit(batch);
    await writer.sink.flush(5_000);
    const bodies = await writer.store.unmappedBodies(10);
    expect(bodies.map(batchOfBody)).toEqual([batch]);
    expect(writer.sink.counts()).toEqual({ submitted: 2, dropped: 0, failed: 0 });
    await writer.close();
  });

  test("drops and counts above its bound of spans and of bytes, and takes again when there is room", async () => {
    const bySpans = openWriter(options({ maxUnsettledSpans: 10 }));
    for (let n = 0; n < 3; n++) bySpans.sink.submit(batchOf(5));
    expect(bySpans.sink.counts()).toEqual({ submitted: 15, dropped: 5, failed: 0 });
    await bySpans.sink.flush(5_000);
    bySpans.sink.submit(batchOf(5));
    await bySpans.sink.flush(5_000);
    expect(bySpans.sink.counts()).toEqual({ submitted: 20, dropped: 5, failed: 0 });
    await bySpans.close();
    const byBytes = openWriter(options({ maxUnsettledBytes: 10_000 }));
    byBytes.sink.submit({ spans: [aSpan({ attributes: { messages: "x".repeat(9_900) } })], logs: [] });
    expect(byBytes.sink.counts().dropped).toBe(1);
    await byBytes.close();
  });

  test("the first span that gets through says once how many did not", async () => {
    const writer = openWriter(options({ maxUnsettledSpans: 2 }));
    for (const spans of [2, 1, 1]) writer.sink.submit(batchOf(spans));
    await writer.sink.flush(5_000);
    for (let n = 0; n < 2; n++) {
      writer.sink.submit(batchOf(1));
      await writer.sink.flush(5_000);
    }
    await writer.store.drain();
    const traces = await writer.store.recentTraces(10);
    const spans = (await Promise.all(traces.map(({ traceId }) => writer.store.spansOf(traceId)))).flatMap((batch) => batch.spans);
    const told = spans.map(({ attributes }) => attributes["agentlearn.processor.dropped"]).filter((count) => count !== undefined);
    expect(told).toEqual([2]);
    expect((await writer.store.diagnostics()).dropped).toBe(2);
    await writer.close();
  });

  test("what cannot be cloned is dropped and counted, not thrown", async () => {
    const writer = openWriter(options());
    writer.sink.submit({ spans: [aSpan({ attributes: { f: (() => 1) as never } })], logs: [] });
    expect(writer.sink.counts()).toEqual({ submitted: 1, dropped: 1, failed: 0 });
    await writer.close();
  });

  test("a store that will never open fails the spans, says so once, and rejects calls with the reason", async () => {
    const reports: string[] = [];
    const writer = openWriter(options({ url: "postgres://x", report: (message: string) => void reports.push(message) }));
    writer.sink.submit(batchOf(1));
    writer.sink.submit(batchOf(1));
    await writer.sink.flush(5_000);
    await expect(writer.store.status()).rejects.toMatchObject({ code: "invalid" });
    expect(writer.sink.counts()).toEqual({ submitted: 2, dropped: 0, failed: 2 });
    expect(reports).toHaveLength(1);
    await writer.close();
  });

  test("flush keeps its deadline while a foreign lock holds the file, and nothing is lost when it goes", async () => {
    const url = inFolder("locked.db");
    const writer = openWriter(options({ url }));
    await writer.store.status();
    const lock = new Database(url);
    lock.exec("BEGIN IMMEDIATE");
    writer.sink.submit(batchOf(3));
    const started = performance.now();
    await writer.sink.flush(200);
    expect(performance.now() - started).toBeLessThan(1_500);
    lock.exec("ROLLBACK");
    await writer.sink.flush(10_000);
    expect(writer.sink.counts()).toEqual({ submitted: 3, dropped: 0, failed: 0 });
    await writer.close();
  });

  test("after close, spans are dropped and calls are 'unavailable'; closing again is safe", async () => {
    const writer = openWriter(options());
    await writer.store.status();
    await writer.close();
    await writer.close();
    await writer.sink.close(10);
    writer.sink.submit(batchOf(1));
    expect(writer.sink.counts().dropped).toBe(1);
    await expect(writer.store.status()).rejects.toMatchObject({ code: "unavailable" });
  });

  test("the sink and the store share the thread: closing one leaves the other", async () => {
    const writer = openWriter(options());
    writer.sink.submit(batchOf(1));
    await writer.store.status();
    await writer.sink.close(5_000);
    expect(await writer.store.unmappedBodies(10)).toHaveLength(1);
    await writer.store.close();
    await expect(writer.store.status()).rejects.toMatchObject({ code: "unavailable" });
  });
});

test("spans of a processor become a trace that everybody can read, while nobody waits for it", async () => {
  const writer = openWriter(options({ ingest: "continuous", quietMs: 1 }));
  const span = aSpan({
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"add 2"}]}]',
    },
  });
  writer.sink.submit({ spans: [span], logs: [] });
  await expect.poll(async () => (await writer.store.listTraces({})).map((trace) => trace.task), { timeout: 10_000 }).toEqual(["add 2"]);
  const feedback = { traceId: span.traceId, score: 0 };
  await writer.store.addFeedback(feedback);
  await expect.poll(async () => (await writer.store.listTraces({ status: "failure" })).length, { timeout: 10_000 }).toBe(1);
  expect(await writer.store.drain()).toEqual({ mapped: 0, assembled: 0 });
  await writer.close();
});

test("bodies that own their buffer are moved to the thread, others are copied", async () => {
  const store = await openStore(options());
  const whole = aBody({ body: new Uint8Array([1, 2]) });
  const part = aBody({ body: new Uint8Array([0, 1, 2, 3]).subarray(1, 3) });
  await store.appendBodies([whole, part, { ...whole }]);
  expect([whole.body.byteLength, part.body.byteLength]).toEqual([0, 2]);
  expect((await store.unmappedBodies(3)).map((body) => [...body.body])).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
  await store.close();
});

test("an agent ends by itself with a store in use, prints nothing, and does not load its preloads into the thread", async () => {
  const preload = inFolder("preload.mjs");
  writeFileSync(preload, 'import { isMainThread } from "node:worker_threads"; if (!isMainThread) console.log("preloaded in the writer");');
  const script = inFolder("agent.mjs");
  const open = new URL("../../dist/src/store/open.js", import.meta.url).href;
  writeFileSync(
    script,
    `import { openWriter } from ${JSON.stringify(open)};
     const writer = openWriter({ url: ${JSON.stringify(inFolder("agent.db"))}, name: "agent" });
     writer.sink.submit(${JSON.stringify(batchOf(2))});
     await writer.sink.flush(5000);
     console.log(JSON.stringify(writer.sink.counts()));`,
  );
  for (const env of [{ NODE_OPTIONS: `--import ${preload}` }, {}]) {
    const child = spawn(process.execPath, ["NODE_OPTIONS" in env ? [] : ["--import", preload], script].flat(), {
      env: { ...process.env, ...env },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    // Not "exit": what was printed may come after it.
    const [code] = await once(child, "close");
    expect([code, output.trim()]).toEqual([0, '{"submitted":2,"dropped":0,"failed":0}']);
  }
});

describe("a sink that sends to a collector", () => {
  test("sends spans and logs as OTLP, and refuses store calls", async () => {
    const received: { url: string; body: string }[] = [];
    const server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      received.push({ url: `${request.method} ${request.url} ${request.headers["x-token"]}`, body });
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const writer = openWriter({ endpoint, headers: { "x-token": "t" }, name: "agent" });
    const span = aSpan({ parentSpanId: hex(16), status: { code: 2, message: "no" }, events: [{ name: "e", timeUs: 1, attributes: {} }] });
    writer.sink.submit({ spans: [span], logs: [aLog({ eventName: "gen_ai.choice", body: { a: 1 } })] });
    await writer.sink.flush(10_000);
    expect(writer.sink.counts()).toEqual({ submitted: 2, dropped: 0, failed: 0 });
    expect(received.map((request) => request.url).sort()).toEqual(["POST /v1/logs t", "POST /v1/traces t"]);
    const sent = JSON.parse(received.find((request) => request.url.includes("traces"))?.body ?? "{}").resourceSpans[0];
    expect(sent.resource.attributes).toEqual([{ key: "service.name", value: { stringValue: "agent" } }]);
    expect(sent.scopeSpans[0].spans[0]).toMatchObject({
      traceId: span.traceId,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId,
      name: "chat",
      kind: 3,
      startTimeUnixNano: `${span.startTimeUs}000`,
      endTimeUnixNano: `${span.endTimeUs}000`,
      status: { code: 2, message: "no" },
    });
    await expect(writer.store.status()).rejects.toMatchObject({ code: "invalid" });
    await writer.close();
    server.close();
  });

  test("counts what a collector does not take", async () => {
    const reports: string[] = [];
    const writer = openWriter({ endpoint: "http://127.0.0.1:9", name: "agent", report: (message) => void reports.push(message) });
    writer.sink.submit(batchOf(1));
    await writer.sink.flush(25_000);
    expect(writer.sink.counts()).toEqual({ submitted: 1, dropped: 0, failed: 1 });
    expect(reports).toHaveLength(1);
    await writer.close();
  });
});
