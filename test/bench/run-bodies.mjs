import { JsonLogsSerializer, JsonTraceSerializer, ProtobufLogsSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { proseOf } from "./statistics.mjs";

const RESOURCE = resourceFromAttributes({ "service.name": "figures" });
const SCOPE = { name: "figures", version: "1" };
const SERIALIZERS = {
  traces: { json: JsonTraceSerializer, protobuf: ProtobufTraceSerializer },
  logs: { json: JsonLogsSerializer, protobuf: ProtobufLogsSerializer },
};

/** Agent runs of 2 to 12 spans, one in five a day old, as items { signal, item }: what the serialisers read of a finished span or log record. */
export function createRuns(random, spans) {
  const items = [];
  let made = 0;
  while (made < spans) {
    const count = Math.min(spans - made, 2 + Math.floor(random() * 11));
    items.push(...createRun(random, count));
    made += count;
  }
  return items;
}

/** One request of items of one signal. */
export function serialize(signal, format, items) {
  return Buffer.from(SERIALIZERS[signal][format].serializeRequest(items));
}

function createRun(random, count) {
  const traceId = hexOf(random, 32);
  const startSeconds = 1_790_000_000 + Math.floor(random() * 10_000) - (random() < 0.2 ? 86_400 : 0);
  const rootId = hexOf(random, 16);
  const items = [];
  for (let index = 0; index < count; index += 1) {
    const isRoot = index === 0;
    const isTool = !isRoot && random() < 0.4;
    const spanContext = { traceId, spanId: isRoot ? rootId : hexOf(random, 16), traceFlags: 1 };
    const failed = isTool && random() < 0.3;
    const messages = JSON.stringify([{ role: "user", parts: [{ type: "text", content: proseOf(random, 20 + random() * 200) }] }]);
    const attributes = isTool
      ? {
          "gen_ai.operation.name": "execute_tool",
          "gen_ai.tool.name": "search",
          "gen_ai.tool.call.id": `call ${index}`,
          ...(failed ? { "error.type": "timeout" } : {}),
        }
      : {
          "gen_ai.operation.name": isRoot ? "invoke_agent" : "chat",
          "gen_ai.request.model": "model",
          "gen_ai.input.messages": messages,
          "gen_ai.usage.input_tokens": index,
        };
    items.push({
      signal: "traces",
      item: {
        name: isRoot ? "invoke_agent" : isTool ? "execute_tool search" : "chat model",
        kind: isRoot ? 0 : 2,
        spanContext: () => spanContext,
        parentSpanContext: isRoot ? undefined : { traceId, spanId: rootId, traceFlags: 1 },
        startTime: [startSeconds + index, 0],
        endTime: [startSeconds + (isRoot ? count + 1 : index), 5_000_000],
        duration: [1, 0],
        ended: true,
        status: failed ? { code: 2, message: "too slow" } : { code: 0 },
        attributes,
        links: [],
        events: failed ? [{ name: "exception", time: [startSeconds + index, 1_000], attributes: { "exception.message": "too slow" } }] : [],
        resource: RESOURCE,
        instrumentationScope: SCOPE,
        droppedAttributesCount: 0,
        droppedEventsCount: 0,
        droppedLinksCount: 0,
      },
    });
    if (isRoot || isTool || random() < 0.5) continue;
    items.push({
      signal: "logs",
      item: {
        hrTime: [startSeconds + index, 2_000],
        hrTimeObserved: [startSeconds + index, 2_000],
        spanContext,
        severityNumber: 9,
        eventName: "gen_ai.choice",
        body: { index: 0, message: { role: "assistant", content: proseOf(random, 50) } },
        attributes: { "gen_ai.system": "openai" },
        resource: RESOURCE,
        instrumentationScope: SCOPE,
        droppedAttributesCount: 0,
      },
    });
  }
  return items;
}

function hexOf(random, length) {
  return Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join("");
}
