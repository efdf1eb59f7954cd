import { readdirSync, readFileSync } from "node:fs";
import { serialize } from "node:v8";
import { gzipSync } from "node:zlib";
import { ROOT_CONTEXT, type SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { JsonLogsSerializer, JsonTraceSerializer, ProtobufLogsSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { InMemoryLogRecordExporter, LoggerProvider, type ReadableLogRecord, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { joinChunks } from "../../../src/base/chunks.ts";
import { isLearnError } from "../../../src/base/error.ts";
import { decodeBody, type EncodedBody } from "../../../src/span/otlp/decode-body.ts";
import { decodeJson } from "../../../src/span/otlp/decode-json.ts";
import { decodeProtobuf } from "../../../src/span/otlp/decode-protobuf.ts";
import type { RawBatch } from "../../../src/span/raw-span.ts";
import { compress, ENCODINGS } from "../../support/compressed.ts";
import { aRawLog, aRawSpan, SPAN_ID, TRACE_ID } from "./raw-factory.ts";

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const spanJson = (fields: object): Uint8Array =>
  json({ resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: TRACE_ID, spanId: SPAN_ID, ...fields }] }] }] });
const codeOf = (run: () => unknown): string => {
  try {
    run();
    return "none";
  } catch (caught) {
    return isLearnError(caught) ? caught.code : `not a LearnError: ${String(caught)}`;
  }
};

const attributeValue = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.boolean(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noDefaultInfinity: true, noNaN: true }).filter((number) => !Number.isInteger(number) || Number.isSafeInteger(number)),
  fc.array(fc.string({ unit: "grapheme" })),
  fc.array(fc.boolean()),
  fc.array(fc.maxSafeInteger()),
);
// The SDK loses an attribute named __proto__; decoding one has its own test.
const key = fc.string({ minLength: 1, unit: "grapheme" }).filter((name) => name !== "__proto__");
const attributes = fc.dictionary(key, attributeValue, { maxKeys: 8 });

function sdkSpans(given: {
  name: string;
  kind: number;
  values: object;
  eventName: string;
  message: string;
  remote: boolean;
}): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const resource = resourceFromAttributes({ "service.name": "shop", "service.instance": 3 });
  const tracer = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer("scope", "1.2");
  const values = given.values as Record<string, string>;
  const parent = tracer.startSpan("parent", { kind: given.kind as SpanKind, attributes: values }, ROOT_CONTEXT);
  const over = given.remote
    ? trace.setSpanContext(ROOT_CONTEXT, { ...parent.spanContext(), isRemote: true })
    : trace.setSpan(ROOT_CONTEXT, parent);
  const child = tracer.startSpan(given.name, { attributes: values, links: [{ context: parent.spanContext(), attributes: values }] }, over);
  child.addEvent(given.eventName, values);
  child.recordException(new Error(given.message));
  child.setStatus({ code: SpanStatusCode.ERROR, message: given.message });
  child.end();
  parent.end();
  return exporter.getFinishedSpans();
}

