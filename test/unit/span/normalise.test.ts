import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalise } from "../../../src/span/normalise.ts";
import type { Attributes, RawLog, RawSpan } from "../../../src/span/raw-span.ts";
import { anEvent, aRawLog, aRawSpan } from "./raw-factory.ts";

const read = (attributes: Attributes, overrides: Partial<RawSpan> = {}) => normalise(aRawSpan(attributes, overrides), []);

describe("role", () => {
  test.each([
    [{ "gen_ai.operation.name": "chat" }, "llm"],
    [{ "gen_ai.operation.name": "generate_content" }, "llm"],
    [{ "gen_ai.operation.name": "embeddings" }, "embedding"],
    [{ "gen_ai.operation.name": "retrieval" }, "retrieval"],
    [{ "gen_ai.operation.name": "execute_tool" }, "tool"],
    [{ "gen_ai.operation.name": "invoke_agent" }, "agent"],
    [{ "gen_ai.operation.name": "invoke_workflow" }, "agent"],
    [{ "gen_ai.operation.name": "create_agent" }, "agent"],
    [{ "gen_ai.operation.name": "agent_step" }, "wrapper"],
    [{ "gen_ai.operation.name": "something_new" }, "other"],
    [{ "gen_ai.request.model": "m" }, "llm"],
    [{ "mcp.method.name": "tools/call", "gen_ai.tool.name": "t" }, "tool"],
    [{ "mcp.method.name": "initialize" }, "other"],
    [{ "openinference.span.kind": "TOOL" }, "tool"],
    [{ "openinference.span.kind": "CHAIN" }, "wrapper"],
    [{ "openinference.span.kind": "AGENT", "gen_ai.operation.name": "chat" }, "agent"],
    [{ "traceloop.span.kind": "tool" }, "tool"],
    [{ "traceloop.span.kind": "workflow" }, "agent"],
    [{ "traceloop.span.kind": "task" }, "wrapper"],
    [{ "traceloop.span.kind": "task", "gen_ai.operation.name": "chat" }, "llm"],
    [{ "ai.operationId": "ai.generateText" }, "wrapper"],
    [{ "ai.operationId": "ai.generateText.doGenerate" }, "llm"],
    [{ "ai.operationId": "ai.toolCall" }, "tool"],
  ] as const)("of %j is %s", (attributes, role) => {
    expect(read(attributes).role).toBe(role);
  });

  test("is not tool because a tool name stands on a chat span", () => {
    expect(read({ "gen_ai.operation.name": "chat", "gen_ai.tool.name": "t" }).role).toBe("llm");
    expect(read({ "gen_ai.tool.name": "t" }).role).toBe("other");
  });

  test("is other, and the span not GenAI, for a plain span", () => {
    const span = read({ "http.request.method": "GET" });
    expect([span.role, span.genAi, span.service]).toEqual(["other", false, "shop"]);
  });

  test("is other for a plain span that a processor stamped with the conversation", () => {
    const span = read({ "http.request.method": "GET", "gen_ai.conversation.id": "c1", "gen_ai.agent.name": "a" });
    expect([span.role, span.genAi, span.conversationId, span.agentName]).toEqual(["other", false, "c1", "a"]);
  });
});

