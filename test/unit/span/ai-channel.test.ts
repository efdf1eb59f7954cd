import { tracingChannel } from "node:diagnostics_channel";
import { describe, expect, test } from "vitest";
import { listenToAiChannel } from "../../../src/span/ai-channel.ts";
import type { OuterRun } from "../../../src/span/ports.ts";
import { createSpanProcessor } from "../../../src/span/processor.ts";
import { collectingSink } from "./native-payloads.ts";

const channel = tracingChannel<unknown, object>("ai:telemetry");

/** As the SDK does it: the operation runs inside the channel, and its result or error is published after it. */
function operation<T>(type: string, event: object, run: () => Promise<T>): Promise<T> {
  return channel.tracePromise(run, { type, event });
}

const chat = (callId: string): Promise<unknown> =>
  operation("languageModelCall", { callId, modelId: "m", messages: [{ role: "user", content: "hi" }] }, async () => ({ content: [] }));
const call = (callId: string, inside: () => Promise<unknown> = () => chat(callId)): Promise<unknown> =>
  operation("generateText", { callId, modelId: "m", messages: [{ role: "user", content: "hi" }] }, inside);

const sdkSpan = (attributes: object): unknown => ({ attributes, spanContext: () => ({ traceId: "a", spanId: "b", traceFlags: 1 }) });
const OWN_SPAN = sdkSpan({ "gen_ai.operation.name": "invoke_agent" });
const begin = createSpanProcessor({ sink: collectingSink().sink });

describe("the AI SDK's channel", () => {
  test("is told once where its own span of the call began in our processor, and that decides for this call alone", async () => {
    const { sink, spans } = collectingSink();
    const listener = listenToAiChannel({ sink });
    await call("told-by-otel", async () => {
      begin.onStart(OWN_SPAN, undefined);
      return chat("told-by-otel");
    });
    await call("told-by-nobody");
    await listener.shutdown();
    expect(spans.map(({ name }) => name).sort()).toEqual(["chat m", "invoke_agent"]);
  });

  test.each([
    ["a span of a tool's own client", "executeTool", { "gen_ai.operation.name": "chat" }],
    ["a span of the provider's client", "languageModelCall", { "gen_ai.operation.name": "chat" }],
    ["a span that is not GenAI", "step", { "http.route": "/" }],
  ])("is not silenced by %s", async (_what, type, attributes) => {
    const { sink, spans } = collectingSink();
    const listener = listenToAiChannel({ sink });
    await call("c", () =>
      operation(type, { callId: "c", toolCall: { toolCallId: "t", toolName: "x" } }, async () =>
        begin.onStart(sdkSpan(attributes), undefined),
      ),
    );
    await listener.shutdown();
    expect(spans).toHaveLength(2);
  });

  test("nests a call inside a tool below that tool, in one trace", async () => {
    const { sink, spans } = collectingSink();
    const listener = listenToAiChannel({ sink });
    const toolCall = { toolCallId: "t", toolName: "ask" };
    await call("outer", () => operation("executeTool", { callId: "outer", toolCall }, () => call("inner", async () => ({}))));
    await listener.shutdown();
    const [inner, tool, outer] = spans;
    expect([inner?.parentSpanId, tool?.parentSpanId, outer?.parentSpanId]).toEqual([tool?.spanId, outer?.spanId, undefined]);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  });

  test("joins the run around it, and its topmost span carries what that run was given", async () => {
    const { sink, spans } = collectingSink();
    const traceId = "a".repeat(32);
    const outer: OuterRun = {
      traceId,
      spanId: "b".repeat(16),
      own: true,
      sampled: true,
      attributes: () => ({ "agentlearn.knowledge.given": ["i"] }),
    };
    const listener = listenToAiChannel({ sink, outer: () => outer });
    await call("c");
    await listener.shutdown();
    const [inside, top] = spans;
    expect([top?.traceId, top?.parentSpanId, top?.attributes["agentlearn.knowledge.given"]]).toEqual([traceId, outer.spanId, ["i"]]);
    expect(inside?.attributes["agentlearn.knowledge.given"]).toBeUndefined();
  });

  test("is not listened to where the host's sampler said no", async () => {
    const { sink, spans } = collectingSink();
    const outer: OuterRun = { traceId: "a".repeat(32), own: false, sampled: false, attributes: () => ({}) };
    const listener = listenToAiChannel({ sink, outer: () => outer });
    await call("c");
    await listener.shutdown();
    expect(spans).toEqual([]);
  });

  test("two listeners give each span the same ids, so that a store takes it once", async () => {
    const [one, two] = [collectingSink(), collectingSink()];
    const listeners = [listenToAiChannel({ sink: one.sink }), listenToAiChannel({ sink: two.sink })];
    await call("c");
    await Promise.all(listeners.map((listener) => listener.shutdown()));
    const ids = (spans: typeof one.spans): readonly unknown[] =>
      spans.map(({ traceId, spanId, parentSpanId }) => [traceId, spanId, parentSpanId]);
    expect([ids(one.spans), one.spans.length]).toEqual([ids(two.spans), 2]);
  });

  test("a stream is told with what it said at its end", async () => {
    const { sink, spans } = collectingSink();
    const listener = listenToAiChannel({ sink });
    const integrations = (globalThis as { AI_SDK_TELEMETRY_INTEGRATIONS?: { onLanguageModelCallEnd(event: object): void }[] })
      .AI_SDK_TELEMETRY_INTEGRATIONS;
    await operation("languageModelCall", { callId: "s", modelId: "m" }, async () => ({ stream: {} }));
    expect(spans).toEqual([]);
    for (const integration of integrations ?? []) {
      integration.onLanguageModelCallEnd({
        callId: "s",
        content: [{ type: "text", text: "hello" }],
        performance: { timeToFirstOutputMs: 250 },
      });
    }
    await listener.shutdown();
    expect(spans.map(({ attributes }) => attributes["gen_ai.response.time_to_first_chunk"])).toEqual([0.25]);
    expect(integrations).toEqual([]);
  });

  test.each([
    ["no event", { type: "generateText" }],
    [
      "an event that throws",
      {
        type: "generateText",
        event: new Proxy(
          {},
          {
            get: () => {
              throw new Error("no");
            },
          },
        ),
      },
    ],
    ["an unknown operation", { type: "paint", event: { callId: "c" } }],
    ["a name that every object has", { type: "constructor", event: { callId: "c" } }],
  ])("gives the host its result with %s", async (_what, message) => {
    const { sink, spans } = collectingSink();
    const listener = listenToAiChannel({ sink });
    expect(await channel.tracePromise(async () => 7, message)).toBe(7);
    await listener.shutdown();
    expect(spans).toEqual([]);
  });
});
