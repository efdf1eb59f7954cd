import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { proseOf } from "./statistics.mjs";

const RESOURCE = resourceFromAttributes({ "service.name": "figures", "telemetry.sdk.language": "nodejs" });
const SCOPE = { name: "figures", version: "1" };
/** What an agent's run comes to. */
export const SPANS_PER_TRACE = 8;

/**
 * An export request of `spans` GenAI spans of 2.2 kB (protobuf; 20 attributes, messages of 0.4 to 2 kB), as the serialisers of OpenTelemetry write it:
 * { bytes, copy() }, where a copy is a function that gives the body anew with other trace ids. The body is the same memory each time.
 */
export function createTemplate({ spans, json, random }) {
  const traceIds = Array.from({ length: Math.ceil(spans / SPANS_PER_TRACE) }, () => hexOf(random, 32));
  const roots = traceIds.map(() => hexOf(random, 16));
  const all = Array.from({ length: spans }, (_, index) => {
    const trace = Math.floor(index / SPANS_PER_TRACE);
    return createSpan(random, { traceId: traceIds[trace], rootId: roots[trace], index });
  });
  const body = Buffer.from((json ? JsonTraceSerializer : ProtobufTraceSerializer).serializeRequest(all));
  const places = traceIds.map((id) => placesOf(body, json ? Buffer.from(id) : Buffer.from(id, "hex")));
  return {
    bytes: body.length,
    copy() {
      const own = Buffer.from(body);
      return (anyRandom) => {
        for (const at of places) {
          const id = Buffer.allocUnsafe(16);
          for (let word = 0; word < 16; word += 4) id.writeUInt32LE(Math.floor(anyRandom() * 2 ** 32) >>> 0, word);
          const written = json ? Buffer.from(id.toString("hex")) : id;
          for (const place of at) written.copy(own, place);
        }
        return own;
      };
    },
  };
}

function placesOf(body, id) {
  const places = [];
  for (let at = body.indexOf(id); at >= 0; at = body.indexOf(id, at + 1)) places.push(at);
  return places;
}

/** What the serialisers read of a finished SDK span. The first of a trace is its root. */
function createSpan(random, { traceId, rootId, index }) {
  const isRoot = index % SPANS_PER_TRACE === 0;
  const spanContext = { traceId, spanId: isRoot ? rootId : hexOf(random, 16), traceFlags: 1 };
  const startSeconds = 1_800_000_000 + index;
  const message = (role, length) => JSON.stringify([{ role, parts: [{ type: "text", content: proseOf(random, length) }] }]);
  return {
    name: isRoot ? "invoke_agent figures" : "chat model",
    kind: 2,
    spanContext: () => spanContext,
    parentSpanContext: isRoot ? undefined : { traceId, spanId: rootId, traceFlags: 1 },
    startTime: [startSeconds, 0],
    endTime: [startSeconds, 5_000_000],
    duration: [0, 5_000_000],
    ended: true,
    status: { code: 0 },
    attributes: {
      "gen_ai.operation.name": isRoot ? "invoke_agent" : "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.agent.name": "figures",
      "gen_ai.conversation.id": hexOf(random, 16),
      "gen_ai.request.model": "model",
      "gen_ai.request.temperature": 0.2,
      "gen_ai.request.max_tokens": 1024,
      "gen_ai.request.top_p": 1,
      "gen_ai.response.id": hexOf(random, 24),
      "gen_ai.response.model": "model-2026",
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.usage.input_tokens": Math.floor(random() * 4000),
      "gen_ai.usage.output_tokens": Math.floor(random() * 400),
      "gen_ai.usage.cache_read.input_tokens": Math.floor(random() * 1000),
      "server.address": "127.0.0.1",
      "server.port": 8080,
      "user.id": hexOf(random, 8),
      "session.id": hexOf(random, 8),
      "gen_ai.input.messages": message("user", 400 + random() * 1000),
      "gen_ai.output.messages": message("assistant", 200 + random() * 400),
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
