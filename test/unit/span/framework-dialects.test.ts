import { describe, expect, test } from "vitest";
import { normalise } from "../../../src/span/normalise.ts";
import type { Attributes, RawSpan } from "../../../src/span/raw-span.ts";
import type { Message, Span } from "../../../src/span/span.ts";
import { aRawSpan } from "./raw-factory.ts";

const read = (attributes: Attributes, overrides: Partial<RawSpan> = {}): Span => normalise(aRawSpan(attributes, overrides), []);
const json = JSON.stringify;
const says = (role: string, content: string): Message => ({ role, parts: [{ type: "text", content }] });
const asks = (id: string, city: string): Message => ({
  role: "assistant",
  parts: [{ type: "tool_call", id, name: "get_weather", arguments: { city } }],
});

// The factory's span starts at 1 s after 1970.
const STARTED_PLUS_250_MS = "1970-01-01T00:00:01.250Z";

describe("AI SDK, legacy", () => {
  const model = read({
    "ai.operationId": "ai.streamText.doStream",
    "ai.prompt.messages": json([
      { role: "system", content: "Be brief." },
      { role: "user", content: [{ type: "text", text: "Weather?" }] },
      { role: "assistant", content: [{ type: "tool-call", toolCallId: "c1", toolName: "get_weather", input: { city: "Paris" } }] },
      {
        role: "tool",
        content: [{ type: "tool-result", toolCallId: "c1", toolName: "get_weather", output: { type: "json", value: { temp_c: 21 } } }],
      },
    ]),
    "ai.response.text": "Sunny.",
    "ai.response.reasoning": "It said 21.",
    "ai.response.toolCalls": json([{ toolCallId: "c2", toolName: "get_weather", input: json({ city: "Oslo" }) }]),
    "ai.response.finishReason": "tool-calls",
    "ai.response.msToFirstChunk": 46.5,
    "ai.usage.inputTokens": 21,
    "ai.usage.outputTokens": 9,
    "ai.usage.inputTokenDetails.cacheReadTokens": 4,
    "ai.usage.inputTokenDetails.cacheWriteTokens": 2,
    "ai.usage.outputTokenDetails.reasoningTokens": 3,
    "ai.model.id": "gpt-4o-mini",
    "ai.model.provider": "openai.chat",
    "ai.telemetry.functionId": "weather",
    "ai.telemetry.metadata.sessionId": "s1",
    "ai.telemetry.metadata.userId": "u1",
    "ai.telemetry.metadata.plan": "pro",
  });

  test("reads the prompt with its tool results unwrapped", () => {
    expect(model.system).toBe("Be brief.");
    expect(model.inputMessages?.slice(1)).toEqual([
      says("user", "Weather?"),
      asks("c1", "Paris"),
      { role: "tool", parts: [{ type: "tool_call_response", id: "c1", response: { temp_c: 21 } }] },
    ]);
  });

  test("reads the answer, its thoughts and its calls", () => {
    expect(model.outputMessages?.[0]?.parts).toEqual([
      { type: "reasoning", content: "It said 21." },
      { type: "text", content: "Sunny." },
      { type: "tool_call", id: "c2", name: "get_weather", arguments: { city: "Oslo" } },
    ]);
  });

  test("reads tokens with their details, and milliseconds as they are", () => {
    expect(model.usage).toEqual({ inputTokens: 21, outputTokens: 9, cacheReadTokens: 4, cacheWriteTokens: 2, reasoningTokens: 3 });
    expect(model.timeToFirstTokenMs).toBe(46.5);
  });

  test("reads whose call it was and keeps the rest of the telemetry metadata", () => {
    expect([model.agentName, model.conversationId, model.userId]).toEqual(["weather", "s1", "u1"]);
    expect(model.metadata).toEqual({ "ai.telemetry.metadata.plan": "pro" });
  });

  test("names the provider without its API, under whichever key", () => {
    for (const key of ["ai.model.provider", "gen_ai.system"]) {
      expect(read({ "ai.operationId": "ai.generateText.doGenerate", [key]: "openai.responses" }).provider).toBe("openai");
    }
  });

  test("reads the prompt of an outer span", () => {
    const outer = read({ "ai.operationId": "ai.generateText", "ai.prompt": json({ system: "Be brief.", prompt: "Weather?" }) });
    expect([outer.role, outer.system, outer.inputMessages]).toEqual(["wrapper", "Be brief.", [says("user", "Weather?")]]);
  });

  test("reads what was embedded and leaves the vector", () => {
    const embedding = read({ "ai.operationId": "ai.embed.doEmbed", "ai.values": ['"sunny"', '"rain"'], "ai.embeddings": ["[0.1]"] });
    expect([embedding.role, embedding.input, embedding.metadata]).toEqual(["embedding", "sunny\nrain", {}]);
  });
});

