import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { startHttpReceiver } from "../../collector/http/receiver.ts";
import { defaultLimits } from "../../collector/limits.ts";
import { createOtlpHandler } from "../../collector/request.ts";
import { LearnError } from "../../src/base/error.ts";
import { decodeBody } from "../../src/span/otlp/decode-body.ts";
import type { RawBody } from "../../src/store/ports.ts";
import { compress, ENCODINGS, zstdBomb } from "../support/compressed.ts";
import { jsonTraces, protobufTraces, SPAN_ID, sdkSpans, TRACE_ID } from "../support/otlp.ts";
import { decodeStatus, startReceiver, type TestReceiver, type TestReceiverOptions } from "../support/receiver.ts";

const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";
const MIB = 1024 * 1024;

let opened: TestReceiver[] = [];
afterEach(async () => {
  await Promise.all(opened.map((receiver) => receiver.close()));
  opened = [];
});

async function start(options?: TestReceiverOptions): Promise<TestReceiver> {
  const receiver = await startReceiver("http", options);
  opened.push(receiver);
  return receiver;
}

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly headers: Headers;
  readonly body: Buffer;
}

async function post(receiver: TestReceiver, body: Uint8Array, headers: Record<string, string> = {}, path = "/v1/traces"): Promise<Answer> {
  const response = await fetch(receiver.url + path, { method: "POST", body, headers: { "content-type": PROTOBUF, ...headers } });
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    headers: response.headers,
    body: Buffer.from(await response.arrayBuffer()),
  };
}

const good = (): Uint8Array => protobufTraces([[TRACE_ID, SPAN_ID]]);
const halfGood: [string, string][] = [
  [TRACE_ID, SPAN_ID],
  ["abcd", SPAN_ID],
];

