import { readFileSync } from "node:fs";
import { JsonLogsSerializer, JsonTraceSerializer, ProtobufLogsSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createIdReader } from "../../../collector/otlp/id-reader.ts";
import type { TraceIds } from "../../../collector/otlp/trace-ids.ts";
import { messageField, stringField, varintField } from "../../../collector/otlp/wire-writer.ts";
import type { OtlpContentType } from "../../../collector/request.ts";
import { isLearnError } from "../../../src/base/error.ts";
import { decodeBody, MAX_STORED_ITEMS } from "../../../src/span/otlp/decode-body.ts";
import { bytesField, jsonTraces, protobufTraces, SPAN_ID, sdkLogs, sdkSpans, TRACE_ID } from "../../support/otlp.ts";

const PROTOBUF = "application/x-protobuf";
const JSON_TYPE = "application/json";
const ZERO_TRACE = "0".repeat(32);

function read(body: Uint8Array, contentType: OtlpContentType, signal: "traces" | "logs" = "traces", maxItems = 10_000): TraceIds {
  return readIn(body.length, body, contentType, signal, maxItems);
}

/** The body in pieces, as a socket or a decompressor hands it on. */
function readIn(
  step: number,
  body: Uint8Array,
  contentType: OtlpContentType,
  signal: "traces" | "logs" = "traces",
  maxItems = 10_000,
): TraceIds {
  const reader = createIdReader({ signal, contentType, maxItems, maxBytes: 64 * 1024 * 1024 });
  for (let at = 0; at < body.length; at += step) reader.feed(body.subarray(at, at + step));
  return reader.end();
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (caught) {
    if (isLearnError(caught)) return caught.code;
    throw caught;
  }
  return "none";
}

function outcomeOf(action: () => TraceIds): TraceIds | string {
  try {
    return action();
  } catch (caught) {
    if (isLearnError(caught)) return caught.code;
    throw caught;
  }
}

describe.each([
  [PROTOBUF, ProtobufTraceSerializer, ProtobufLogsSerializer],
  [JSON_TYPE, JsonTraceSerializer, JsonLogsSerializer],
] as const)("what an SDK serialises as %s", (contentType, traces, logs) => {
  test("gives every trace id once, in order, and counts the spans", () => {
    const spans = sdkSpans({ traces: 5, children: 4 });
    const ids = read(traces.serializeRequest(spans) as Uint8Array, contentType);
    expect(ids).toEqual({
      traceIds: [...new Set(spans.map((span) => span.spanContext().traceId))],
      items: 25,
      rejected: 0,
      badTraceIds: 0,
    });
  });

  test("may be log records outside of any trace", () => {
    expect(read(logs.serializeRequest(sdkLogs(3)) as Uint8Array, contentType, "logs")).toEqual({
      traceIds: [],
      items: 3,
      rejected: 0,
      badTraceIds: 0,
    });
  });

  test("may be empty", () => {
    expect(read(traces.serializeRequest([]) as Uint8Array, contentType)).toEqual({ traceIds: [], items: 0, rejected: 0, badTraceIds: 0 });
  });
});

test.each([
  "anthropic-sdk-native",
  "openinference-instrumentation-openai",
  "openinference-langchain",
  "otel-instrumentation-openai",
  "traceloop-instrumentation-openai",
  "traceloop-node-server-sdk",
  "vercel-ai7-modern",
])("reads every span and log that %s really sent", (name) => {
  const text = readFileSync(new URL(`../../fixtures/spans/${name}.json`, import.meta.url), "utf8");
  const { resourceSpans, resourceLogs } = JSON.parse(text);
  const idsIn = (part: unknown) => new Set(Array.from(JSON.stringify(part).matchAll(/"traceId":"([0-9a-f]{32})"/g), (match) => match[1]));
  const spans = read(Buffer.from(JSON.stringify({ resourceSpans })), JSON_TYPE);
  const logs = read(Buffer.from(JSON.stringify({ resourceLogs })), JSON_TYPE, "logs");
  expect(new Set(spans.traceIds)).toEqual(idsIn(resourceSpans));
  expect(new Set(logs.traceIds)).toEqual(idsIn(resourceLogs));
  expect([spans.items > 0, spans.rejected, logs.rejected]).toEqual([true, 0, 0]);
});