describe("Langfuse", () => {
  const generation = read({
    "langfuse.observation.type": "generation",
    "langfuse.observation.model.name": "gpt-4o-mini",
    "langfuse.observation.input": json([{ role: "user", content: "Weather?" }]),
    "langfuse.observation.output": json({ role: "assistant", content: "Sunny." }),
    "langfuse.observation.usage_details": json({
      input: 17,
      output: 6,
      total: 30,
      input_cached_tokens: 4,
      output_reasoning_tokens: 3,
    }),
    "langfuse.observation.cost_details": json({ input: 0.001, output: 0.002, total: 0.003 }),
    "langfuse.observation.completion_start_time": json(STARTED_PLUS_250_MS),
    "langfuse.observation.model.parameters": json({ temperature: 0 }),
    "langfuse.trace.name": "weather-run",
    "session.id": "s1",
    "user.id": "u1",
  });

  test("counts what stands beside the input and the output into them", () => {
    expect(generation.usage).toEqual({ inputTokens: 21, outputTokens: 9, cacheReadTokens: 4, reasoningTokens: 3 });
  });

  test("does not count details again that the total shows to be inside", () => {
    const usage = json({ input: 21, output: 9, total: 30, input_cached_tokens: 4 });
    const span = read({ "langfuse.observation.type": "generation", "langfuse.observation.usage_details": usage });
    expect(span.usage).toEqual({ inputTokens: 21, outputTokens: 9, cacheReadTokens: 4 });
  });

  test("reads cost, and the first token from a quoted date", () => {
    expect([generation.costUsd, generation.timeToFirstTokenMs]).toEqual([0.003, 250]);
  });

  test("reads messages, model, trace name, session and user", () => {
    expect([generation.role, generation.model, generation.inputMessages, generation.outputMessages]).toEqual([
      "llm",
      "gpt-4o-mini",
      [says("user", "Weather?")],
      [says("assistant", "Sunny.")],
    ]);
    expect([generation.agentName, generation.conversationId, generation.userId]).toEqual(["weather-run", "s1", "u1"]);
  });

  test("takes a level of ERROR for a failure although the status is unset", () => {
    const tool = read(
      {
        "langfuse.observation.type": "tool",
        "langfuse.observation.input": json({ city: "Atlantis" }),
        "langfuse.observation.level": "ERROR",
        "langfuse.observation.status_message": "unknown city: Atlantis",
      },
      { name: "get_weather" },
    );
    expect([tool.role, tool.tool, tool.error]).toEqual([
      "tool",
      { name: "get_weather", arguments: { city: "Atlantis" } },
      { message: "unknown city: Atlantis" },
    ]);
  });

  test("an agent is named after its span and asked what the trace was asked", () => {
    const agent = read(
      {
        "langfuse.observation.type": "agent",
        "langfuse.trace.name": "weather-run",
        "langfuse.trace.input": json({ prompt: "Weather?" }),
        "langfuse.observation.output": json("Sunny."),
      },
      { name: "weather-agent" },
    );
    expect([agent.role, agent.agentName, agent.input, agent.output]).toEqual(["agent", "weather-agent", "Weather?", "Sunny."]);
  });

  test("a plain span that was stamped with the trace only is no step", () => {
    const span = read({ "langfuse.trace.name": "weather-run", "langfuse.environment": "default", "http.route": "/" });
    expect([span.role, span.genAi]).toEqual(["other", false]);
  });

  test("a span of another instrumentation keeps its own role", () => {
    expect(read({ "langfuse.observation.type": "span", "gen_ai.operation.name": "chat" }).role).toBe("llm");
  });

  test("a retriever says what was asked and found", () => {
    const span = read({
      "langfuse.observation.type": "retriever",
      "langfuse.observation.input": json("Where is Paris?"),
      "langfuse.observation.output": json([{ id: "d1", content: "In France", score: 0.9 }]),
    });
    expect(span.retrieval).toEqual({ query: "Where is Paris?", documents: [{ id: "d1", content: "In France", score: 0.9 }] });
  });
});

