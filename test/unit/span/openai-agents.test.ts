import { describe, expect, test } from "vitest";
import { type AgentsSpanLike, rawSpanFromAgents, spanIdFromAgents, traceIdFromAgents } from "../../../src/span/from-openai-agents.ts";
import { normalise } from "../../../src/span/normalise.ts";
import { createTracingProcessor } from "../../../src/span/openai-agents.ts";
import { createReporter } from "../../../src/telemetry/report.ts";
import { collectingSink } from "./native-payloads.ts";

const TRACE = "trace_88400182d14f41978dbd420bdedd82da";

function aSpan(spanData: object, more: Partial<AgentsSpanLike> = {}): AgentsSpanLike {
  return { traceId: TRACE, spanId: "span_64b5ca08f618434b815b20a2", startedAt: "2026-11-22T19:51:55.520Z", spanData, ...more };
}

describe("ids of the Agents SDK", () => {
  test("are W3C ids with their own digits", () => {
    expect([traceIdFromAgents(TRACE), spanIdFromAgents("span_64b5ca08f618434b815b20a2")]).toEqual([
      "88400182d14f41978dbd420bdedd82da",
      "64b5ca08f618434b",
    ]);
  });

  test.each(["trace_mine", `trace_${"0".repeat(32)}`, "", "TRACE_88400182d14f41978dbd420bdedd82da"])(
    "%s becomes a sound id, always the same",
    (id) => {
      expect(traceIdFromAgents(id)).toMatch(/^(?!0+$)[0-9a-f]{32}$/);
      expect(traceIdFromAgents(id)).toBe(traceIdFromAgents(id));
      expect(spanIdFromAgents(id)).toMatch(/^(?!0+$)[0-9a-f]{16}$/);
    },
  );
});

describe("a span of the Agents SDK", () => {
  test("that failed says the failure itself, not its heading", () => {
    const error = { message: "Error in agent run", data: { error: "RangeError: too far" } };
    expect(normalise(rawSpanFromAgents(aSpan({ type: "function", name: "f" }, { error })), []).error).toEqual({
      type: "RangeError",
      message: "too far",
    });
  });

  test("of an older SDK, without a task above, is a run itself", () => {
    expect(normalise(rawSpanFromAgents(aSpan({ type: "agent", name: "a" })), []).role).toBe("agent");
    expect(normalise(rawSpanFromAgents(aSpan({ type: "agent", name: "a" }, { parentId: "span_1" })), []).role).toBe("wrapper");
  });

  test("keeps what has no word in OTel", () => {
    const span = normalise(rawSpanFromAgents(aSpan({ type: "guardrail", name: "g", triggered: true })), []);
    expect(span.metadata).toEqual({ "openai_agents.triggered": true });
  });

  test("whose input is JSON text keeps it as the words of the user", () => {
    const span = normalise(rawSpanFromAgents(aSpan({ type: "response", _input: '[{"role":"system","content":"obey"}]' })), []);
    expect(span.inputMessages?.map(({ role }) => role)).toEqual(["user"]);
  });
});

describe("the tracing processor", () => {
  test.each([
    ["nothing", undefined],
    ["a span without data", { traceId: TRACE, spanId: "s" }],
    [
      "a span that throws",
      new Proxy(
        {},
        {
          get: () => {
            throw new Error("no");
          },
        },
      ),
    ],
  ])("given %s resolves and counts it", async (_what, span) => {
    const reporter = createReporter("test");
    const processor = createTracingProcessor({ sink: collectingSink().sink, reporter });
    await processor.onSpanStart(span as never);
    await processor.onSpanEnd(span as never);
    await processor.onTraceEnd(span as never);
    expect(reporter.count()).toBeGreaterThan(0);
    await processor.shutdown();
  });

  test("takes nothing after its shutdown", async () => {
    const { sink, spans } = collectingSink();
    const processor = createTracingProcessor({ sink });
    await processor.shutdown();
    await processor.onSpanEnd(aSpan({ type: "task", name: "t" }));
    await processor.shutdown();
    expect(spans).toEqual([]);
  });

  test("forgets the oldest of a thousand traces that never end", async () => {
    const { sink, spans } = collectingSink();
    const processor = createTracingProcessor({ sink });
    for (let index = 0; index <= 1_000; index += 1) await processor.onTraceStart({ traceId: `t${index}`, groupId: `g${index}` });
    for (const traceId of ["t0", "t1"]) await processor.onSpanEnd(aSpan({ type: "task", name: "t" }, { traceId }));
    await processor.shutdown();
    expect(spans.map(({ attributes }) => attributes["gen_ai.conversation.id"])).toEqual([undefined, "g1"]);
  });
});
