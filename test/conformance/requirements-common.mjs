/** What OTLP asks of a receiver whatever the transport: each requirement is checked over all three. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { GRPC, TRANSPORTS } from "./client.mjs";
import { aLog, aSpan, EVERY_VALUE, EVERY_VALUE_READ, logs, newSpanId, traces } from "./messages.mjs";

const HTTP_SECTION = "OTLP/HTTP";
const GRPC_SECTION = "OTLP/gRPC";
const MIB = 1024 * 1024;
const MAX_ANSWER_BYTES = 4 * MIB;

/** HTTP statuses and gRPC codes after which a client sends again. */
const RETRYABLE_HTTP = [429, 502, 503, 504];
const RETRYABLE_GRPC = [1, 4, 10, 11, 14, 15];

const rejectedNames = { traces: "rejectedSpans", logs: "rejectedLogRecords" };

/** [sections after the transport's own, requirement, how it is checked, check] */
const REQUIREMENTS = [
  [
    ["Full Success", "Full Success"],
    "Spans are taken and nothing of them is lost",
    "one span with a parent, an event, a link and a status; it is read back from the store",
    async (by, at) => {
      const link = aSpan();
      const span = aSpan({
        parentSpanId: newSpanId(),
        status: { code: 2, message: "failed" },
        events: [{ timeUnixNano: "1790000000500000000", name: "event", attributes: [{ key: "a", value: { stringValue: "b" } }] }],
        links: [{ traceId: link.traceId, spanId: link.spanId, attributes: [] }],
      });
      assert.equal((await by.send(at, "traces", traces(span))).ok, true);
      const [stored] = (await at.stored(span.traceId)).spans;
      const { spanId, parentSpanId, name, kind, status } = span;
      assert.deepEqual(
        [stored.spanId, stored.parentSpanId, stored.name, stored.kind, stored.status, stored.startTimeUs, stored.endTimeUs],
        [spanId, parentSpanId, name, kind, status, 1_790_000_000_123_456, 1_790_000_001_123_456],
      );
      assert.deepEqual(stored.events, [{ name: "event", timeUs: 1_790_000_000_500_000, attributes: { a: "b" } }]);
      assert.deepEqual(stored.links, [{ traceId: link.traceId, spanId: link.spanId, attributes: {} }]);
      assert.deepEqual([stored.resource, stored.scope], [{ "service.name": "conformance" }, { name: "test", version: "1" }]);
    },
  ],
  [
    ["Full Success", "Full Success"],
    "Log records are taken",
    "one GenAI event; it is read back from the store",
    async (by, at) => {
      const log = aLog({ severityNumber: 9 });
      assert.equal((await by.send(at, "logs", logs(log))).ok, true);
      const [stored] = (await at.stored(log.traceId)).logs;
      assert.deepEqual([stored.spanId, stored.eventName, stored.body], [log.spanId, "gen_ai.choice", "hi"]);
    },
  ],
  [
    ["Full Success", "Full Success"],
    "Metrics are taken, so that one exporter setting for all signals works",
    "an export of metrics is a success",
    async (by, at) => {
      const answer = await by.send(at, "metrics", { resourceMetrics: [{ resource: { attributes: EVERY_VALUE } }] });
      assert.deepEqual([answer.ok, answer.partial], [true, undefined]);
    },
  ],
  [
    ["Full Success", "Full Success"],
    "On full success partial_success is not set",
    "the answer for traces, logs and metrics is an empty message",
    async (by, at) => {
      for (const [signal, message] of [
        ["traces", traces(aSpan())],
        ["logs", logs(aLog())],
        ["metrics", { resourceMetrics: [] }],
      ]) {
        const { bytes, partial } = await by.send(at, signal, message);
        assert.equal(partial, undefined);
        assert.equal(bytes.toString("hex"), by === GRPC ? "0000000000" : by.name === "HTTP/JSON" ? "7b7d" : "");
      }
    },
  ],
  [
    ["Full Success", "Full Success"],
    "A request without telemetry is a success",
    "an empty message, and one with empty envelopes",
    async (by, at) => {
      for (const message of [{}, { resourceSpans: [] }, { resourceSpans: [{ scopeSpans: [] }] }, traces()]) {
        const answer = await by.send(at, "traces", message);
        assert.deepEqual([answer.ok, answer.partial], [true, undefined]);
      }
    },
  ],
  [
    ["Partial Success", "Partial Success"],
    "When part of the spans is bad the rest is taken, and the answer counts the rejected and says why",
    "one good span and one with a span id of 7 bytes",
    async (by, at) => {
      const good = aSpan();
      const { ok, partial } = await by.send(at, "traces", traces(good, aSpan({ spanId: "aabbccddeeff00" })));
      assert.deepEqual([ok, partial?.rejected], [true, 1]);
      assert.match(partial.message, /\w/);
      if (partial.name !== undefined) assert.equal(partial.name, rejectedNames.traces);
      assert.deepEqual(
        (await at.stored(good.traceId)).spans.map(({ spanId }) => spanId),
        [good.spanId],
      );
    },
  ],
  [
    ["Partial Success", "Partial Success"],
    "The same for log records; one without ids is good",
    "one log record outside of any trace and one with a trace id of 2 bytes",
    async (by, at) => {
      const { ok, partial } = await by.send(at, "logs", logs(aLog({ traceId: "", spanId: "" }), aLog({ traceId: "abcd" })));
      assert.deepEqual([ok, partial?.rejected], [true, 1]);
      if (partial.name !== undefined) assert.equal(partial.name, rejectedNames.logs);
    },
  ],
  [
    ["Bad Data", "Failures"],
    "Data that cannot be read is refused for good, with a Status that has BadRequest as detail",
    "random bytes, and spans that all have broken ids",
    async (by, at) => {
      for (const options of [{ raw: Buffer.from("this is not telemetry") }, {}]) {
        const answer = await by.send(at, "traces", traces(aSpan({ traceId: "abcd" })), options);
        assert.deepEqual([answer.ok, answer.code], [false, by.http ? 400 : 3]);
        assert.deepEqual([answer.status.code, answer.status.details], [3, ["BadRequest"]]);
        assert.match(answer.status.message, /\w/);
        assert.equal(answer.retryAfter, undefined);
      }
    },
  ],
  [
    ["OTLP/HTTP Request", "Failures"],
    "A request above the size limit is refused for good",
    "1 MiB and some more, where 1 MiB is allowed",
    async (by, { small }) => {
      const answer = await by.send(small, "traces", traces(aSpan({ name: "x".repeat(MIB + 100) })));
      assert.deepEqual([answer.ok, answer.code, answer.status.code, answer.status.details], [false, by.http ? 413 : 8, 8, []]);
      assert.equal((by.http ? RETRYABLE_HTTP : RETRYABLE_GRPC).includes(answer.code), false);
      assert.equal(answer.retryAfter, undefined);
    },
  ],
  [
    ["OTLP/HTTP Request", "Failures"],
    "The limit holds after decompression too",
    "2 kB of gzip that inflate to 2 MiB, where 1 MiB is allowed",
    async (by, { small }) => {
      const message = traces(aSpan({ name: "x".repeat(2 * MIB) }));
      const answer = await by.send(small, "traces", message, { compress: gzipSync, encoding: "gzip" });
      assert.deepEqual([answer.ok, answer.code, answer.status.details], [false, by.http ? 413 : 8, []]);
    },
  ],
  [
    ["OTLP/HTTP Request", "OTLP/gRPC Service and Protobuf Definitions"],
    "Requests of many megabytes are taken (64 MiB recommended)",
    "one span of 20 MiB",
    async (by, at) => {
      const span = aSpan({ attributes: [{ key: "long", value: { stringValue: "x".repeat(20 * MIB) } }] });
      assert.equal((await by.send(at, "traces", traces(span))).ok, true);
    },
  ],
  [
    ["OTLP/HTTP Request", "OTLP/gRPC Concurrent Requests"],
    "gzip is taken",
    "a span in gzip is read back from the store",
    async (by, at) => {
      const span = aSpan();
      assert.equal((await by.send(at, "traces", traces(span), { compress: gzipSync, encoding: "gzip" })).ok, true);
      assert.equal((await at.stored(span.traceId)).spans.length, 1);
    },
  ],
  [
    ["OTLP/HTTP Throttling", "OTLP/gRPC Throttling"],
    "A fault that passes is told as one, with the time after which to come back",
    "the store fails; over HTTP 503 and Retry-After, over gRPC UNAVAILABLE, both with RetryInfo",
    async (by, { away }) => {
      const answer = await by.send(away, "traces", traces(aSpan()));
      assert.deepEqual([answer.ok, answer.code, answer.status.details], [false, by.http ? 503 : 14, ["RetryInfo"]]);
      if (by.http) assert.match(answer.retryAfter, /^[1-9]\d*$/);
    },
  ],
  [
    ["Failures", "Failures"],
    "Only what may work later is answered with a code that makes clients send again",
    "random bytes, a wrong signal, a broken compression: none is retryable",
    async (by, at) => {
      const span = aSpan();
      for (const [signal, options] of [
        ["traces", { raw: Buffer.from([255, 255, 255]) }],
        ["logs", { raw: by.body("traces", traces(span)) }],
        ["traces", { compress: (plain) => Buffer.concat([Buffer.from("no"), plain]), encoding: "gzip" }],
      ]) {
        const { ok, code } = await by.send(at, signal, {}, options);
        assert.equal(ok, false);
        assert.equal((by.http ? RETRYABLE_HTTP : RETRYABLE_GRPC).includes(code), false, `${code} makes clients send again`);
      }
    },
  ],
  [
    ["OTLP/HTTP Response", "Failures"],
    "An answer has less than 4 MiB, whatever the request",
    "20,000 bad spans with long names",
    async (by, at) => {
      const spans = Array.from({ length: 20_000 }, () => aSpan({ spanId: "", name: "x".repeat(300) }));
      const { bytes } = await by.send(at, "traces", traces(aSpan(), ...spans));
      assert.ok(bytes.length < MAX_ANSWER_BYTES);
    },
  ],
  [
    ["OTLP/HTTP Concurrent Requests", "OTLP/gRPC Concurrent Requests"],
    "Requests may come at the same time and in any order",
    "40 at once; each span is read back",
    async (by, at) => {
      const spans = Array.from({ length: 40 }, () => aSpan());
      const answers = await Promise.all(spans.map((span) => by.send(at, "traces", traces(span))));
      assert.ok(answers.every(({ ok }) => ok));
      for (const { traceId, spanId } of spans) assert.equal((await at.stored(traceId)).spans[0].spanId, spanId);
    },
  ],
  [
    ["Duplicate Data", "Duplicate Data"],
    "A request that comes twice does not make its spans two",
    "the same request three times; the store holds one span",
    async (by, at) => {
      const span = aSpan();
      for (let time = 0; time < 3; time += 1) assert.equal((await by.send(at, "traces", traces(span))).ok, true);
      assert.equal((await at.stored(span.traceId)).spans.length, 1);
    },
  ],
  [
    ["Future Versions and Interoperability", "Future Versions and Interoperability"],
    "Fields that are not known are ignored",
    "a span with a field of a later version is read back without it",
    async (by, at) => {
      const span = aSpan({ fromALaterVersion: "new" });
      assert.equal((await by.send(at, "traces", traces(span))).ok, true);
      assert.equal((await at.stored(span.traceId)).spans[0].name, "chat");
    },
  ],
  [
    ["Binary and JSON Protobuf Encoding", "Service and Protobuf Definitions"],
    "Every kind of attribute value is read, and alike over every transport",
    "text, truth, integers beyond 2^53, doubles, bytes, lists, maps and the empty value",
    async (by, at) => {
      const span = aSpan({ attributes: EVERY_VALUE });
      assert.equal((await by.send(at, "traces", traces(span))).ok, true);
      assert.deepEqual((await at.stored(span.traceId)).spans[0].attributes, EVERY_VALUE_READ);
    },
  ],
];

export const common = REQUIREMENTS.flatMap(([[overHttp, overGrpc], requirement, method, check]) =>
  TRANSPORTS.map((by) => ({
    transport: by.name,
    section: section(by.http ? HTTP_SECTION : GRPC_SECTION, by.http ? overHttp : overGrpc),
    requirement,
    method,
    check: (at) => check(by, at),
  })),
);

function section(transport, name) {
  return name.startsWith("OTLP/") || name === "Duplicate Data" || name.startsWith("Future") ? name : `${transport}: ${name}`;
}