describe("a span is rejected alone", () => {
  const bad: [string, string, string][] = [
    ["a trace id of 15 bytes", TRACE_ID.slice(2), SPAN_ID],
    ["a trace id of 24 bytes, which is hex read as base64", TRACE_ID + SPAN_ID, SPAN_ID],
    ["no trace id", "", SPAN_ID],
    ["a trace id of zeros", ZERO_TRACE, SPAN_ID],
    ["a span id of 7 bytes", TRACE_ID, SPAN_ID.slice(2)],
    ["no span id", TRACE_ID, ""],
    ["a span id of zeros", TRACE_ID, "0".repeat(16)],
  ];
  test.each(bad)("for %s in protobuf", (_what, traceId, spanId) => {
    const ids: [string, string][] = [
      [traceId, spanId],
      [TRACE_ID, SPAN_ID],
    ];
    expect(read(protobufTraces(ids), PROTOBUF)).toEqual({
      traceIds: [TRACE_ID],
      items: 2,
      rejected: 1,
      badTraceIds: traceId === TRACE_ID ? 0 : 1,
    });
  });
  const badInJson: [string, unknown, unknown][] = [
    ...bad,
    ["letters that are not hex", "z".repeat(32), SPAN_ID],
    ["a number as id", 7, SPAN_ID],
  ];
  test.each(badInJson)("for %s in JSON", (_what, traceId, spanId) => {
    const ids: [unknown, unknown][] = [
      [traceId, spanId],
      [TRACE_ID, SPAN_ID],
    ];
    expect(read(jsonTraces(ids), JSON_TYPE)).toEqual({
      traceIds: [TRACE_ID],
      items: 2,
      rejected: 1,
      badTraceIds: traceId === TRACE_ID ? 0 : 1,
    });
  });
});

test("takes hex ids in either case and gives them in lower case", () => {
  expect(read(jsonTraces([[TRACE_ID.toUpperCase(), SPAN_ID.toUpperCase()]]), JSON_TYPE).traceIds).toEqual([TRACE_ID]);
});

test("rejects a log record whose trace id has another length, and keeps one without", () => {
  const record = (traceId: string) => messageField(2, [stringField(3, "INFO"), bytesField(9, traceId)]);
  const body = messageField(1, [messageField(2, [record("abcd"), record(""), record(ZERO_TRACE), record(TRACE_ID)])]);
  expect(read(body, PROTOBUF, "logs")).toEqual({ traceIds: [TRACE_ID], items: 4, rejected: 1, badTraceIds: 1 });
});

test("ignores fields that a later OTLP may add", () => {
  const later = [stringField(40, "new"), varintField(41, 1)];
  expect(read(protobufTraces([[TRACE_ID, SPAN_ID]], ...later), PROTOBUF).traceIds).toEqual([TRACE_ID]);
  expect(read(jsonTraces([[TRACE_ID, SPAN_ID]], { newField: { a: [1] } }), JSON_TYPE).traceIds).toEqual([TRACE_ID]);
});

