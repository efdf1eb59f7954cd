import { describe, expect, test } from "vitest";
import { jaegerMessages } from "../../../src/backfill/jaeger-json.ts";
import type { Message } from "../../../src/backfill/ports.ts";
import { tempoMessages } from "../../../src/backfill/tempo-json.ts";
import { decodeBody } from "../../../src/span/otlp/decode-body.ts";
import type { RawSpan } from "../../../src/span/raw-span.ts";
import { SPAN_ID, TRACE_ID } from "../../support/otlp.ts";
import { bytesOf, NOW_US } from "./files.ts";

const json = (value: unknown): Uint8Array => bytesOf(JSON.stringify(value));
const spansOf = (messages: readonly Message[]): readonly RawSpan[] => messages.flatMap(({ body }) => decodeBody(body).batch.spans);
const base64 = (hex: string): string => Buffer.from(hex, "hex").toString("base64");

describe("Jaeger", () => {
  const tag = (key: string, type: string, value: unknown) => ({ key, type, value });
  const span = {
    traceID: TRACE_ID,
    spanID: SPAN_ID,
    operationName: "chat gpt-4o",
    references: [{ refType: "CHILD_OF", traceID: TRACE_ID, spanID: "a1" }],
    startTime: 1_790_000_000_123_456,
    duration: 2_500,
    tags: [
      tag("span.kind", "string", "client"),
      tag("otel.scope.name", "string", "openai"),
      tag("otel.scope.version", "string", "0.21"),
      tag("error", "bool", true),
      tag("otel.status_description", "string", "rate limit"),
      tag("gen_ai.request.model", "string", "gpt-4o"),
      tag("gen_ai.usage.input_tokens", "int64", 12),
      tag("gen_ai.request.temperature", "float64", 0.5),
      tag("stream", "bool", false),
    ],
    logs: [{ timestamp: 1_790_000_000_124_000, fields: [tag("event", "string", "gen_ai.choice"), tag("index", "int64", 0)] }],
    processID: "p1",
  };
  const processes = { p1: { serviceName: "shop", tags: [tag("host.name", "string", "h")] } };
  const one = (over: object = {}): RawSpan | undefined =>
    spansOf(jaegerMessages(json({ data: [{ traceID: TRACE_ID, spans: [{ ...span, ...over }], processes }] }), NOW_US))[0];

  test("keeps ids, times, kind, status, scope, resource, attributes and events", () => {
    expect(one()).toEqual({
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      parentSpanId: "00000000000000a1",
      name: "chat gpt-4o",
      kind: 3,
      startTimeUs: 1_790_000_000_123_456,
      endTimeUs: 1_790_000_000_125_956,
      attributes: { "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 12, "gen_ai.request.temperature": 0.5, stream: false },
      events: [{ name: "gen_ai.choice", timeUs: 1_790_000_000_124_000, attributes: { index: 0 } }],
      links: [],
      status: { code: 2, message: "rate limit" },
      resource: { "service.name": "shop", "host.name": "h" },
      scope: { name: "openai", version: "0.21" },
    });
  });

  test("pads ids that lost their zeros, and 64-bit trace ids", () => {
    expect(one({ traceID: "abc", spanID: "d", references: [] })).toMatchObject({
      traceId: "abc".padStart(32, "0"),
      spanId: "d".padStart(16, "0"),
    });
  });

  test("takes a reference into another trace for a link and not for the parent", () => {
    const other = TRACE_ID.replaceAll("0", "1");
    const found = one({ references: [{ refType: "CHILD_OF", traceID: other, spanID: SPAN_ID }] });
    expect(found?.parentSpanId).toBeUndefined();
    expect(found?.links).toMatchObject([{ traceId: other, spanId: SPAN_ID }]);
  });

  test("prefers the child-of reference, and takes follows-from where there is no other", () => {
    const follows = { refType: "FOLLOWS_FROM", traceID: TRACE_ID, spanID: "b2" };
    expect(one({ references: [follows, ...span.references] })?.parentSpanId).toBe("00000000000000a1");
    expect(one({ references: [follows] })?.parentSpanId).toBe("00000000000000b2");
  });

  test("makes one request of each trace", () => {
    const data = ["1", "2", "3"].map((id) => ({ traceID: id, spans: [{ ...span, traceID: id, references: [] }], processes }));
    expect(jaegerMessages(json({ data }), NOW_US).map(({ body }) => body.traceIds)).toEqual(
      ["1", "2", "3"].map((id) => [id.padStart(32, "0")]),
    );
  });

  test("reads a trace without the list around it, and passes over empty ones", () => {
    expect(jaegerMessages(json({ traceID: TRACE_ID, spans: [span], processes }), NOW_US)).toHaveLength(1);
    expect(jaegerMessages(json({ data: [{ traceID: TRACE_ID, spans: [], processes }] }), NOW_US)).toEqual([]);
  });

  test("refuses what is none", () => {
    expect(() => jaegerMessages(json({ data: "x" }), NOW_US)).toThrow("no list of traces");
    expect(() => jaegerMessages(bytesOf('{"data":['), NOW_US)).toThrow("not JSON");
    expect(() => jaegerMessages(json({ data: [{ spans: [{ traceID: "zz", spanID: "1" }], processes }] }), NOW_US)).toThrow(
      "none of its 1 spans",
    );
  });
});

describe("Tempo", () => {
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] };
  const span = {
    traceId: base64(TRACE_ID),
    spanId: base64(SPAN_ID),
    parentSpanId: base64("00000000000000a1"),
    name: "chat",
    kind: "SPAN_KIND_CLIENT",
    startTimeUnixNano: "1790000000123456789",
    endTimeUnixNano: "1790000000125956789",
    attributes: [{ key: "gen_ai.usage.input_tokens", value: { intValue: "12" } }],
    status: { code: "STATUS_CODE_ERROR", message: "rate limit" },
    links: [{ traceId: base64(TRACE_ID), spanId: base64(SPAN_ID) }],
  };
  const batch = { resource, scopeSpans: [{ scope: { name: "openai", version: "1" }, spans: [span] }] };
  const expected = {
    traceId: TRACE_ID,
    spanId: SPAN_ID,
    parentSpanId: "00000000000000a1",
    kind: 3,
    startTimeUs: 1_790_000_000_123_456,
    attributes: { "gen_ai.usage.input_tokens": 12 },
    status: { code: 2, message: "rate limit" },
    links: [{ traceId: TRACE_ID, spanId: SPAN_ID }],
    resource: { "service.name": "shop" },
    scope: { name: "openai", version: "1" },
  };

  test.each([
    ["its first API", { batches: [batch] }],
    ["its second API", { trace: { resourceSpans: [batch] }, metrics: {} }],
    [
      "instrumentation libraries of old",
      {
        batches: [{ resource, instrumentationLibrarySpans: [{ instrumentationLibrary: { name: "openai", version: "1" }, spans: [span] }] }],
      },
    ],
    [
      "ids in hex and enums as numbers, as Grafana downloads it",
      {
        batches: [
          {
            resource,
            scopeSpans: [
              {
                scope: { name: "openai", version: "1" },
                spans: [
                  {
                    ...span,
                    traceId: TRACE_ID.toUpperCase(),
                    spanId: SPAN_ID,
                    parentSpanId: "00000000000000a1",
                    kind: 3,
                    status: { code: 2, message: "rate limit" },
                    links: [{ traceId: TRACE_ID, spanId: SPAN_ID }],
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
  ])("reads %s", (_what, document) => {
    expect(spansOf(tempoMessages(json(document), NOW_US))).toMatchObject([expected]);
  });

  test("has no parent where the id is empty", () => {
    const root = { ...span, parentSpanId: "" };
    const [found] = spansOf(tempoMessages(json({ batches: [{ scopeSpans: [{ spans: [root] }] }] }), NOW_US));
    expect(found?.parentSpanId).toBeUndefined();
  });

  test("refuses what is none", () => {
    expect(() => tempoMessages(json({ trace: {} }), NOW_US)).toThrow("neither batches nor trace.resourceSpans");
    expect(tempoMessages(json({ batches: [] }), NOW_US)).toEqual([]);
  });
});