describe("messages", () => {
  const user = { role: "user", parts: [{ type: "text", content: "hi" }] };

  test.each([
    ["JSON text", JSON.stringify([user])],
    ["a list", [user]],
    ["one object", user],
    ["OpenAI content text", JSON.stringify([{ role: "user", content: "hi" }])],
    ["OpenAI content parts", [{ role: "user", content: [{ type: "text", text: "hi" }] }]],
    ["plain text", "hi"],
  ])("are read from %s", (_form, value) => {
    expect(read({ "gen_ai.operation.name": "chat", "gen_ai.input.messages": value }).inputMessages).toEqual([user]);
  });

  test("that were cut off give what can be saved, and the raw text stays in the metadata", () => {
    const whole = JSON.stringify([user, { role: "assistant", parts: [{ type: "text", content: "a long answer" }] }]);
    const cut = whole.slice(0, whole.indexOf("long") + 4);
    const span = read({ "gen_ai.operation.name": "chat", "gen_ai.input.messages": cut });
    expect(span.inputMessages).toEqual([user, { role: "assistant", parts: [{ type: "text", content: "a long" }] }]);
    expect(span.metadata["gen_ai.input.messages"]).toBe(cut);
  });

  test("cut off at any place never lose all text and never throw", () => {
    const whole = JSON.stringify([{ role: "user", parts: [{ type: "text", content: 'say "\\u00e4" \\ \n twice' }] }]);
    for (let length = 1; length < whole.length; length++) {
      const cut = whole.slice(0, length);
      const span = read({ "gen_ai.operation.name": "chat", "gen_ai.input.messages": cut });
      expect(span.inputMessages !== undefined || span.metadata["gen_ai.input.messages"] === cut).toBe(true);
    }
  });

  test("accept response and result in an answer, and parse JSON arguments", () => {
    const parts = [
      { type: "tool_call", id: "1", name: "f", arguments: '{"a":1}' },
      { type: "tool_call", id: "2", name: "f", arguments: "not json" },
      { type: "tool_call_response", id: "1", response: "x" },
      { type: "tool_call_response", id: "2", result: { y: 1 } },
    ];
    const span = read({ "gen_ai.operation.name": "chat", "gen_ai.output.messages": [{ role: "assistant", parts }] });
    expect(span.outputMessages?.[0]?.parts).toEqual([
      { type: "tool_call", id: "1", name: "f", arguments: { a: 1 } },
      { type: "tool_call", id: "2", name: "f", arguments: "not json" },
      { type: "tool_call_response", id: "1", response: "x" },
      { type: "tool_call_response", id: "2", response: { y: 1 } },
    ]);
  });

  test("keep parts of unknown types as they came", () => {
    const part = { type: "blob", modality: "image", content: "AAAA" };
    const span = read({ "gen_ai.operation.name": "chat", "gen_ai.input.messages": [{ role: "user", parts: [part] }] });
    expect(span.inputMessages?.[0]?.parts).toEqual([{ type: "other", value: part }]);
  });

  test("come from our own root spans", () => {
    const span = read({
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": "agent",
      "gen_ai.input.messages": JSON.stringify([user]),
      "gen_ai.output.messages": JSON.stringify([{ role: "assistant", parts: [{ type: "text", content: "hello" }] }]),
    });
    expect([span.role, span.agentName, span.input]).toEqual(["agent", "agent", undefined]);
    expect(span.outputMessages).toEqual([{ role: "assistant", parts: [{ type: "text", content: "hello" }] }]);
  });

  test("from logs are in time order whatever order the logs came in", () => {
    const log = (name: string, timeUs: number, body: RawLog["body"]) => aRawLog({ eventName: name, timeUs, body });
    const logs = [
      log("gen_ai.choice", 4, { index: 0, finish_reason: "stop", message: { content: "d" } }),
      log("gen_ai.assistant.message", 3, { content: "c" }),
      log("gen_ai.system.message", 1, { content: "a" }),
      log("gen_ai.user.message", 2, { content: "b" }),
    ];
    const span = normalise(aRawSpan({ "gen_ai.operation.name": "chat" }), logs);
    expect(span.inputMessages?.map((message) => message.role)).toEqual(["system", "user", "assistant"]);
    expect([span.outputMessages?.[0]?.role, span.finishReasons]).toEqual(["assistant", ["stop"]]);
  });

  test.each([
    ["structured body", aRawLog({ eventName: "gen_ai.user.message", body: { content: "hi" } })],
    ["body as JSON text", aRawLog({ eventName: "gen_ai.user.message", body: '{"content":"hi"}' })],
    ["name in an attribute", aRawLog({ attributes: { "event.name": "gen_ai.user.message" }, body: { content: "hi" } })],
  ])("are read from a log with %s", (_form, log) => {
    expect(normalise(aRawSpan({ "gen_ai.operation.name": "chat" }), [log]).inputMessages).toEqual([user]);
  });

  test.each([
    ["attributes", { content: "hi" }],
    ["one JSON attribute", { "gen_ai.event.content": '{"content":"hi"}' }],
  ])("are read from a span event with %s", (_form, attributes) => {
    const span = read({ "gen_ai.operation.name": "chat" }, { events: [anEvent("gen_ai.user.message", attributes)] });
    expect(span.inputMessages).toEqual([user]);
  });

  test("of the span win over the same in a log", () => {
    const log = aRawLog({
      eventName: "gen_ai.client.inference.operation.details",
      attributes: { "gen_ai.input.messages": "from the log" },
    });
    const span = normalise(aRawSpan({ "gen_ai.operation.name": "chat", "gen_ai.input.messages": [user] }), [log]);
    expect(span.inputMessages).toEqual([user]);
  });

  test("from flattened keys are in numeric order, holes left out", () => {
    const span = read({
      "openinference.span.kind": "LLM",
      "llm.input_messages.10.message.role": "assistant",
      "llm.input_messages.10.message.content": "ten",
      "llm.input_messages.9.message.role": "user",
      "llm.input_messages.9.message.content": "nine",
    });
    expect(span.inputMessages?.map((message) => message.role)).toEqual(["user", "assistant"]);
  });
});