test.each([
  ["logs sent as traces", () => read(ProtobufLogsSerializer.serializeRequest(sdkLogs()) as Uint8Array, PROTOBUF, "traces")],
  ["traces sent as logs", () => read(ProtobufTraceSerializer.serializeRequest(sdkSpans()) as Uint8Array, PROTOBUF, "logs")],
  ["JSON logs sent as traces", () => read(JsonLogsSerializer.serializeRequest(sdkLogs()) as Uint8Array, JSON_TYPE, "traces")],
  ["snake_case JSON", () => read(Buffer.from('{"resource_spans":[]}'), JSON_TYPE)],
  ["JSON labelled protobuf", () => read(jsonTraces([[TRACE_ID, SPAN_ID]]), PROTOBUF)],
  ["protobuf labelled JSON", () => read(protobufTraces([[TRACE_ID, SPAN_ID]]), JSON_TYPE)],
  ["a body cut off", () => read(protobufTraces([[TRACE_ID, SPAN_ID]]).slice(0, -3), PROTOBUF)],
  ["a span whose field runs past its end", () => read(Buffer.from([0x0a, 4, 0x12, 2, 0x12, 9]), PROTOBUF)],
  [
    "a span that ends inside of a number",
    () => read(Buffer.from([0x0a, 6, 0x12, 4, 0x12, 2, 0x39, 0, 0x0a, 0, 0x0a, 0, 0x0a, 0]), PROTOBUF),
  ],
  ["an endless number", () => read(Buffer.alloc(20, 0xff), PROTOBUF)],
  // Found by mutants: read as a double it looked like wire type 0, and the decoder, which takes 32 bits, could not map the body.
  ["a field number beyond 2^53", () => read(Buffer.from([...Array(9).fill(0xff), 0x01, 0x00]), PROTOBUF)],
  ["field number 0", () => read(Buffer.from([0x02, 0x00]), PROTOBUF)],
  ["an empty JSON body", () => read(new Uint8Array(0), JSON_TYPE)],
  ["a JSON list", () => read(Buffer.from("[]"), JSON_TYPE)],
  ["a JSON null among the spans", () => read(Buffer.from('{"resourceSpans":[null]}'), JSON_TYPE)],
])("refuses %s as invalid", (_what, action) => {
  expect(codeOf(action)).toBe("invalid");
});

