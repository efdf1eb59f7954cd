import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { messageField, stringField } from "../../../collector/otlp/wire-writer.ts";
import { detectFormat } from "../../../src/backfill/detect-format.ts";
import { frameMessages, otlpJsonMessages } from "../../../src/backfill/otlp-message.ts";
import { bytesField, jsonTraces, SPAN_ID, sdkLogs, sdkSpans, TRACE_ID } from "../../support/otlp.ts";
import { bytesOf, facts, framed, jsonOf, logsJsonOf, logsProtobufOf, NOW_US, protobufOf, zstdOf } from "./files.ts";

const FIXTURE = "test/fixtures/spans/otel-instrumentation-openai.json";
const pretty = (value: unknown): Uint8Array => bytesOf(JSON.stringify(value, null, 2));

describe("a file is known by its content", () => {
  const line = '{"resourceSpans":[{"scopeSpans":[]}]}';
  test.each([
    ["lines", bytesOf(`${line}\n${line}\n`), "otlp-json-lines"],
    ["one line without an end", bytesOf(line), "otlp-json-lines"],
    ["a first line longer than what is looked at", bytesOf(line.slice(0, 30)), "otlp-json-lines"],
    ["logs in lines", bytesOf('{"resourceLogs":[]}\n'), "otlp-json-lines"],
    ["metrics first", bytesOf('{"resourceMetrics":[]}\n'), "otlp-json-lines"],
    ["lines of which the first is cut off", bytesOf(`${line.slice(0, 25)}\n${line}\n`), "otlp-json-lines"],
    ["lines behind a byte order mark and blanks", bytesOf(`\ufeff \n${line}\n`), "otlp-json-lines"],
    ["a pretty document", pretty(JSON.parse(line)), "otlp-json"],
    ["a recorded payload", readFileSync(FIXTURE).subarray(0, 65_536), "otlp-json"],
    ["protobuf behind lengths", framed(protobufOf()), "otlp-frames"],
    ["an empty message first", framed(new Uint8Array(0), protobufOf()), "otlp-frames"],
    ["zstd behind lengths", framed(zstdOf(protobufOf())), "otlp-frames"],
    ["JSON behind lengths", framed(jsonOf()), "otlp-frames"],
    ["Jaeger", pretty({ data: [{ traceID: "1", spans: [], processes: {} }], total: 0 }), "jaeger-json"],
    ["Jaeger with its counts first", pretty({ total: 1, errors: null, data: [] }), "jaeger-json"],
    ["one trace of Jaeger", pretty({ traceID: "1", spans: [], processes: {} }), "jaeger-json"],
    ["Tempo", pretty({ batches: [] }), "tempo-json"],
    ["Tempo's second API", pretty({ trace: { resourceSpans: [] }, metrics: {} }), "tempo-json"],
    ["CSV", bytesOf("trace_id,span_id\n1,2\n"), undefined],
    ["other JSON", pretty({ name: "x", nested: { resourceSpans: [] } }), undefined],
    ["a list", pretty([{ resourceSpans: [] }]), undefined],
    ["protobuf without a length", protobufOf(), undefined],
    ["zeros", new Uint8Array(100), undefined],
  ])("%s", (_what, head, format) => {
    expect(detectFormat(head)).toBe(format);
  });

  test("any bytes get an answer", () => {
    for (let length = 0; length < 12; length += 1) expect(() => detectFormat(new Uint8Array(length).fill(0x7b))).not.toThrow();
  });
});