describe("success", () => {
  test("has an empty body in protobuf and {} in JSON, in the type of the request", async () => {
    const receiver = await start();
    expect(await post(receiver, good())).toMatchObject({ status: 200, type: PROTOBUF, body: Buffer.alloc(0) });
    const json = await post(receiver, jsonTraces([[TRACE_ID, SPAN_ID]]), { "content-type": "application/json; charset=utf-8" });
    expect(json).toMatchObject({ status: 200, type: JSON_TYPE, body: Buffer.from("{}") });
    expect(receiver.bodies.map(({ format }) => format)).toEqual(["otlp-protobuf", "otlp-json"]);
  });

  test("of an empty request stores nothing", async () => {
    const receiver = await start();
    expect((await post(receiver, new Uint8Array(0))).status).toBe(200);
    expect((await post(receiver, Buffer.from("{}"), { "content-type": JSON_TYPE })).status).toBe(200);
    expect(receiver.bodies).toEqual([]);
  });

  test("comes only after the store has committed", async () => {
    let commit = () => {};
    const receiver = await start({ beforeAppend: () => new Promise((resolve) => (commit = resolve)) });
    let answered = false;
    const answer = post(receiver, good()).then((value) => {
      answered = true;
      return value;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(answered).toBe(false);
    commit();
    expect((await answer).status).toBe(200);
  });

  test("takes metrics and discards them unread", async () => {
    const receiver = await start();
    expect(await post(receiver, Buffer.from([1, 2, 3]), {}, "/v1/metrics")).toMatchObject({ status: 200, body: Buffer.alloc(0) });
    expect(receiver.bodies).toEqual([]);
  });

  test("reads gzip of several members and stores it as it came", async () => {
    const receiver = await start();
    const body = protobufTraces([[TRACE_ID, SPAN_ID]]);
    const gzip = Buffer.concat([gzipSync(body.subarray(0, 20)), gzipSync(body.subarray(20))]);
    expect((await post(receiver, gzip, { "content-encoding": "gzip" })).status).toBe(200);
    expect(receiver.bodies[0]).toMatchObject({ encoding: "gzip", traceIds: [TRACE_ID] });
    expect(Buffer.from(receiver.bodies[0]?.body as Uint8Array)).toEqual(gzip);
  });

  test.each([
    ["deflate", "deflate", compress(good(), "deflate")],
    ["deflate without its header", "deflate", compress(good(), "raw deflate")],
    ["deflate by the name of the OpenTelemetry Collector", "zlib", compress(good(), "deflate")],
    ["gzip by its old name", "x-gzip", compress(good(), "gzip")],
    ["brotli", "br", compress(good(), "br")],
    ["zstd", "zstd", compress(good(), "zstd")],
    ["nothing, said aloud", "identity", good()],
  ])("reads %s and stores it as it came", async (_what, header, body) => {
    const receiver = await start();
    expect((await post(receiver, body, { "content-encoding": header })).status).toBe(200);
    const raw = receiver.bodies[0] as RawBody;
    expect([raw.traceIds, Buffer.from(raw.body)]).toEqual([[TRACE_ID], Buffer.from(body)]);
    expect(decodeBody(raw).batch.spans.map(({ spanId }) => spanId)).toEqual([SPAN_ID]);
  });

  test("is partial, with a count and the reason, when some spans are bad", async () => {
    const receiver = await start();
    const protobuf = await post(receiver, protobufTraces(halfGood));
    const json = await post(receiver, jsonTraces(halfGood), { "content-type": JSON_TYPE });
    expect([protobuf.status, json.status]).toEqual([200, 200]);
    const message = "1 of 2 spans rejected: each needs a trace id of 16 bytes and a span id of 8 bytes, not all zero";
    expect(ProtobufTraceSerializer.deserializeResponse(protobuf.body)).toEqual({
      partialSuccess: { rejectedSpans: 1, errorMessage: message },
    });
    expect(JsonTraceSerializer.deserializeResponse(json.body)).toEqual({ partialSuccess: { rejectedSpans: "1", errorMessage: message } });
    expect(receiver.bodies.map(({ traceIds }) => traceIds)).toEqual([[TRACE_ID], [TRACE_ID]]);
  });
});

describe("bad data", () => {
  const allBad: [string, string][] = [["abcd", SPAN_ID]];
  test.each([
    ["only bad spans", protobufTraces(allBad), jsonTraces(allBad), {}],
    ["what is not OTLP", Buffer.from("hello"), Buffer.from("hello"), {}],
    ["what is not gzip", good(), jsonTraces([[TRACE_ID, SPAN_ID]]), { "content-encoding": "gzip" }],
    ["gzip cut off", gzipSync(good()).subarray(0, 30), gzipSync(good()).subarray(0, 30), { "content-encoding": "gzip" }],
  ])("%s gets 400 with a Status and BadRequest, and is not stored", async (_what, protobuf, json, headers) => {
    const receiver = await start();
    const first = await post(receiver, protobuf, headers);
    expect(first).toMatchObject({ status: 400, type: PROTOBUF });
    expect(decodeStatus(first.body)).toMatchObject({ code: 3, details: ["BadRequest"], message: expect.stringMatching(/\w/) });
    const second = await post(receiver, json, { ...headers, "content-type": JSON_TYPE });
    expect(second).toMatchObject({ status: 400, type: JSON_TYPE });
    expect(JSON.parse(second.body.toString())).toMatchObject({
      code: 3,
      details: [{ "@type": "type.googleapis.com/google.rpc.BadRequest" }],
    });
    expect(first.headers.get("retry-after")).toBeNull();
    expect(receiver.bodies).toEqual([]);
  });
});

describe("faults of the store", () => {
  test.each([
    ["that pass", new LearnError("unavailable", "the disk is full")],
    ["that nobody foresaw", new TypeError("boom")],
    ["that are ours", new LearnError("internal", "broken")],
    ["of a damaged file", new LearnError("invalid", "store x.db is not a sound database")],
  ])("%s get 503, Retry-After: 1 and RetryInfo", async (_what, error) => {
    const receiver = await start({
      beforeAppend: () => {
        throw error;
      },
    });
    const answer = await post(receiver, good());
    expect([answer.status, answer.type, answer.headers.get("retry-after")]).toEqual([503, PROTOBUF, "1"]);
    expect(decodeStatus(answer.body)).toMatchObject({ code: 14, details: ["RetryInfo"] });
    const json = await post(receiver, jsonTraces([[TRACE_ID, SPAN_ID]]), { "content-type": JSON_TYPE });
    expect(JSON.parse(json.body.toString())).toMatchObject({ code: 14, details: [{ retryDelay: "1s" }] });
  });

  test("that never end get 503 before the exporter gives up", async () => {
    const receiver = await start({ beforeAppend: () => new Promise(() => {}), limits: { appendTimeoutMs: 50 } });
    expect((await post(receiver, good())).status).toBe(503);
  });
});

describe("requests that are not OTLP", () => {
  test.each([
    ["another path", "POST", "/v1/profiles", {}, 404, 5, {}],
    ["the root", "GET", "/", {}, 404, 5, {}],
    ["another method", "GET", "/v1/traces", {}, 405, 12, { allow: "POST" }],
    ["a method that changes things", "DELETE", "/v1/traces", {}, 405, 12, { allow: "POST" }],
    ["a browser asking for CORS", "OPTIONS", "/v1/traces", {}, 405, 12, { "access-control-allow-origin": null }],
    [
      "another content type",
      "POST",
      "/v1/traces",
      { "content-type": "text/plain" },
      415,
      3,
      { "accept-post": `${PROTOBUF}, ${JSON_TYPE}` },
    ],
    ["no content type", "POST", "/v1/traces", {}, 415, 3, {}],
    [
      "another encoding",
      "POST",
      "/v1/traces",
      { "content-type": JSON_TYPE, "content-encoding": "snappy" },
      415,
      3,
      { "accept-encoding": "gzip, deflate, br, zstd, identity" },
    ],
    [
      "two encodings",
      "POST",
      "/v1/traces",
      { "content-type": JSON_TYPE, "content-encoding": "gzip, br" },
      415,
      3,
      { "accept-encoding": "gzip, deflate, br, zstd, identity" },
    ],
  ])("%s: %s %s", async (_what, method, path, headers, status, code, expected) => {
    const receiver = await start();
    const response = await fetch(receiver.url + path, { method, headers: headers as Record<string, string> });
    expect([response.status, response.headers.get("content-type")]).toEqual([status, JSON_TYPE]);
    expect(await response.json()).toMatchObject({ code, message: expect.stringMatching(/\w/) });
    for (const [name, value] of Object.entries(expected)) expect(response.headers.get(name)).toBe(value);
  });

  test("get headers alone for HEAD", async () => {
    const receiver = await start();
    const answer = await raw(receiver, "HEAD /v1/traces HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 405 .*allow: POST/is);
    expect(answer.split("\r\n\r\n")[1]).toBe("");
  });

  test("speak protobuf where the request does", async () => {
    const receiver = await start();
    const answer = await post(receiver, good(), {}, "/v1/profiles");
    expect([answer.status, answer.type, decodeStatus(answer.body).code]).toEqual([404, PROTOBUF, 5]);
  });
});

describe("size", () => {
  const limits = { maxBodyBytes: 100_000, maxDecodedBytes: 200_000 };
  const span = good();

  test("is limited by content-length before a byte is read", async () => {
    const receiver = await start({ limits });
    const answer = await raw(
      receiver,
      `POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: ${PROTOBUF}\r\nContent-Length: 999999999\r\n\r\nabc`,
      (received) => received.includes("\r\n\r\n"),
    );
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
  });

  test("is limited while a chunked body arrives", async () => {
    const receiver = await start({ limits });
    const chunks = new ReadableStream({
      start(controller) {
        for (let count = 0; count < 20; count += 1) controller.enqueue(new Uint8Array(10_000));
        controller.close();
      },
    });
    const init = { method: "POST", body: chunks, duplex: "half", headers: { "content-type": PROTOBUF } };
    const response = await fetch(`${receiver.url}/v1/traces`, init as RequestInit);
    expect(response.status).toBe(413);
    expect(decodeStatus(Buffer.from(await response.arrayBuffer()))).toMatchObject({ code: 8, details: [] });
  });

  test.each(ENCODINGS)("is limited again after decompression: %s", async (encoding) => {
    const receiver = await start({ limits: { ...limits, maxBodyBytes: 400_000 } });
    const answer = await post(receiver, compress(Buffer.alloc(300_000), encoding), { "content-encoding": encoding });
    expect([answer.status, decodeStatus(answer.body).code]).toEqual([413, 8]);
  });

  test("lets a body of exactly the limit pass", async () => {
    const receiver = await start({ limits: { ...limits, maxBodyBytes: span.length } });
    expect((await post(receiver, span)).status).toBe(200);
    expect((await post(receiver, protobufTraces([[TRACE_ID, SPAN_ID]], Buffer.from([0x50, 1])))).status).toBe(413);
  });

  test.each([
    ["gzip", () => Buffer.concat(Array<Uint8Array>(8).fill(gzipSync(Buffer.alloc(128 * MIB))))],
    ["zstd", () => zstdBomb(1024 * MIB, { contentSize: false })],
    ["br", () => compress(Buffer.alloc(256 * MIB), "br")],
    ["deflate", () => compress(Buffer.alloc(256 * MIB), "deflate")],
  ])("of a bomb in %s is refused quickly and without keeping it", async (encoding, make) => {
    const receiver = await start();
    const bomb = make();
    const started = performance.now();
    const answer = await post(receiver, bomb, { "content-encoding": encoding });
    expect([answer.status, decodeStatus(answer.body).code]).toEqual([413, 8]);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test("in items is limited too: 10 million attributes in 20 kB of gzip", async () => {
    const receiver = await start();
    const bomb = protobufTraces([[TRACE_ID, SPAN_ID]], Buffer.alloc(20 * MIB, Buffer.from([0x4a, 0])));
    expect((await post(receiver, gzipSync(bomb), { "content-encoding": "gzip" })).status).toBe(413);
    expect(receiver.bodies).toEqual([]);
  });

  test("of all requests together is limited: the newest are asked to come back", async () => {
    let commit = () => {};
    const receiver = await start({
      limits: { maxBufferedBytes: good().length + 10 },
      beforeAppend: () => new Promise((resolve) => (commit = resolve)),
    });
    const first = post(receiver, good());
    await new Promise((resolve) => setTimeout(resolve, 50));
    const second = await post(receiver, good());
    expect([second.status, second.headers.get("retry-after")]).toEqual([503, "1"]);
    commit();
    expect((await first).status).toBe(200);
    const third = post(receiver, good());
    await new Promise((resolve) => setTimeout(resolve, 50));
    commit();
    expect((await third).status).toBe(200);
  });
});

describe("a sender that asks before it sends (Expect: 100-continue)", () => {
  const head = (length: number, type = PROTOBUF) =>
    `POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`;

  test("is told to go on, and then answered", async () => {
    const receiver = await start();
    const body = Buffer.from(good());
    const received = await new Promise<string>((resolve) => {
      const socket = connect(receiver.port, "127.0.0.1");
      let text = "";
      socket.on("data", (chunk) => {
        if (text === "") socket.write(body);
        text += chunk.toString();
        if (text.includes(" 200 ")) socket.destroy();
      });
      socket.on("close", () => resolve(text));
      socket.write(head(body.length));
    });
    expect(received).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
    expect(receiver.bodies).toHaveLength(1);
  });

  test.each([
    ["413", head(999_999_999)],
    ["415", head(10, "text/plain")],
  ])("is refused with %s instead, and the connection ends", async (status, request) => {
    expect(await raw(await start(), request)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*\r\nconnection: close\r\n`, "is"));
  });
});

describe("slow and broken senders", () => {
  test("lose the connection when headers do not come", async () => {
    const receiver = await start({ limits: { headersTimeoutMs: 200 } });
    expect(await raw(receiver, "POST /v1/traces HTTP/1.1\r\nHost: x\r\n")).toMatch(/^HTTP\/1.1 503 .*Retry-After: 1/s);
  });

  test("lose the connection when the body does not come, and may try again", async () => {
    const receiver = await start({ limits: { headersTimeoutMs: 200, requestTimeoutMs: 300 } });
    const head = `POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: ${PROTOBUF}\r\nContent-Length: 100\r\n\r\nabc`;
    expect(await raw(receiver, head)).toMatch(/^HTTP\/1.1 503 .*Retry-After: 1.*"code":14/s);
  });

  test("get 400 for what is not HTTP", async () => {
    const receiver = await start();
    expect(await raw(receiver, "hello\r\n\r\n")).toMatch(/^HTTP\/1.1 400 .*"code":3/s);
  });

  test("get 431 for huge headers", async () => {
    const receiver = await start();
    expect(await raw(receiver, `GET / HTTP/1.1\r\nX: ${"x".repeat(100_000)}`)).toMatch(/^HTTP\/1.1 431 /);
  });

  test("that leave in the middle do no harm", async () => {
    const receiver = await start();
    const socket = connect(receiver.port, "127.0.0.1");
    socket.write(`POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: ${PROTOBUF}\r\nContent-Length: 100\r\n\r\nabc`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    expect((await post(receiver, good())).status).toBe(200);
  });

  test("over the connection limit are turned away, and room comes back", async () => {
    const receiver = await start({ limits: { maxConnections: 2 } });
    const held = [connect(receiver.port, "127.0.0.1"), connect(receiver.port, "127.0.0.1")];
    await Promise.all(held.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await expect(post(receiver, good())).rejects.toThrow();
    for (const socket of held) socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await post(receiver, good())).status).toBe(200);
  });
});

test("random bytes never get anything but 200 and 4xx, and the receiver lives", async () => {
  const receiver = await start();
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.json().map((text) => Buffer.from(text)),
  );
  const header = fc.record({
    "content-type": fc.constantFrom(PROTOBUF, JSON_TYPE, "text/plain"),
    "content-encoding": fc.constantFrom("identity", "gzip", "deflate", "br", "zstd", "lz4"),
  });
  const path = fc.constantFrom("/v1/traces", "/v1/logs", "/v1/nothing");
  await fc.assert(
    fc.asyncProperty(bytes, header, path, async (body, headers, where) => {
      expect([200, 400, 404, 413, 415]).toContain((await post(receiver, body, headers, where)).status);
    }),
    { numRuns: 200 },
  );
  const spans = sdkSpans();
  expect((await post(receiver, ProtobufTraceSerializer.serializeRequest(spans) as Uint8Array)).status).toBe(200);
});

describe("a token", () => {
  test("is asked for before anything is read", async () => {
    const receiver = await start({ token: "secret" });
    const answer = await post(receiver, good());
    expect([answer.status, answer.type, answer.headers.get("www-authenticate")]).toEqual([401, PROTOBUF, "Bearer"]);
    expect(decodeStatus(answer.body).code).toBe(16);
    expect((await post(receiver, good(), { authorization: "Bearer wrong" })).status).toBe(401);
    expect((await post(receiver, good(), { authorization: "Bearer secret" })).status).toBe(200);
    expect(receiver.bodies).toHaveLength(1);
  });
});

describe("start and stop", () => {
  test("a busy port is a conflict that names the port and the flag", async () => {
    const { port } = await start();
    const handle = createOtlpHandler({ append: async () => {}, clock: { nowUs: () => 0 }, limits: defaultLimits });
    await expect(startHttpReceiver({ port, handle, limits: defaultLimits })).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining(`port ${port} on 127.0.0.1`),
      hint: expect.stringContaining("--otlp-http-port N"),
    });
  });

  test("an impossible port is invalid", async () => {
    const handle = createOtlpHandler({ append: async () => {}, clock: { nowUs: () => 0 }, limits: defaultLimits });
    await expect(startHttpReceiver({ port: 99_999, handle, limits: defaultLimits })).rejects.toMatchObject({ code: "invalid" });
  });

  test("close answers what is in flight, cuts what is stuck, and is safe twice", async () => {
    let commit = () => {};
    const receiver = await start({ beforeAppend: () => new Promise((resolve) => (commit = resolve)), limits: { closeTimeoutMs: 400 } });
    const inFlight = post(receiver, good());
    const stuck = connect(receiver.port, "127.0.0.1");
    stuck.write("POST /v1/traces HTTP/1.1\r\n");
    const cut = new Promise((resolve) => stuck.once("close", resolve));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const closed = [receiver.close(), receiver.close()];
    await new Promise((resolve) => setTimeout(resolve, 50));
    commit();
    expect((await inFlight).status).toBe(200);
    await Promise.all([...closed, cut]);
    await expect(fetch(receiver.url)).rejects.toThrow();
  });

  test("close does not wait for idle connections", async () => {
    const receiver = await start();
    await post(receiver, good());
    const started = performance.now();
    await receiver.close();
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

/** Sends bytes and gives what came back until `done` or the connection closes. */
function raw(receiver: TestReceiver, text: string, done: (received: string) => boolean = () => false): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(receiver.port, "127.0.0.1");
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString();
      if (done(received)) socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(received));
    socket.write(text);
  });
}
