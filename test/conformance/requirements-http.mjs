/** What OTLP asks of HTTP and of its JSON. Rows of the section "beyond OTLP" are promises of ours. */
import assert from "node:assert/strict";
import { Agent } from "node:http";
import { brotliCompressSync, deflateRawSync, deflateSync } from "node:zlib";
import { loadConfig } from "../../dist/src/config/load-config.js";
import { http, JSON_HTTP, JSON_TYPE, PROTOBUF, PROTOBUF_HTTP } from "./client.mjs";
import { aLog, aSpan, logs, newTraceId, traces } from "./messages.mjs";
import { decodeStatus } from "./wire.mjs";

const BOTH = [PROTOBUF_HTTP, JSON_HTTP];
const row = (transport, section, requirement, method, check) => ({ transport, section, requirement, method, check });
const forBoth = (section, requirement, method, check) =>
  BOTH.map((by) => row(by.name, section, requirement, method, (at) => check(by, at)));
const json = (section, requirement, method, check) => row("HTTP/JSON", section, requirement, method, check);

/** A stored zstd frame of one block: zlib of Node 20 cannot make any. */
function zstd(plain) {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 10 << 3, 0, 0, 0]);
  head.writeUIntLE(plain.length * 8 + 1, 6, 3);
  return Buffer.concat([head, plain]);
}