describe("the two encodings of the same request", () => {
  const text = fc.string({ minLength: 1, unit: "grapheme" });

  test("give the same spans", () => {
    const given = fc.record({ name: text, kind: fc.nat(4), values: attributes, eventName: text, message: text, remote: fc.boolean() });
    fc.assert(
      fc.property(given, (fields) => {
        const spans = sdkSpans(fields);
        const fromProtobuf = decodeProtobuf(ProtobufTraceSerializer.serializeRequest(spans) as Uint8Array, "traces");
        const fromJson = decodeJson(JsonTraceSerializer.serializeRequest(spans) as Uint8Array, "traces");
        expect(fromProtobuf).toEqual(fromJson);
        const [child, parent] = fromProtobuf.batch.spans;
        expect([child?.name, child?.parentSpanId, child?.status]).toEqual([
          fields.name,
          parent?.spanId,
          { code: 2, message: fields.message },
        ]);
        expect([child?.remoteParent ?? false, parent?.kind, child?.scope]).toEqual([
          fields.remote,
          fields.kind + 1,
          { name: "scope", version: "1.2" },
        ]);
        expect(child?.resource).toBe(parent?.resource);
        expect(Object.keys(child?.attributes ?? {}).sort()).toEqual(Object.keys(fields.values).sort());
      }),
      { numRuns: 60 },
    );
  });

  test("give the same logs, structured bodies and all", () => {
    const body = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        attributeValue,
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(key, tie("value"), { maxKeys: 3 }),
      ),
    })).value;
    fc.assert(
      fc.property(body, attributes, fc.boolean(), (said, values, named) => {
        const records = sdkLogs(said, values, named);
        const fromProtobuf = decodeProtobuf(ProtobufLogsSerializer.serializeRequest(records) as Uint8Array, "logs");
        const fromJson = decodeJson(JsonLogsSerializer.serializeRequest(records) as Uint8Array, "logs");
        expect(fromProtobuf).toEqual(fromJson);
        expect(fromProtobuf.batch.logs.map((log) => [log.traceId, log.eventName])).toEqual([
          [TRACE_ID, named ? "gen_ai.choice" : undefined],
        ]);
      }),
      { numRuns: 60 },
    );
  });
});

function sdkLogs(body: unknown, values: object, named: boolean): ReadableLogRecord[] {
  const exporter = new InMemoryLogRecordExporter();
  const logger = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] }).getLogger("scope");
  const context = trace.setSpanContext(ROOT_CONTEXT, { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 1 });
  const record = { body: body as string, attributes: values as Record<string, string>, ...(named ? { eventName: "gen_ai.choice" } : {}) };
  logger.emit({ ...record, context });
  // Outside of any span: such records belong to nothing.
  logger.emit({ ...record, context: ROOT_CONTEXT });
  return exporter.getFinishedLogRecords();
}

describe("times", () => {
  test("keep their microseconds", () => {
    const [span] = decodeJson(spanJson({ startTimeUnixNano: "1795376697530954339", endTimeUnixNano: 1_500 }), "traces").batch.spans;
    expect([span?.startTimeUs, span?.endTimeUs]).toEqual([1_795_376_697_530_954, 1]);
  });

  test("are the same in both encodings for every nanosecond of 64 bits", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 9_007_199_254_740_991_999n), (nanos) => {
        const bytes = Buffer.alloc(9);
        bytes[0] = (7 << 3) | 1;
        bytes.writeBigUInt64LE(nanos, 1);
        const fromProtobuf = decodeProtobuf(spanProtobuf(bytes), "traces").batch.spans[0]?.startTimeUs;
        const fromJson = decodeJson(spanJson({ startTimeUnixNano: nanos.toString() }), "traces").batch.spans[0]?.startTimeUs;
        expect([fromProtobuf, fromJson]).toEqual([Number(nanos / 1000n), Number(nanos / 1000n)]);
      }),
    );
  });
});

const field = (number: number, ...contents: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(contents);
  const length: number[] = [];
  let left = content.length;
  do {
    length.push(left > 127 ? (left & 127) | 128 : left);
    left >>>= 7;
  } while (left > 0);
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), content]);
};
const ids = (traceId = TRACE_ID, spanId = SPAN_ID): Buffer =>
  Buffer.concat([field(1, Buffer.from(traceId, "hex")), field(2, Buffer.from(spanId, "hex"))]);
const spanProtobuf = (...fields: Uint8Array[]): Buffer => field(1, field(2, field(2, ids(), ...fields)));