describe("Mastra", () => {
  test("an agent's answer is its text, its question the messages it was given", () => {
    const agent = read({
      "mastra.span.type": "agent_run",
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": "weather-agent",
      "mastra.agent_run.input": json([{ role: "user", content: "Weather?" }]),
      "mastra.agent_run.output": json({ text: "Sunny.", files: [] }),
      "mastra.metadata.threadId": "t1",
      "mastra.metadata.userId": "u1",
      "mastra.tags": json(["demo"]),
    });
    expect([agent.role, agent.agentName, agent.inputMessages, agent.output]).toEqual([
      "agent",
      "weather-agent",
      [says("user", "Weather?")],
      "Sunny.",
    ]);
    expect([agent.conversationId, agent.userId, agent.metadata]).toEqual(["t1", "u1", { "mastra.tags": '["demo"]' }]);
  });

  test("a model step holds what the model was sent and what it called", () => {
    const step = read({
      "mastra.span.type": "model_step",
      "gen_ai.operation.name": "model_step",
      "mastra.model_step.input": json({ body: { model: "gpt", messages: [{ role: "user", content: "Weather?" }] } }),
      "mastra.model_step.output": json({ text: "", toolCalls: [{ toolCallId: "c1", toolName: "get_weather", args: { city: "Paris" } }] }),
      "mastra.completion_start_time": STARTED_PLUS_250_MS,
    });
    expect([step.role, step.inputMessages, step.outputMessages]).toEqual(["llm", [says("user", "Weather?")], [asks("c1", "Paris")]]);
    expect(step.timeToFirstTokenMs).toBe(250);
  });

  test("what stands for a call or an answer in a history is neither", () => {
    const step = read({
      "mastra.span.type": "model_step",
      "mastra.model_step.input": json([
        { role: "user", content: "Weather?" },
        { role: "assistant", content: "[tool: get_weather]" },
        { role: "tool", content: "[tool-result: get_weather]" },
      ]),
    });
    expect(step.inputMessages).toEqual([says("user", "Weather?")]);
  });

  test("an answer without words is no answer, whatever it is wrapped in", () => {
    const step = read({ "mastra.span.type": "model_step", "mastra.model_step.output": json({ text: "", toolCalls: [] }) });
    expect([step.output, step.outputMessages]).toEqual([undefined, undefined]);
  });

  test("a session is the conversation only where there is no thread", () => {
    const both = read({ "mastra.span.type": "agent_run", "mastra.metadata.threadId": "t1", "mastra.metadata.sessionId": "s1" });
    expect([both.conversationId, both.metadata]).toEqual(["t1", { "mastra.metadata.sessionId": "s1" }]);
    expect(read({ "mastra.span.type": "agent_run", "mastra.metadata.sessionId": "s1" }).conversationId).toBe("s1");
  });

  test("a call that finished in error failed although its status is OK", () => {
    const span = read(
      { "mastra.span.type": "model_inference", "gen_ai.operation.name": "chat", "gen_ai.response.finish_reasons": ["error"] },
      { status: { code: 1 } },
    );
    expect([span.role, span.error]).toEqual(["llm", { message: "finish reason error" }]);
  });

  test("a tool takes its arguments from OTel, else from Mastra's own keys", () => {
    const tool = { "mastra.span.type": "tool_call", "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather" };
    const named = { "gen_ai.tool.call.arguments": json({ city: "Paris" }), "mastra.tool_call.output": json({ temp_c: 21 }) };
    expect(read({ ...tool, ...named }).tool).toEqual({ name: "get_weather", arguments: { city: "Paris" }, result: { temp_c: 21 } });
  });
});

