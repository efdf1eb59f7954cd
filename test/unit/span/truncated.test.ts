import { describe, expect, test } from "vitest";
import { rawLogFromSdk, rawSpanFromSdk } from "../../../src/span/from-sdk.ts";
import { decodeJson } from "../../../src/span/otlp/decode-json.ts";
import { isTruncated } from "../../../src/span/truncated.ts";
import { anEvent, aRawLog, aRawSpan, SPAN_ID, TRACE_ID } from "./raw-factory.ts";

const CUT = '[{"role":"user","parts":[{"type":"text","content":"how many ord';

describe("a span is truncated", () => {
  test.each(["gen_ai.input.messages", "input.value", "traceloop.entity.input"])("when %s is JSON that stops in the middle", (key) => {
    expect(isTruncated(aRawSpan({ [key]: CUT }), [])).toBe(true);
  });

  test("when an event or a log record of it is", () => {
    expect(isTruncated(aRawSpan({}, { events: [anEvent("gen_ai.content.prompt", { "gen_ai.prompt": CUT })] }), [])).toBe(true);
    expect(isTruncated(aRawSpan(), [aRawLog({ attributes: { "gen_ai.output.messages": CUT } })])).toBe(true);
    expect(isTruncated(aRawSpan(), [aRawLog({ body: CUT })])).toBe(true);
  });

  test("when its emitter says so", () => {
    expect(isTruncated(aRawSpan({ "anthropic.content.truncated": true }), [])).toBe(true);
  });

  test("when the SDK left something out of it or of its log records", () => {
    expect(isTruncated(aRawSpan({}, { droppedCount: 1 }), [])).toBe(true);
    expect(isTruncated(aRawSpan(), [aRawLog({ droppedCount: 1 })])).toBe(true);
  });
});

describe("a span is whole", () => {
  test.each(['[{"role":"user"}]', "[12:30] plain text", "how many orders?", ""])("with %j", (text) => {
    expect(isTruncated(aRawSpan({ "gen_ai.input.messages": text }), [])).toBe(false);
  });

  test("when an attribute that is none of an agent's is cut", () => {
    expect(isTruncated(aRawSpan({ "http.body": CUT }), [])).toBe(false);
  });
});

describe("what an SDK left out is counted", () => {
  test("from OTLP/JSON, over attributes, events and links", () => {
    const span = { traceId: TRACE_ID, spanId: SPAN_ID, droppedAttributesCount: 2, droppedEventsCount: 3, droppedLinksCount: 4 };
    const body = Buffer.from(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }));
    expect(decodeJson(body, "traces").batch.spans[0]?.droppedCount).toBe(9);
  });

  test("from SDK objects", () => {
    const spanContext = { traceId: TRACE_ID, spanId: SPAN_ID };
    const resource = { attributes: {} };
    const span = rawSpanFromSdk({
      name: "s",
      kind: 0,
      spanContext: () => spanContext,
      startTime: [1, 0],
      endTime: [2, 0],
      status: { code: 0 },
      attributes: {},
      events: [],
      links: [],
      resource,
      droppedAttributesCount: 5,
      droppedEventsCount: 1,
    });
    expect(span.droppedCount).toBe(6);
    expect(rawLogFromSdk({ hrTime: [1, 0], spanContext, attributes: {}, resource, droppedAttributesCount: 7 })?.droppedCount).toBe(7);
  });
});