describe("integers", () => {
  test.each([
    ["9007199254740991", 9_007_199_254_740_991],
    ["9007199254740993", "9007199254740993"],
    ["-9223372036854775808", "-9223372036854775808"],
    [7, 7],
    ["0", 0],
    ["-0", 0],
    ["seven", null],
  ])("written %s read %s", (written, value) => {
    const [span] = decodeJson(spanJson({ attributes: [{ key: "n", value: { intValue: written } }] }), "traces").batch.spans;
    expect(span?.attributes).toEqual({ n: value });
  });

  test("of 64 bits read the same from protobuf", () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
        const varint: number[] = [3 << 3];
        let left = BigInt.asUintN(64, value);
        do {
          varint.push(Number(left & 127n) | (left > 127n ? 128 : 0));
          left >>= 7n;
        } while (left > 0n);
        const body = spanProtobuf(field(9, field(1, Buffer.from("n")), field(2, Buffer.from(varint))));
        const expected = decodeJson(spanJson({ attributes: [{ key: "n", value: { intValue: value.toString() } }] }), "traces");
        expect(decodeProtobuf(body, "traces").batch.spans[0]?.attributes).toEqual(expected.batch.spans[0]?.attributes);
      }),
    );
  });
});

describe("OTLP/JSON", () => {
  test("reads ids in any case", () => {
    const [span] = decodeJson(spanJson({ traceId: TRACE_ID.toUpperCase(), parentSpanId: "ABCDEF0123456789" }), "traces").batch.spans;
    expect([span?.traceId, span?.parentSpanId]).toEqual([TRACE_ID, "abcdef0123456789"]);
  });

  test("ignores unknown fields and reads bytes as base64", () => {
    const body = spanJson({ unheardOf: [1], attributes: [{ key: "b", value: { bytesValue: "AAE=" }, more: 1 }] });
    expect(decodeJson(body, "traces").batch.spans[0]?.attributes).toEqual({ b: "AAE=" });
  });

  test("keeps a key named __proto__ as data", () => {
    const [span] = decodeJson(spanJson({ attributes: [{ key: "__proto__", value: { stringValue: "x" } }] }), "traces").batch.spans;
    expect(Object.entries(span?.attributes ?? {})).toEqual([["__proto__", "x"]]);
    expect(Object.getPrototypeOf(span?.attributes)).toBe(Object.prototype);
  });

  test("takes an empty request", () => {
    expect(decodeJson(json({}), "traces")).toEqual({ batch: { spans: [], logs: [] }, rejected: 0 });
  });

  test.each([
    ["no JSON", Buffer.from("resourceSpans")],
    ["a list", json([])],
    ["a wrong type", json({ resourceSpans: {} })],
    ["logs on the traces path", json({ resourceLogs: [] })],
    ["snake_case", json({ resource_spans: [] })],
  ])("refuses %s as invalid", (_what, body) => {
    expect(codeOf(() => decodeJson(body, "traces"))).toBe("invalid");
  });
});

describe("a span with bad ids", () => {
  const good = { traceId: TRACE_ID, spanId: SPAN_ID };
  const bad = [
    { traceId: "", spanId: SPAN_ID },
    { traceId: "0".repeat(32), spanId: SPAN_ID },
    { traceId: TRACE_ID, spanId: "xyz" },
  ];

  test("is rejected alone in JSON", () => {
    const result = decodeJson(json({ resourceSpans: [{ scopeSpans: [{ spans: [...bad, good] }] }] }), "traces");
    expect([result.rejected, result.batch.spans.length]).toEqual([3, 1]);
    expect(result.reason).toContain("trace id");
  });

  test("is rejected alone in protobuf", () => {
    const spans = [ids("00"), ids(TRACE_ID, "00".repeat(8)), Buffer.alloc(0), ids()].map((span) => field(2, span));
    const result = decodeProtobuf(field(1, field(2, ...spans)), "traces");
    expect([result.rejected, result.batch.spans.length]).toEqual([3, 1]);
  });

  test("or an invalid body comes of logs sent to the traces path, so nothing is taken for stored", () => {
    const body = ProtobufLogsSerializer.serializeRequest(sdkLogs("x", {}, true)) as Uint8Array;
    const noIds = ProtobufLogsSerializer.serializeRequest(sdkLogs("x", {}, true).slice(1)) as Uint8Array;
    expect(codeOf(() => decodeProtobuf(body, "traces"))).toBe("invalid");
    expect(decodeProtobuf(noIds, "traces")).toMatchObject({ batch: { spans: [] }, rejected: 1 });
  });
});