describe("structure bombs", () => {
  const spans = (count: number) => protobufTraces(Array.from({ length: count }, () => [TRACE_ID, SPAN_ID] as const));

  test("items count up to the limit and not beyond", () => {
    // 98 spans with their scope group and resource group are 100 items.
    expect(codeOf(() => read(spans(98), PROTOBUF, "traces", 100))).toBe("none");
    expect(codeOf(() => read(spans(99), PROTOBUF, "traces", 100))).toBe("too-large");
  });

  test.each([
    ["empty attributes of a span", () => protobufTraces([[TRACE_ID, SPAN_ID]], repeated([0x4a, 0]))],
    ["empty events", () => protobufTraces([[TRACE_ID, SPAN_ID]], repeated([0x5a, 0]))],
    ["empty resource groups", () => repeated([0x0a, 0])],
    ["empty elements of one list value", () => protobufTraces([[TRACE_ID, SPAN_ID]], attribute(messageField(5, [repeated([0x0a, 0])])))],
    ["empty pairs of one map value", () => protobufTraces([[TRACE_ID, SPAN_ID]], attribute(messageField(6, [repeated([0x0a, 0])])))],
  ])("refuses 10 million %s without keeping any", (_what, bomb) => {
    const body = bomb();
    const before = process.memoryUsage().rss;
    expect(codeOf(() => read(body, PROTOBUF, "traces", 1_000_000))).toBe("too-large");
    expect(process.memoryUsage().rss - before).toBeLessThan(16 * 1024 * 1024);
  });

  test("refuses 7 million empty objects in JSON before parsing them", () => {
    const body = Buffer.concat([Buffer.from('{"resourceSpans":['), repeated([0x7b, 0x7d, 0x2c], 7_000_000), Buffer.from("{}]}")]);
    const before = process.memoryUsage().rss;
    expect(codeOf(() => read(body, JSON_TYPE, "traces", 1_000_000))).toBe("too-large");
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  // 600,000 attributes were answered 200 and could not be mapped: the decoder counts each value too.
  test.each([
    ["attributes with values", repeated([0x4a, 2, 0x12, 0], 600_000)],
    ["values of one attribute", messageField(9, [repeated([0x12, 0], 1_500_000)])],
  ])("are refused, or can be mapped: %s", (_what, content) => {
    const body = protobufTraces([[TRACE_ID, SPAN_ID]], content);
    expect(codeOf(() => read(body, PROTOBUF, "traces", 1_000_000))).toBe("none");
    const stored = { format: "otlp-protobuf", signal: "traces", encoding: "identity", body } as const;
    expect(decodeBody(stored, { maxItems: MAX_STORED_ITEMS }).batch.spans).toHaveLength(1);
  });

  test("of what stands once by the schema are refused too", () => {
    const body = protobufTraces([[TRACE_ID, SPAN_ID]], messageField(9, [repeated([0x12, 0])]));
    expect(codeOf(() => read(body, PROTOBUF, "traces", 1_000_000))).toBe("too-large");
  });

  test("counts nothing inside of JSON strings", () => {
    expect(read(jsonTraces([[TRACE_ID, SPAN_ID]], { text: `\\"${"{,[".repeat(1_000)}` }), JSON_TYPE, "traces", 20).items).toBe(1);
  });

  const lists = (depth: number): Uint8Array => {
    let value: Uint8Array = new Uint8Array(0);
    for (let level = 0; level < depth; level += 1) value = messageField(5, [messageField(1, [value])]);
    return protobufTraces([[TRACE_ID, SPAN_ID]], attribute(value));
  };
  const jsonLists = (depth: number): Uint8Array => {
    const value = `${'{"arrayValue":{"values":['.repeat(depth)}{}${"]}}".repeat(depth)}`;
    return Buffer.from(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"a","value":${value}}]}]}]}]}`);
  };

  test("allows lists 30 deep and refuses what no stack survives", () => {
    expect(codeOf(() => read(lists(30), PROTOBUF))).toBe("none");
    expect(codeOf(() => read(jsonLists(30), JSON_TYPE))).toBe("none");
    expect(codeOf(() => read(lists(2_000), PROTOBUF))).toBe("invalid");
    expect(codeOf(() => read(jsonLists(100_000), JSON_TYPE))).toBe("invalid");
  });
});

describe("a body in pieces", () => {
  const spans = sdkSpans({ traces: 2, children: 2 });
  test.each<readonly [OtlpContentType, Uint8Array]>([
    [PROTOBUF, ProtobufTraceSerializer.serializeRequest(spans) as Uint8Array],
    [JSON_TYPE, JsonTraceSerializer.serializeRequest(spans) as Uint8Array],
    [JSON_TYPE, Buffer.from(JSON.stringify(JSON.parse(Buffer.from(jsonTraces([[TRACE_ID, SPAN_ID]])).toString()), null, 3))],
  ])("of any size reads as it does whole: %s", (contentType, body) => {
    const whole = read(body, contentType);
    expect(whole.items).toBeGreaterThan(0);
    // Every id, number and name is cut somewhere.
    for (let step = 1; step < 60; step += 1) expect(readIn(step, body, contentType)).toEqual(whole);
  });

  test("is refused or taken as it is whole, wherever it is damaged", () => {
    const bodies: readonly (readonly [OtlpContentType, Uint8Array])[] = [
      [PROTOBUF, ProtobufTraceSerializer.serializeRequest(spans) as Uint8Array],
      [JSON_TYPE, JsonTraceSerializer.serializeRequest(spans) as Uint8Array],
    ];
    fc.assert(
      fc.property(
        fc.constantFrom<readonly [OtlpContentType, Uint8Array]>(...bodies),
        fc.nat(),
        fc.nat(255),
        fc.integer({ min: 1, max: 97 }),
        ([type, body], at, byte, step) => {
          const mutant = Uint8Array.from(body);
          mutant[at % mutant.length] = byte;
          expect(outcomeOf(() => readIn(step, mutant, type))).toEqual(outcomeOf(() => read(mutant, type)));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("that is broken is counted to the end, because its size is told first", () => {
    const reader = createIdReader({ signal: "traces", contentType: PROTOBUF, maxItems: 10, maxBytes: 100 });
    expect([reader.feed(new Uint8Array(60)), reader.feed(new Uint8Array(40)), reader.bytes()]).toEqual([false, false, 100]);
    expect(codeOf(() => reader.end())).toBe("invalid");
    expect(codeOf(() => reader.feed(new Uint8Array(1)))).toBe("too-large");
  });
});

describe("JSON", () => {
  const parses = (body: Uint8Array): boolean => {
    try {
      const value = JSON.parse(Buffer.from(body).toString("utf8"));
      return typeof value === "object" && value !== null && !Array.isArray(value);
    } catch {
      return false;
    }
  };

  test("is taken exactly when JSON.parse takes it, or what was accepted could not be mapped", () => {
    const alphabet = [
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"',
      "\\",
      "u00e9",
      "null",
      "true",
      "fals",
      "e",
      "-",
      "0",
      "1",
      ".",
      "E",
      "+",
      " ",
      "\n",
      "\u0001",
      "é",
    ];
    const soup = fc.array(fc.constantFrom(...alphabet), { maxLength: 14 }).map((parts) => `{"a":${parts.join("")}}`);
    const text = fc.oneof(
      soup,
      fc.json().map((value) => `{"a":${value}}`),
      fc.json(),
    );
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 9 }), (json, step) => {
        const body = Buffer.from(json);
        expect([json, codeOf(() => readIn(step, body, JSON_TYPE))]).toEqual([json, parses(body) ? "none" : "invalid"]);
      }),
      { numRuns: 5_000 },
    );
  });

  test("may write names and ids with escapes", () => {
    const plain = Buffer.from(jsonTraces([[TRACE_ID, SPAN_ID]])).toString();
    const escaped = plain
      .replace("resourceSpans", "resource\\u0053pans")
      .replace("traceId", "\\u0074raceId")
      .replace(TRACE_ID, `\\u0030${TRACE_ID.slice(1)}`);
    expect(escaped).not.toBe(plain);
    expect(read(Buffer.from(escaped), JSON_TYPE)).toEqual(read(Buffer.from(plain), JSON_TYPE));
  });

  test("with a list of spans twice in one object is refused: whoever parses it keeps the second only", () => {
    const span = `{"traceId":"${TRACE_ID}","spanId":"${SPAN_ID}"}`;
    const body = `{"resourceSpans":[{"scopeSpans":[{"spans":[${span}],"spans":[]}]}]}`;
    expect(codeOf(() => read(Buffer.from(body), JSON_TYPE))).toBe("invalid");
  });

  test("ids that are lists or objects cost their span only", () => {
    const ids = [
      [[TRACE_ID], SPAN_ID],
      [{ traceId: TRACE_ID }, SPAN_ID],
      [TRACE_ID, SPAN_ID],
    ] as const;
    expect(read(jsonTraces(ids), JSON_TYPE)).toEqual({ traceIds: [TRACE_ID], items: 3, rejected: 2, badTraceIds: 2 });
  });
});

test("never throws anything but a LearnError, whatever the bytes", () => {
  const valid = ProtobufTraceSerializer.serializeRequest(sdkSpans()) as Uint8Array;
  const mutant = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }).map((changes) => {
    const copy = Uint8Array.from(valid);
    for (const [at, byte] of changes) copy[at] = byte;
    return copy;
  });
  fc.assert(
    fc.property(
      fc.oneof(mutant, fc.uint8Array({ maxLength: 400 })),
      fc.constantFrom("traces" as const, "logs" as const),
      (body, signal) => {
        expect(["none", "invalid"]).toContain(codeOf(() => read(body, PROTOBUF, signal)));
        expect(["none", "invalid"]).toContain(codeOf(() => read(body, JSON_TYPE, signal)));
      },
    ),
    { numRuns: 2_000 },
  );
});

function repeated(pattern: readonly number[], times = 10_000_000): Uint8Array {
  return Buffer.alloc(pattern.length * times, Uint8Array.from(pattern));
}

function attribute(value: Uint8Array): Uint8Array {
  return messageField(9, [stringField(1, "key"), messageField(2, [value])]);
}
