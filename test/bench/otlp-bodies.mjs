import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { fingerprintOf, keyOf, PAYLOAD } from "./span-oracle.mjs";
import { proseOf } from "./statistics.mjs";

const RESOURCE = resourceFromAttributes({ "service.name": "figures" });
const SCOPE = { name: "figures", version: "1" };
const MAX_SPANS = 12;

/** One request as a client would send it, and what an oracle must find of it: { headers, body, spans: [{ key, fingerprint }] }. */
export async function createRequest(random, { maxSpans = MAX_SPANS } = {}) {
  const spans = Array.from({ length: 1 + Math.floor(random() * maxSpans) }, () => createSpan(random));
  const json = random() < 0.5;
  const plain = Buffer.from((json ? JsonTraceSerializer : ProtobufTraceSerializer).serializeRequest(spans));
  const zipped = random() < 0.5;
  return {
    headers: { "content-type": json ? "application/json" : "application/x-protobuf", ...(zipped ? { "content-encoding": "gzip" } : {}) },
    body: zipped ? await promisify(gzip)(plain) : plain,
    spans: spans.map((span) => ({ key: keyOf(span.spanContext()), fingerprint: fingerprintOf(span.attributes[PAYLOAD]) })),
  };
}

/** What the serialisers read of a finished SDK span. */
export function createSpan(random, { traceId = hexOf(random, 32), spanId = hexOf(random, 16) } = {}) {
  const spanContext = { traceId, spanId, traceFlags: 1 };
  const startSeconds = Math.floor(Date.now() / 1000);
  return {
    name: "chat model",
    kind: 2,
    spanContext: () => spanContext,
    parentSpanContext: undefined,
    startTime: [startSeconds, 0],
    endTime: [startSeconds, 5_000_000],
    duration: [0, 5_000_000],
    ended: true,
    status: { code: 0 },
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "model",
      [PAYLOAD]: JSON.stringify([{ role: "user", parts: [{ type: "text", content: proseOf(random, 200 + random() * 3_000) }] }]),
    },
    links: [],
    events: [],
    resource: RESOURCE,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function hexOf(random, length) {
  return Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join("");
}