test("a resource that stands behind its spans on the wire is theirs", () => {
  const resource = field(1, field(1, field(1, Buffer.from("service.name")), field(2, field(1, Buffer.from("shop")))));
  const result = decodeProtobuf(field(1, field(2, field(2, ids())), resource), "traces");
  expect(result.batch.spans[0]?.resource).toEqual({ "service.name": "shop" });
});

describe("limits", () => {
  const nestedJson = (depth: number): object => (depth === 0 ? { stringValue: "x" } : { arrayValue: { values: [nestedJson(depth - 1)] } });
  const nestedProtobuf = (depth: number): Buffer =>
    depth === 0 ? field(1, Buffer.from("x")) : field(5, field(1, nestedProtobuf(depth - 1)));

  test.each([
    [31, 0],
    [32, 1],
    [100, 1],
  ])("a value nested %i levels rejects %i spans in both encodings", (depth, rejected) => {
    const fromJson = decodeJson(spanJson({ attributes: [{ key: "k", value: nestedJson(depth) }] }), "traces");
    const fromProtobuf = decodeProtobuf(spanProtobuf(field(9, field(1, Buffer.from("k")), field(2, nestedProtobuf(depth)))), "traces");
    expect([fromJson.rejected, fromProtobuf.rejected]).toEqual([rejected, rejected]);
    expect(fromProtobuf).toEqual({ ...fromJson, batch: { spans: fromProtobuf.batch.spans, logs: [] } });
  });

  test("a million two-byte attributes are refused as too large", () => {
    const bomb = spanProtobuf(Buffer.from("4a00".repeat(1_000_001), "hex"));
    expect(codeOf(() => decodeProtobuf(bomb, "traces"))).toBe("too-large");
  });

  test("a JSON structure bomb is refused before it is parsed", () => {
    const bomb = Buffer.from(`{"resourceSpans":[${"{},".repeat(5_000_000)}{}]}`);
    expect(codeOf(() => decodeJson(bomb, "traces"))).toBe("too-large");
  });

  test("JSON that nests without end is refused as invalid", () => {
    expect(codeOf(() => decodeJson(Buffer.from("[".repeat(100_000)), "traces"))).toBe("invalid");
  });

  test("the count of items is an option", () => {
    const body = spanJson({ attributes: Array.from({ length: 10 }, (_unused, index) => ({ key: `k${index}`, value: { intValue: 1 } })) });
    expect(codeOf(() => decodeJson(body, "traces", { maxItems: 21 }))).toBe("none");
    expect(codeOf(() => decodeJson(body, "traces", { maxItems: 20 }))).toBe("too-large");
  });
});

describe("random bytes", () => {
  const outcome = (run: () => unknown): boolean => ["none", "invalid", "too-large"].includes(codeOf(run));

  test("are invalid or a result, never another error", () => {
    const format = fc.constantFrom("otlp-protobuf" as const, "otlp-json" as const, "batch" as const);
    const signal = fc.constantFrom("traces" as const, "logs" as const);
    const encoding = fc.constantFrom(...ENCODINGS);
    fc.assert(
      fc.property(format, signal, encoding, fc.uint8Array({ maxLength: 300 }), (...[as, of, by, bytes]) =>
        outcome(() => decodeBody({ format: as, signal: of, encoding: by, body: bytes })),
      ),
      { numRuns: 2000 },
    );
  });

  test("inside a real request are invalid or a result", () => {
    const real = Buffer.from(
      ProtobufTraceSerializer.serializeRequest(
        sdkSpans({ name: "n", kind: 1, values: { a: [1, 2], b: "text", c: 1.5 }, eventName: "e", message: "m", remote: true }),
      ) as Uint8Array,
    );
    const batch = serialize({ spans: [aRawSpan({ a: [1, { b: "c" }] })], logs: [aRawLog()] });
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.boolean(), flips, fc.nat(), (useBatch, changes, cut) => {
        const bytes = Buffer.from(useBatch ? batch : real);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const body = bytes.subarray(0, cut % 3 === 0 ? cut % bytes.length : bytes.length);
        return outcome(() => decodeBody({ format: useBatch ? "batch" : "otlp-protobuf", signal: "traces", encoding: "identity", body }));
      }),
      { numRuns: 3000 },
    );
  });
});