export const overHttp = [
  row("HTTP", "OTLP/HTTP Default Port", "The default port is 4318", "the default of the setting", async () => {
    assert.equal(loadConfig({ env: {} }).otlpHttpPort, 4318);
  }),
  row(
    "HTTP",
    "OTLP/HTTP Request",
    "Protobuf and JSON come to the same port and paths, told apart by Content-Type",
    "the same URL takes both, in turns over one connection",
    async (at) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const answers = [];
      for (const by of [...BOTH, ...BOTH]) answers.push(await by.send(at, "traces", traces(aSpan()), { agent }));
      agent.destroy();
      assert.ok(answers.every(({ ok }) => ok));
      assert.equal(new Set(answers.map(({ port }) => port)).size, 1);
    },
  ),
  ...forBoth(
    "OTLP/HTTP Response",
    "An answer has the Content-Type of its request, and nothing behind it",
    "success, partial success, 400 and 413",
    async (by, at) => {
      const half = traces(aSpan(), aSpan({ spanId: "" }));
      for (const [where, message, options] of [
        [at, traces(aSpan()), {}],
        [at, half, {}],
        [at, {}, { raw: Buffer.from([1, 2, 3]) }],
        [at.small, traces(aSpan({ name: "x".repeat(1_100_000) })), {}],
      ])
        assert.equal((await by.send(where, "traces", message, options)).headers["content-type"], by.type);
    },
  ),
  ...forBoth("OTLP/HTTP Request", "A parameter of the Content-Type changes nothing", "; charset=utf-8", async (by, at) => {
    const headers = { "content-type": `${by.type}; charset=utf-8` };
    assert.equal((await by.send(at, "traces", traces(aSpan()), { headers })).ok, true);
  }),
  ...forBoth("OTLP/HTTP Request", "A body may come in chunks, without Content-Length", "chunks of 1,000 bytes", async (by, at) => {
    const span = aSpan({ name: "x".repeat(10_000) });
    assert.equal((await by.send(at, "traces", traces(span), { chunked: true })).ok, true);
    assert.equal((await at.stored(span.traceId)).spans[0].name.length, 10_000);
  }),
  ...[
    ["deflate", deflateSync],
    ["deflate without zlib's header", deflateRawSync],
    ["br", brotliCompressSync],
    ["zstd", zstd],
    ["identity", (plain) => plain],
  ].map(([name, compress]) =>
    row("HTTP", "beyond OTLP", `Content-Encoding ${name} is taken`, "a span is read back from the store", async (at) => {
      const span = aSpan();
      const encoding = name.split(" ")[0];
      assert.equal((await PROTOBUF_HTTP.send(at, "traces", traces(span), { compress, encoding })).ok, true);
      assert.equal((await at.stored(span.traceId)).spans.length, 1);
    }),
  ),
  row("HTTP", "OTLP/HTTP Request", "Another Content-Encoding is refused with 415 and the names of those taken", "snappy", async (at) => {
    const answer = await PROTOBUF_HTTP.send(at, "traces", traces(aSpan()), { encoding: "snappy" });
    assert.deepEqual([answer.code, answer.headers["accept-encoding"]], [415, "gzip, deflate, br, zstd, identity"]);
    assert.match(answer.status.message, /gzip, deflate, br, zstd, identity/);
  }),
  row("HTTP", "OTLP/HTTP Request", "Another Content-Type is refused with 415", "text/plain, and none", async (at) => {
    for (const headers of [{ "content-type": "text/plain" }, {}])
      assert.equal((await http(`${at.httpUrl}/v1/traces`, { headers, body: Buffer.from("{}") })).status, 415);
  }),
  row(
    "HTTP",
    "OTLP/HTTP Request",
    "Telemetry is posted; another method is refused with 405 and Allow",
    "GET, HEAD, PUT, OPTIONS",
    async (at) => {
      for (const method of ["GET", "HEAD", "PUT", "OPTIONS"]) {
        const { status, headers, body } = await http(`${at.httpUrl}/v1/traces`, { method, headers: { "content-type": JSON_TYPE } });
        assert.deepEqual([method, status, headers.allow], [method, 405, "POST"]);
        if (method === "HEAD") assert.equal(body.length, 0);
      }
    },
  ),
  row(
    "HTTP",
    "OTLP/HTTP Request",
    "The paths are /v1/traces, /v1/logs and /v1/metrics; others are refused",
    "404 for three others",
    async (at) => {
      for (const path of ["/", "/v1/trace", "/v1development/profiles"])
        assert.equal((await http(at.httpUrl + path, { headers: { "content-type": JSON_TYPE } })).status, 404);
      assert.equal((await http(`${at.httpUrl}/v1/traces?x=1`, { headers: { "content-type": PROTOBUF } })).status, 200);
    },
  ),
  ...forBoth("OTLP/HTTP: Failures", "The body of a refusal is a Status in the type of the request", "404, 413 and 415", async (by, at) => {
    const headers = { "content-type": by.type };
    const answers = [
      await http(`${at.httpUrl}/nothing`, { headers }),
      await http(`${at.small.httpUrl}/v1/traces`, { headers, body: Buffer.alloc(1_100_000) }),
      await http(`${at.httpUrl}/v1/traces`, { headers: { ...headers, "content-encoding": "x" } }),
    ];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [404, 413, 415],
    );
    for (const { body } of answers) {
      const status = by === JSON_HTTP ? JSON.parse(body.toString()) : decodeStatus(body);
      assert.ok(status.code > 0 && status.message.length > 0);
    }
  }),
  json("JSON Protobuf Encoding", "Ids are hex in either case", "upper case ids are read back in lower case", async (at) => {
    const span = aSpan();
    const shouted = { ...span, traceId: span.traceId.toUpperCase(), spanId: span.spanId.toUpperCase() };
    assert.equal((await JSON_HTTP.send(at, "traces", traces(shouted))).ok, true);
    assert.equal((await at.stored(span.traceId)).spans[0].spanId, span.spanId);
  }),
  json("JSON Protobuf Encoding", "Ids in base64 are no ids", "spans and log records are refused", async (at) => {
    const base64 = { traceId: "W47/9hc6VQ+Vrl2M3K9TXg==", spanId: "7uGd8y3LlQw=" };
    assert.equal((await JSON_HTTP.send(at, "traces", traces(aSpan(base64)))).code, 400);
    assert.equal((await JSON_HTTP.send(at, "logs", logs(aLog(base64)))).code, 400);
  }),
  json("JSON Protobuf Encoding", "64-bit integers may be text or numbers", "times and an attribute, both ways", async (at) => {
    const both = [(value) => String(value), (value) => value];
    for (const form of both) {
      const attributes = [{ key: "n", value: { intValue: form(7) } }];
      const span = aSpan({ startTimeUnixNano: form(1790000000000000000n.toString()), attributes });
      const text = JSON.stringify(traces(span)).replace(/"startTimeUnixNano":"(\d+)"/, form === both[0] ? "$&" : '"startTimeUnixNano":$1');
      assert.equal((await JSON_HTTP.send(at, "traces", {}, { raw: Buffer.from(text) })).ok, true);
      const [stored] = (await at.stored(span.traceId)).spans;
      assert.deepEqual([stored.startTimeUs, stored.attributes], [1_790_000_000_000_000, { n: 7 }]);
    }
  }),
  json("JSON Protobuf Encoding", "Enumerations are integers", "a kind and a status are read back", async (at) => {
    const span = aSpan({ kind: 4, status: { code: 1 } });
    await JSON_HTTP.send(at, "traces", traces(span));
    const [stored] = (await at.stored(span.traceId)).spans;
    assert.deepEqual([stored.kind, stored.status.code], [4, 1]);
  }),
  json(
    "JSON Protobuf Encoding",
    "Names are lowerCamelCase; snake_case is not read",
    "spans under snake_case names are not stored",
    async (at) => {
      const span = aSpan();
      const [{ scopeSpans }] = traces(span).resourceSpans;
      const { partial, ok } = await JSON_HTTP.send(at, "traces", { resourceSpans: [{ scope_spans: scopeSpans }] });
      assert.deepEqual([ok, partial], [true, undefined]);
      assert.equal((await at.stored(span.traceId)).spans.length, 0);
    },
  ),
  json("beyond OTLP", "Spans under a name known to be wrong are refused, not ignored and lost", "resource_spans gets 400", async (at) => {
    assert.equal((await JSON_HTTP.send(at, "traces", { resource_spans: traces(aSpan()).resourceSpans })).code, 400);
  }),
  json("JSON Protobuf Encoding", "null and a missing field mean the default", "a span with nulls is read back", async (at) => {
    const span = aSpan({ attributes: null, events: null, status: null, parentSpanId: null });
    assert.equal((await JSON_HTTP.send(at, "traces", traces(span))).ok, true);
    const [stored] = (await at.stored(span.traceId)).spans;
    assert.deepEqual([stored.attributes, stored.events, stored.parentSpanId], [{}, [], undefined]);
  }),
  json("JSON Protobuf Encoding", "Depth is bounded", "100,000 brackets are refused with 400", async (at) => {
    const raw = Buffer.from(`{"resourceSpans":${"[".repeat(100_000)}${"]".repeat(100_000)}}`);
    assert.equal((await JSON_HTTP.send(at, "traces", {}, { raw })).code, 400);
  }),
  row("HTTP", "OTLP/HTTP Connection", "A connection is kept for the next request", "five requests over one", async (at) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set();
    for (let time = 0; time < 5; time += 1) ports.add((await PROTOBUF_HTTP.send(at, "traces", traces(aSpan()), { agent })).port);
    agent.destroy();
    assert.equal(ports.size, 1);
  }),
  row("HTTP", "beyond OTLP", "A sender that asks first (Expect: 100-continue) is answered first", "413 without a body sent", async (at) => {
    const headers = { "content-type": PROTOBUF, expect: "100-continue", "content-length": 9_000_000 };
    const { status } = await http(`${at.small.httpUrl}/v1/traces`, { headers, body: Buffer.alloc(0), chunked: true });
    assert.equal(status, 413);
  }),
  row(
    "HTTP",
    "beyond OTLP",
    "With a token set, every request without it is refused with 401",
    "none, a wrong one, the right one",
    async (at) => {
      const send = async (headers) => (await PROTOBUF_HTTP.send(at.guarded, "traces", traces(aSpan()), { headers })).code;
      assert.deepEqual(
        [await send({}), await send({ authorization: "Bearer wrong" }), await send({ authorization: `Bearer ${at.token}` })],
        [401, 401, 200],
      );
    },
  ),
  row("HTTP", "beyond OTLP", "Pages of other origins may not send, unless they are listed", "a POST with an Origin", async (at) => {
    const headers = { origin: "https://page.example" };
    const id = newTraceId();
    assert.equal((await JSON_HTTP.send(at, "traces", traces(aSpan({ traceId: id })), { headers })).code, 403);
    assert.equal((await at.stored(id)).spans.length, 0);
  }),
];