describe("OTLP", () => {
  const spans = sdkSpans({ traces: 3, children: 2 });

  test("reads the same from JSON, protobuf and zstd", () => {
    const expected = [
      { signal: "traces", traceIds: [...new Set(spans.map((span) => span.spanContext().traceId))], spans: 9, logs: 0, rejected: 0 },
    ];
    expect(facts(otlpJsonMessages(jsonOf(spans), NOW_US))).toEqual(expected);
    expect(facts(frameMessages(protobufOf(spans), NOW_US))).toEqual(expected);
    expect(facts(frameMessages(zstdOf(protobufOf(spans)), NOW_US))).toEqual(expected);
    expect(facts(frameMessages(zstdOf(jsonOf(spans)), NOW_US))).toEqual(expected);
  });

  test("keeps the body as it is in the file", () => {
    const given = protobufOf(spans);
    const [message] = frameMessages(given.slice(), NOW_US);
    expect(message?.body).toMatchObject({ format: "otlp-protobuf", encoding: "identity", receivedAtUs: NOW_US });
    expect(Buffer.compare(message?.body.body ?? new Uint8Array(0), given)).toBe(0);
  });

  test("tells logs from spans", () => {
    const logs = sdkLogs(2);
    expect(otlpJsonMessages(logsJsonOf(logs), NOW_US).map(({ body }) => body.signal)).toEqual(["logs"]);
    expect(frameMessages(logsProtobufOf(logs), NOW_US).map(({ body }) => body.signal)).toEqual(["logs"]);
  });

  test("takes both from a document that has both", () => {
    const messages = otlpJsonMessages(new Uint8Array(readFileSync(FIXTURE)), NOW_US);
    expect(messages.map(({ body, spans: count, logs }) => [body.signal, count > 0, logs > 0])).toEqual([
      ["traces", true, false],
      ["logs", false, true],
    ]);
    expect(messages[0]?.body.body.buffer).not.toBe(messages[1]?.body.body.buffer);
  });

  test("tells spans from logs also by what few fields they have", () => {
    const request = (item: Uint8Array) => messageField(1, [messageField(2, [messageField(2, [item])])]);
    const span = Buffer.concat([bytesField(1, TRACE_ID), bytesField(2, SPAN_ID), stringField(5, "span")]);
    const log = Buffer.concat([stringField(5, ""), bytesField(9, TRACE_ID), bytesField(10, SPAN_ID)]);
    expect(frameMessages(request(span), NOW_US)[0]?.body.signal).toBe("traces");
    expect(frameMessages(request(log), NOW_US)[0]?.body.signal).toBe("logs");
    for (const field of [1, 11]) {
      const time = Buffer.concat([Buffer.from([field * 8 + 1]), Buffer.alloc(8, 1), bytesField(9, TRACE_ID)]);
      expect(frameMessages(request(time), NOW_US)[0]?.body.signal).toBe("logs");
    }
    expect(() => frameMessages(request(stringField(3, "?")), NOW_US)).toThrow("neither spans nor log records nor metrics");
  });

  test("passes over metrics and empty requests", () => {
    const metric = Buffer.concat([stringField(1, "gen_ai.tokens"), stringField(3, "1"), messageField(7, [])]);
    expect(frameMessages(messageField(1, [messageField(2, [messageField(2, [metric])])]), NOW_US)).toEqual([]);
    expect(frameMessages(messageField(1, []), NOW_US)).toEqual([]);
    expect(otlpJsonMessages(bytesOf('{"resourceMetrics":[{}]}'), NOW_US)).toEqual([]);
    expect(otlpJsonMessages(bytesOf("{}"), NOW_US)).toEqual([]);
  });

  test.each([
    ["cut off", '{"resourceSpans":[{"scope', "not JSON"],
    ["something else", '{"level":"info","msg":"started"}', "it has level, msg and no resourceSpans"],
    ["snake case", '{"resource_spans":[]}', "resource_spans"],
    ["no object", "[]", "not an OTLP/JSON object"],
    [
      "ids in base64",
      Buffer.from(jsonTraces([["CvdlGRbNQ92ESOshHIAxnA==", "t61rcWkgMzE="]])).toString(),
      "none of its 1 spans can be used",
    ],
  ])("refuses a line that is %s, with the reason", (_what, line, reason) => {
    expect(() => otlpJsonMessages(bytesOf(line), NOW_US)).toThrow(reason);
  });

  test("counts the spans with bad ids among good ones", () => {
    expect(
      facts(
        otlpJsonMessages(
          new Uint8Array(
            jsonTraces([
              [TRACE_ID, SPAN_ID],
              ["12", SPAN_ID],
            ]),
          ),
          NOW_US,
        ),
      ),
    ).toMatchObject([{ spans: 1, rejected: 1, traceIds: [TRACE_ID] }]);
  });
});