describe("decodeBody", () => {
  const body = (fields: Partial<EncodedBody>): EncodedBody => ({
    format: "otlp-json",
    signal: "traces",
    encoding: "identity",
    body: spanJson({}),
    ...fields,
  });

  test("reads gzip, also of several members", () => {
    const whole = Buffer.from(spanJson({}));
    const members = Buffer.concat([gzipSync(whole.subarray(0, 20)), gzipSync(whole.subarray(20))]);
    expect(decodeBody(body({ encoding: "gzip", body: members }))).toEqual(decodeBody(body({})));
  });

  test.each(ENCODINGS)("reads %s as it reads the body without", (encoding) => {
    expect(decodeBody(body({ encoding, body: compress(spanJson({}), encoding) }))).toEqual(decodeBody(body({})));
  });

  test.each(ENCODINGS)("refuses %s that grows beyond maxBytes", (encoding) => {
    const bomb = compress(Buffer.alloc(100_000), encoding);
    expect(codeOf(() => decodeBody(body({ encoding, body: bomb }), { maxBytes: 99_999 }))).toBe("too-large");
    expect(codeOf(() => decodeBody(body({}), { maxBytes: 10 }))).toBe("too-large");
  });

  test("refuses what is not gzip as invalid", () => {
    expect(codeOf(() => decodeBody(body({ encoding: "gzip" })))).toBe("invalid");
  });

  test("gives a serialised batch back as it was", () => {
    const batch: RawBatch = {
      spans: [aRawSpan({ list: [1, "a", null, { deep: true }] }, { remoteParent: true })],
      logs: [aRawLog({ body: { content: "hi" } })],
    };
    expect(decodeBody(body({ format: "batch", body: serialize(batch) }))).toEqual({ batch, rejected: 0 });
  });

  test("keeps one copy of a resource that spans share", () => {
    const resource = { "service.name": "shop" };
    const spans = [aRawSpan({}, { resource }), aRawSpan({}, { resource })];
    const result = decodeBody(body({ format: "batch", body: serialize({ spans, logs: [] }) }));
    expect(result.batch.spans[0]?.resource).toBe(result.batch.spans[1]?.resource);
  });

  test("makes data of what else a serialised batch may hold, and rejects bad spans alone", () => {
    const cycle: { self?: unknown; map: unknown } = { map: new Map([["a", 1]]) };
    cycle.self = cycle;
    const spans = [{ ...aRawSpan(), attributes: { cycle, big: 2n ** 60n } }, { ...aRawSpan(), spanId: "1" }, 7];
    const result = decodeBody(body({ format: "batch", body: serialize({ spans, logs: [] }) }));
    expect([result.rejected, result.batch.spans[0]?.attributes]).toEqual([2, { cycle: { map: {} }, big: (2n ** 60n).toString() }]);
  });

  test("refuses a serialised value that is no batch", () => {
    expect(codeOf(() => decodeBody(body({ format: "batch", body: serialize({ spans: 1 }) })))).toBe("invalid");
    for (const chunks of [[serialize({ spans: [], logs: [] }), serialize({ spans: 1 })], [new Uint8Array([1])], []]) {
      expect(codeOf(() => decodeBody(body({ format: "batch", body: joinChunks(chunks) })))).toBe("invalid");
    }
    const cut = joinChunks([serialize({ spans: [], logs: [] })]).subarray(0, -1);
    expect(codeOf(() => decodeBody(body({ format: "batch", body: cut })))).toBe("invalid");
  });
});

test("every recorded OTLP payload decodes with nothing rejected", () => {
  const folder = new URL("../../fixtures/spans/", import.meta.url);
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(new URL(name, folder));
    if (bytes[0] !== "{".charCodeAt(0)) continue;
    for (const signal of ["traces", "logs"] as const) expect(decodeJson(bytes, signal).rejected).toBe(0);
  }
});