describe("tokens", () => {
  test("that were not reported are absent, and zero stays zero", () => {
    expect(read({ "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 0 }).usage).toEqual({ inputTokens: 0 });
    expect(read({ "gen_ai.operation.name": "chat" }).usage).toBeUndefined();
  });

  test("are read under their old names and from decimal text", () => {
    const usage = read({ "gen_ai.system": "x", "gen_ai.usage.prompt_tokens": "12", "gen_ai.usage.completion_tokens": 3 }).usage;
    expect(usage).toEqual({ inputTokens: 12, outputTokens: 3 });
  });

  test("that are negative or no numbers are not reported", () => {
    expect(read({ "gen_ai.system": "x", "gen_ai.usage.input_tokens": -1, "gen_ai.usage.output_tokens": "many" }).usage).toBeUndefined();
  });
});

describe("finish reasons", () => {
  test.each([
    ["tool_calls", "tool_call"],
    ["tool-calls", "tool_call"],
    ["tool_use", "tool_call"],
    ["completed", "stop"],
    ["end_turn", "stop"],
    ["max_tokens", "length"],
    ["content-filter", "content_filter"],
    ["Something", "Something"],
  ])("%s reads %s", (said, normal) => {
    expect(read({ "gen_ai.operation.name": "chat", "gen_ai.response.finish_reasons": [said] }).finishReasons).toEqual([normal]);
  });

  test("may be JSON text or one word", () => {
    expect(read({ "gen_ai.system": "x", "gen_ai.response.finish_reasons": '["stop"]' }).finishReasons).toEqual(["stop"]);
    expect(read({ "gen_ai.system": "x", "gen_ai.response.finish_reasons": "stop" }).finishReasons).toEqual(["stop"]);
  });
});

describe("error", () => {
  test.each([
    ["status", {}, { status: { code: 2 as const, message: "m" } }, { message: "m" }],
    ["error.type", { "error.type": "timeout" }, {}, { type: "timeout", message: "timeout" }],
    [
      "an exception event",
      {},
      { events: [anEvent("exception", { "exception.type": "T", "exception.message": "m" })] },
      { type: "T", message: "m" },
    ],
    [
      "a finish reason",
      { "gen_ai.response.finish_reasons": ["error"] },
      { status: { code: 1 as const } },
      { message: "finish reason error" },
    ],
  ])("is told by %s", (_what, attributes, overrides, error) => {
    expect(read({ "gen_ai.operation.name": "chat", ...attributes }, overrides).error).toEqual(error);
  });

  test("is absent where nothing tells one", () => {
    expect(read({ "gen_ai.operation.name": "chat" }, { status: { code: 1 } }).error).toBeUndefined();
  });
});

describe("evaluations", () => {
  const attributes = {
    "gen_ai.evaluation.name": "relevance",
    "gen_ai.evaluation.score.value": 0.5,
    "gen_ai.evaluation.score.label": "fair",
    "gen_ai.evaluation.explanation": "so so",
  };
  const evaluation = { name: "relevance", score: 0.5, label: "fair", explanation: "so so" };

  test("are read from span events", () => {
    expect(read({}, { events: [anEvent("gen_ai.evaluation.result", attributes)] }).evaluations).toEqual([evaluation]);
  });

  test("are read from logs", () => {
    expect(normalise(aRawSpan(), [aRawLog({ eventName: "gen_ai.evaluation.result", attributes })]).evaluations).toEqual([evaluation]);
  });

  test("are not read where they are our own, come back", () => {
    const own = { ...attributes, "agentlearn.evaluation.source": "judge:llm" };
    expect(read({}, { events: [anEvent("gen_ai.evaluation.result", own)] }).evaluations).toEqual([]);
  });

  test("are read from OpenInference annotations", () => {
    const span = read({
      "openinference.span.kind": "EVALUATOR",
      "annotations.0.annotation.name": "n",
      "annotations.0.annotation.score": 1,
    });
    expect(span.evaluations).toEqual([{ name: "n", score: 1 }]);
  });
});

describe("exposure", () => {
  const stamped = { "agentlearn.knowledge.given": ["a"], "agentlearn.knowledge.withheld": ["b"] };

  test("is read from any span", () => {
    const span = read({ ...stamped, "agentlearn.knowledge.withhold_probability": 0.1 });
    expect(span.exposure).toEqual({ given: ["a"], withheld: ["b"], withholdProbability: 0.1 });
  });

  test.each([undefined, 0, 1, -0.1, 1.5, "0.1", Number.NaN])(
    "is absent where something was withheld with probability %s",
    (probability) => {
      const said = probability === undefined ? {} : { "agentlearn.knowledge.withhold_probability": probability };
      expect(read({ ...stamped, ...said }).exposure).toBeUndefined();
    },
  );

  test("needs no probability where nothing was withheld", () => {
    expect(read({ "agentlearn.knowledge.given": ["a"] }).exposure).toEqual({ given: ["a"], withheld: [], withholdProbability: 0 });
  });
});

test("keeps unmapped GenAI attributes and only those", () => {
  const span = read({ "gen_ai.operation.name": "chat", "gen_ai.request.temperature": 0.2, "gen_ai.system": "x", "http.route": "/" });
  expect(span.metadata).toEqual({ "gen_ai.request.temperature": 0.2 });
});

test("a span of two dialects takes each field from the first that says it", () => {
  const span = read({
    "openinference.span.kind": "LLM",
    "llm.model_name": "theirs",
    "gen_ai.operation.name": "chat",
    "gen_ai.response.model": "ours",
    "gen_ai.response.id": "r1",
  });
  expect([span.model, span.responseId]).toEqual(["theirs", "r1"]);
});

test("ends no span before it started", () => {
  expect(read({}, { startTimeUs: 5, endTimeUs: 3 }).endTimeUs).toBe(5);
});

const KEYS = [
  "gen_ai.operation.name",
  "gen_ai.input.messages",
  "gen_ai.output.messages",
  "gen_ai.system_instructions",
  "gen_ai.response.finish_reasons",
  "gen_ai.tool.call.arguments",
  "gen_ai.tool.call.result",
  "gen_ai.usage.input_tokens",
  "openinference.span.kind",
  "input.value",
  "output.value",
  "metadata",
  "llm.input_messages.0.message.content",
  "llm.input_messages.0.message.tool_calls.0.tool_call.function.arguments",
  "traceloop.entity.input",
  "traceloop.span.kind",
  "ai.operationId",
  "ai.prompt",
  "ai.response.toolCalls",
  "gen_ai.prompt.0.content",
  "gen_ai.prompt.0.tool_calls.0.arguments",
  "gen_ai.event.content",
  "gen_ai.retrieval.documents",
  "langfuse.observation.type",
  "langfuse.observation.input",
  "langfuse.observation.output",
  "langfuse.observation.usage_details",
  "langfuse.observation.cost_details",
  "langfuse.observation.completion_start_time",
  "mastra.span.type",
  "mastra.model_step.input",
  "mastra.model_step.output",
  "mlflow.spanType",
  "mlflow.spanInputs",
  "mlflow.spanOutputs",
  "mlflow.chat.tokenUsage",
  "genkit:type",
  "genkit:metadata:subtype",
  "genkit:input",
  "genkit:output",
  "gcp.vertex.agent.llm_request",
  "gcp.vertex.agent.llm_response",
  "gcp.vertex.agent.tool_response",
  "anthropic.tool_result.content",
  "span.type",
  "new_context",
  "tool_input",
  "retrieval.documents.0.document.content",
  "event.name",
  "agentlearn.knowledge.given",
  "error.type",
  "__proto__",
];
const WORDS = [
  "chat",
  "execute_tool",
  "invoke_agent",
  "LLM",
  "TOOL",
  "CHAIN",
  "tool",
  "constructor",
  "__proto__",
  "ai.toolCall",
  "claude_code.tool",
  "claude_code.llm_request",
  "retriever",
  "model_step",
  "[",
  '[{"role":',
  '{"messages":[{"role":"model","parts":[{"functionCall":',
  '{"documents":[{"content":[{"text":',
  '{"usage":{"inputTokens":1,"totalTokens":',
];
const EVENTS = [
  "gen_ai.choice",
  "gen_ai.user.message",
  "gen_ai.tool.message",
  "gen_ai.evaluation.result",
  "exception",
  "gen_ai.content.prompt",
  "tool.output",
  "db.query.result",
  "claude_code.api_request",
];

// Stands for a value that throws when touched; the printer of fast-check would touch a real one.
const THROWING = "<throws>";

function planted(value: unknown): unknown {
  if (value === THROWING) {
    return new Proxy(
      {},
      {
        get() {
          throw new Error("hostile");
        },
        ownKeys() {
          throw new Error("hostile");
        },
      },
    );
  }
  if (Array.isArray(value)) return value.map(planted);
  if (Object.prototype.toString.call(value) !== "[object Object]") return value;
  const entries = Object.entries(value as object).map(([key, field]) => [key, planted(field)] as const);
  return Object.fromEntries(entries);
}

function hostileValue(): fc.Arbitrary<unknown> {
  const jsonish = fc.json().chain((text) => fc.nat(text.length).map((length) => text.slice(0, length)));
  return fc.oneof(
    fc.constantFrom(...WORDS),
    jsonish,
    fc.json(),
    fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true }),
    fc.constant(THROWING),
  );
}

describe("any input", () => {
  const attributes = fc.dictionary(fc.constantFrom(...KEYS), hostileValue());
  const event = fc.record({
    name: fc.constantFrom(...EVENTS),
    timeUs: hostileValue(),
    attributes,
    body: hostileValue(),
    eventName: fc.constantFrom(...EVENTS),
  });
  const span = fc.oneof(
    fc.record({
      name: hostileValue(),
      attributes,
      events: fc.array(event),
      status: hostileValue(),
      resource: hostileValue(),
      scope: hostileValue(),
    }),
    hostileValue(),
  );

  test("gives a span and never throws", () => {
    fc.assert(
      fc.property(span, fc.oneof(fc.array(event), hostileValue()), (raw, logs) => {
        const result = normalise(planted(raw) as RawSpan, planted(logs) as RawLog[]);
        return typeof result.role === "string" && Array.isArray(result.evaluations) && typeof result.startTimeUs === "number";
      }),
      { numRuns: 1000 },
    );
  });

  test("gives the same span for the same input", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...KEYS), fc.jsonValue()), (given) => {
        const raw = aRawSpan(given as Attributes);
        const before = JSON.stringify(raw);
        expect(normalise(raw, [])).toEqual(normalise(raw, []));
        expect(JSON.stringify(raw)).toBe(before);
      }),
    );
  });
});