describe("MLflow", () => {
  test("reads JSON text in every attribute", () => {
    const span = read({
      "mlflow.spanType": '"CHAT_MODEL"',
      "mlflow.spanInputs": json({ model: "gpt", messages: [{ role: "user", content: "Weather?" }] }),
      "mlflow.spanOutputs": json({ choices: [{ index: 0, message: { role: "assistant", content: "Sunny." }, finish_reason: "stop" }] }),
      "mlflow.chat.tokenUsage": json({ input_tokens: 21, output_tokens: 9, total_tokens: 30, cache_read_input_tokens: 4 }),
      "mlflow.llm.model": '"gpt-4o-mini"',
      "mlflow.llm.provider": '"openai"',
      "mlflow.llm.cost": json({ total_cost: 0.5 }),
      "mlflow.traceRequestId": '"tr-1"',
    });
    expect([span.role, span.model, span.provider, span.costUsd]).toEqual(["llm", "gpt-4o-mini", "openai", 0.5]);
    expect([span.inputMessages, span.outputMessages]).toEqual([[says("user", "Weather?")], [says("assistant", "Sunny.")]]);
    expect(span.usage).toEqual({ inputTokens: 21, outputTokens: 9, cacheReadTokens: 4 });
    expect(span.metadata).toEqual({ "mlflow.traceRequestId": '"tr-1"' });
  });

  test("reads what autologging left in the provider's response, and the first chunk", () => {
    const response = {
      id: "chatcmpl-1",
      choices: [{ finish_reason: "tool_calls", message: { role: "assistant", content: "", tool_calls: null } }],
      usage: { completion_tokens_details: { reasoning_tokens: 3 } },
    };
    const span = read(
      {
        "mlflow.spanType": '"CHAT_MODEL"',
        "mlflow.chat.tokenUsage": json({ input_tokens: 21, output_tokens: 9 }),
        "mlflow.spanOutputs": json(response),
        model: '"gpt-4o-mini"',
      },
      { events: [{ name: "mlflow.chunk.item.0", timeUs: 1_250_000, attributes: {} }] },
    );
    expect([span.model, span.responseId, span.finishReasons, span.timeToFirstTokenMs]).toEqual([
      "gpt-4o-mini",
      "chatcmpl-1",
      ["tool_call"],
      250,
    ]);
    expect([span.usage, span.output, span.outputMessages]).toEqual([
      { inputTokens: 21, outputTokens: 9, reasoningTokens: 3 },
      undefined,
      undefined,
    ]);
  });

  test("names tools and agents after their spans", () => {
    const tool = read(
      { "mlflow.spanType": '"TOOL"', "mlflow.spanInputs": json({ city: "Paris" }), "mlflow.spanOutputs": "21" },
      { name: "w" },
    );
    expect(tool.tool).toEqual({ name: "w", arguments: { city: "Paris" }, result: 21 });
    const agent = read({ "mlflow.spanType": '"AGENT"', "mlflow.spanInputs": json({ question: "Weather?" }) }, { name: "weather" });
    expect([agent.role, agent.agentName, agent.input]).toEqual(["agent", "weather", "Weather?"]);
  });

  test("reads the pages a retriever found", () => {
    const span = read({
      "mlflow.spanType": '"RETRIEVER"',
      "mlflow.spanInputs": json({ query: "Where is Paris?" }),
      "mlflow.spanOutputs": json([{ page_content: "In France", metadata: { source: "kb" }, id: "d1" }]),
    });
    expect(span.retrieval).toEqual({
      query: "Where is Paris?",
      documents: [{ id: "d1", content: "In France", metadata: { source: "kb" } }],
    });
  });
});
