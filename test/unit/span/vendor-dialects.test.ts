import { describe, expect, test } from "vitest";
import { normalise } from "../../../src/span/normalise.ts";
import type { Attributes, AttributeValue, RawSpan } from "../../../src/span/raw-span.ts";
import type { Message, Span } from "../../../src/span/span.ts";
import { anEvent, aRawLog, aRawSpan } from "./raw-factory.ts";

const read = (attributes: Attributes, overrides: Partial<RawSpan> = {}): Span => normalise(aRawSpan(attributes, overrides), []);
const json = JSON.stringify;
const says = (role: string, content: string): Message => ({ role, parts: [{ type: "text", content }] });
const asks = (id: string, city: string): Message => ({
  role: "assistant",
  parts: [{ type: "tool_call", id, name: "get_weather", arguments: { city } }],
});

describe("Genkit", () => {
  const request = {
    messages: [
      { role: "system", content: [{ text: "Be brief." }] },
      { role: "user", content: [{ text: "Weather?" }] },
      { role: "model", content: [{ toolRequest: { ref: "c1", name: "get_weather", input: { city: "Paris" } } }] },
      { role: "tool", content: [{ toolResponse: { ref: "c1", name: "get_weather", output: { temp_c: 21 } } }] },
    ],
  };
  const model = (usage: object): Span =>
    read({
      "genkit:type": "action",
      "genkit:metadata:subtype": "model",
      "genkit:name": "googleai/gemini-2.5-flash",
      "genkit:input": json(request),
      "genkit:output": json({ message: { role: "model", content: [{ text: "Sunny." }] }, finishReason: "stop", usage }),
      "genkit:state": "success",
      "genkit:path": "/{weather,t:flow}",
    });

  test("reads a model call with its plugin", () => {
    const span = model({ inputTokens: 21, outputTokens: 9 });
    expect([span.role, span.provider, span.model, span.system, span.finishReasons]).toEqual([
      "llm",
      "googleai",
      "gemini-2.5-flash",
      "Be brief.",
      ["stop"],
    ]);
    expect(span.inputMessages?.slice(1)).toEqual([
      says("user", "Weather?"),
      asks("c1", "Paris"),
      { role: "tool", parts: [{ type: "tool_call_response", id: "c1", response: { temp_c: 21 } }] },
    ]);
    expect([span.outputMessages, span.metadata]).toEqual([[says("assistant", "Sunny.")], { "genkit:path": "/{weather,t:flow}" }]);
  });

  test("counts thoughts into the output only where they stand beside it", () => {
    expect(model({ inputTokens: 21, outputTokens: 6, thoughtsTokens: 3, totalTokens: 30 }).usage?.outputTokens).toBe(9);
    expect(model({ inputTokens: 21, outputTokens: 9, thoughtsTokens: 3, totalTokens: 30 }).usage?.outputTokens).toBe(9);
  });

  test.each([
    [{ "genkit:type": "action", "genkit:metadata:subtype": "flow" }, "agent"],
    [{ "genkit:type": "util", "genkit:isRoot": true }, "agent"],
    [{ "genkit:type": "util" }, "wrapper"],
    [{ "genkit:type": "flowStep" }, "wrapper"],
    [{ "genkit:type": "action", "genkit:metadata:subtype": "embedder" }, "embedding"],
  ] as const)("makes of %j the role %s", (attributes, role) => {
    expect(read(attributes).role).toBe(role);
  });

  test("takes what its own form has no field for from the provider's response", () => {
    const raw = {
      id: "chatcmpl-1",
      model: "gemini-2.5-flash-001",
      usage: { prompt_tokens_details: { cached_tokens: 4 }, completion_tokens_details: { reasoning_tokens: 3 } },
    };
    const span = read({
      "genkit:metadata:subtype": "model",
      "genkit:name": "googleai/gemini-2.5-flash",
      "genkit:output": json({ message: { role: "model", content: [] }, usage: { inputTokens: 21, outputTokens: 9 }, raw }),
    });
    expect([span.provider, span.model, span.responseId, span.usage]).toEqual([
      "googleai",
      "gemini-2.5-flash-001",
      "chatcmpl-1",
      { inputTokens: 21, outputTokens: 9, cacheReadTokens: 4, reasoningTokens: 3 },
    ]);
  });

  test("a bare call of a model is a run without an agent's name, and its answer the model's", () => {
    const answer = { message: { role: "model", content: [{ text: "Sunny." }] }, request: { messages: [] } };
    const run = read({ "genkit:type": "util", "genkit:name": "generate", "genkit:isRoot": true, "genkit:output": json(answer) });
    expect([run.role, run.agentName, run.outputMessages]).toEqual(["agent", undefined, [says("assistant", "Sunny.")]]);
  });

  test("reads a failed tool", () => {
    const tool = read({
      "genkit:type": "action",
      "genkit:metadata:subtype": "tool",
      "genkit:name": "get_weather",
      "genkit:input": json({ city: "Atlantis" }),
      "genkit:state": "error",
    });
    expect([tool.tool, tool.error]).toEqual([{ name: "get_weather", arguments: { city: "Atlantis" } }, { message: "error" }]);
  });

  test("reads query and documents of a retriever", () => {
    const span = read({
      "genkit:type": "action",
      "genkit:metadata:subtype": "retriever",
      "genkit:input": json({ query: { content: [{ text: "Where is Paris?" }] } }),
      "genkit:output": json({ documents: [{ content: [{ text: "In France" }], metadata: { source: "kb" } }] }),
    });
    expect(span.retrieval).toEqual({ query: "Where is Paris?", documents: [{ content: "In France", metadata: { source: "kb" } }] });
  });
});

describe("Google ADK", () => {
  const request = {
    model: "gemini-2.5-flash",
    config: { system_instruction: "Be brief." },
    contents: [
      { role: "user", parts: [{ text: "Weather?" }] },
      { role: "model", parts: [{ function_call: { id: "c1", name: "get_weather", args: { city: "Paris" } } }] },
      { role: "user", parts: [{ function_response: { id: "c1", name: "get_weather", response: { temp_c: 21 } } }] },
    ],
  };
  const response = {
    content: { role: "model", parts: [{ text: "21 is", thought: true }, { text: "Sunny." }] },
    finish_reason: "STOP",
    usage_metadata: { prompt_token_count: 21, candidates_token_count: 6, thoughts_token_count: 3, cached_content_token_count: 4 },
  };
  const call = read({
    "gen_ai.system": "gcp.vertex.agent",
    "gen_ai.request.model": "gemini-2.5-flash",
    "gcp.vertex.agent.llm_request": json(request),
    "gcp.vertex.agent.llm_response": json(response),
    "gcp.vertex.agent.session_id": "s1",
    "gcp.vertex.agent.invocation_id": "i1",
  });

  test("reads a model call out of Gemini's JSON in snake case", () => {
    expect([call.role, call.model, call.system, call.finishReasons, call.conversationId]).toEqual([
      "llm",
      "gemini-2.5-flash",
      "Be brief.",
      ["stop"],
      "s1",
    ]);
    expect(call.inputMessages).toEqual([
      says("user", "Weather?"),
      asks("c1", "Paris"),
      { role: "user", parts: [{ type: "tool_call_response", id: "c1", response: { temp_c: 21 } }] },
    ]);
    expect(call.outputMessages?.[0]?.parts).toEqual([
      { type: "reasoning", content: "21 is" },
      { type: "text", content: "Sunny." },
    ]);
    expect(call.usage).toEqual({ inputTokens: 21, outputTokens: 9, cacheReadTokens: 4, reasoningTokens: 3 });
    expect(call.metadata).toEqual({ "gcp.vertex.agent.invocation_id": "i1" });
  });

  test("reads camel case as well", () => {
    const span = read({
      "gcp.vertex.agent.llm_request": json({ contents: [{ role: "user", parts: [{ text: "Weather?" }] }] }),
      "gcp.vertex.agent.llm_response": json({
        content: { role: "model", parts: [{ functionCall: { id: "c1", name: "get_weather", args: { city: "Paris" } } }] },
        usageMetadata: { promptTokenCount: 21, candidatesTokenCount: 9 },
      }),
    });
    expect([span.outputMessages, span.usage]).toEqual([[asks("c1", "Paris")], { inputTokens: 21, outputTokens: 9 }]);
  });

  test("reads a tool whose span carries an empty request too", () => {
    const tool = read({
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "get_weather",
      "gcp.vertex.agent.tool_call_args": json({ city: "Paris" }),
      "gcp.vertex.agent.tool_response": json({ temp_c: 21 }),
      "gcp.vertex.agent.llm_request": "{}",
      "gcp.vertex.agent.llm_response": "{}",
    });
    expect([tool.role, tool.tool, tool.inputMessages]).toEqual([
      "tool",
      { name: "get_weather", arguments: { city: "Paris" }, result: { temp_c: 21 } },
      undefined,
    ]);
  });
});

describe("Google ADK's logs", () => {
  const chat = aRawSpan({ "gen_ai.operation.name": "generate_content", "gcp.vertex.agent.event_id": "e1" });

  test("join the chunks of a stream, which only the last one ends", () => {
    const chunk = (content: string, reason: string): object => ({ ...says("assistant", content), finish_reason: reason });
    const details = (chunks: readonly object[]): Span =>
      normalise(chat, [
        aRawLog({
          eventName: "gen_ai.client.inference.operation.details",
          attributes: { "gen_ai.output.messages": chunks as unknown as AttributeValue, "user.id": "u1" },
        }),
      ]);
    expect(details([chunk("Sun", ""), chunk("ny.", "stop")]).outputMessages).toEqual([says("assistant", "Sunny.")]);
    expect(details([chunk("Sunny.", "stop"), chunk("Rain.", "stop")]).outputMessages).toEqual([
      says("assistant", "Sunny."),
      says("assistant", "Rain."),
    ]);
    expect(details([]).userId).toBe("u1");
  });

  test("hold Gemini's content, which is a message itself", () => {
    const content = (role: string, part: object): AttributeValue =>
      ({ content: { role, parts: [{ text: null, ...part }] } }) as AttributeValue;
    const call = { function_call: { id: "c1", name: "get_weather", args: { city: "Paris" } } };
    const span = normalise(chat, [
      aRawLog({ timeUs: 1, eventName: "gen_ai.user.message", body: content("user", { text: "Weather?" }) }),
      aRawLog({ timeUs: 2, eventName: "gen_ai.choice", body: content("model", call) }),
    ]);
    expect([span.inputMessages, span.outputMessages]).toEqual([[says("user", "Weather?")], [asks("c1", "Paris")]]);
  });
});

describe("openlit", () => {
  test("makes a wrapper of a function that it was told to trace, and keeps how that was called", () => {
    const span = read({ "gen_ai.output.messages": "Sunny.", "function.args": "('Weather?',)", "http.route": "/" });
    expect([span.role, span.outputMessages, span.metadata]).toEqual([
      "wrapper",
      [says("assistant", "Sunny.")],
      { "function.args": "('Weather?',)" },
    ]);
  });

  test("does not make a tool of a chat span that carries a tool's name, and merges its log", () => {
    const attributes = {
      "gen_ai.operation.name": "chat",
      "gen_ai.tool.name": "get_weather",
      "gen_ai.output.messages": json([says("assistant", "Sunny.")]),
      "gen_ai.usage.cost": 0.003,
      "gen_ai.server.time_to_first_token": 0.25,
    };
    const log = aRawLog({
      eventName: "gen_ai.client.inference.operation.details",
      attributes: {
        "gen_ai.input.messages": json([says("user", "Weather?")]),
        "gen_ai.output.messages": json([says("assistant", "from the log")]),
      },
    });
    const span = normalise(aRawSpan(attributes), [log]);
    expect([span.role, span.tool, span.inputMessages, span.outputMessages]).toEqual([
      "llm",
      undefined,
      [says("user", "Weather?")],
      [says("assistant", "Sunny.")],
    ]);
    expect([span.costUsd, span.timeToFirstTokenMs]).toEqual([0.003, 250]);
  });

  test("does not report a cost of zero, which stands for an unknown price", () => {
    expect(read({ "gen_ai.operation.name": "chat", "gen_ai.usage.cost": 0 }).costUsd).toBeUndefined();
  });
});

describe("Claude Code", () => {
  const named = (name: string, attributes: Attributes, overrides: Partial<RawSpan> = {}): Span =>
    read(attributes, { name: `claude_code.${name}`, ...overrides });

  test("adds the cache to the input, which excludes it", () => {
    const span = named("llm_request", {
      "span.type": "llm_request",
      model: "claude-opus",
      "gen_ai.system": "anthropic",
      "gen_ai.request.model": "claude-opus",
      input_tokens: 2,
      output_tokens: 1200,
      cache_read_tokens: 84_562,
      cache_creation_tokens: 7096,
      ttft_ms: 850,
      stop_reason: "tool_use",
      success: true,
      attempt: 1,
      new_context: "Weather?",
      "response.model_output": "Sunny.",
    });
    expect(span.usage).toEqual({ inputTokens: 91_660, outputTokens: 1200, cacheReadTokens: 84_562, cacheWriteTokens: 7096 });
    expect([span.role, span.provider, span.model, span.finishReasons, span.timeToFirstTokenMs]).toEqual([
      "llm",
      "anthropic",
      "claude-opus",
      ["tool_call"],
      850,
    ]);
    expect([span.input, span.output, span.error, span.metadata]).toEqual(["Weather?", "Sunny.", undefined, { attempt: 1 }]);
  });

  test("reads a tool with the output of its event", () => {
    const tool = named(
      "tool",
      { "span.type": "tool", tool_name: "Bash", tool_use_id: "toolu_1", full_command: "ls", "session.id": "s1" },
      { events: [anEvent("tool.output", { output: "README.md" })] },
    );
    expect([tool.role, tool.tool, tool.conversationId]).toEqual([
      "tool",
      { name: "Bash", callId: "toolu_1", arguments: { command: "ls" }, result: "README.md" },
      "s1",
    ]);
  });

  test("takes the whole input of a tool before its details", () => {
    const tool = named("tool", {
      "span.type": "tool",
      tool_name: "Read",
      file_path: "a",
      tool_input: '[TOOL INPUT: Read]\n{"file_path":"a","limit":5}',
    });
    expect(tool.tool?.arguments).toEqual({ file_path: "a", limit: 5 });
  });

  test("is asked what the user typed, unless that was withheld", () => {
    const typed = { "span.type": "claude_code.interaction", user_prompt: "Weather?" };
    expect([read(typed).role, read(typed).input]).toEqual(["agent", "Weather?"]);
    expect(read({ ...typed, user_prompt: "<REDACTED>" }).input).toBeUndefined();
  });

  test("reads the words of a context by their headings, without the harness's own reminders", () => {
    const call = (context: string): Span => named("llm_request", { "span.type": "llm_request", new_context: context });
    expect(call("[USER]\nWeather?\nIn Paris.").inputMessages).toEqual([says("user", "Weather?\nIn Paris.")]);
    const blocks = json([
      { type: "text", text: '{"temp_c":21}\n' },
      { type: "text", text: "<system-reminder>\n9 tokens left" },
    ]);
    expect(call(`[TOOL RESULT: toolu_1]\nno city\n\n<system-reminder>\n9 left\n\n[TOOL RESULT: toolu_2]\n${blocks}`).inputMessages).toEqual(
      [
        { role: "tool", parts: [{ type: "tool_call_response", id: "toolu_1", response: "no city" }] },
        { role: "tool", parts: [{ type: "tool_call_response", id: "toolu_2", response: { temp_c: 21 } }] },
      ],
    );
  });

  test("takes the answer and the arguments of tools from the logs of an interaction", () => {
    const logs = [
      aRawLog({ eventName: "user_prompt", attributes: { prompt: "Weather?" } }),
      aRawLog({ eventName: "tool_result", attributes: { tool_name: "mcp_tool", tool_use_id: "t1", tool_input: '{"city":"Paris"}' } }),
      aRawLog({ eventName: "assistant_response", attributes: { response: "Let me see." } }),
      aRawLog({ eventName: "claude_code.assistant_response", attributes: { response: "Sunny." } }),
    ];
    const span = normalise(aRawSpan({ "span.type": "claude_code.interaction" }), logs);
    expect([span.input, span.outputMessages?.[0]?.parts]).toEqual([
      "Weather?",
      [
        { type: "tool_call", id: "t1", name: "mcp_tool", arguments: { city: "Paris" } },
        { type: "text", content: "Sunny." },
      ],
    ]);
    const withheld = aRawLog({ eventName: "assistant_response", attributes: { response: "<REDACTED>" } });
    expect(normalise(aRawSpan({ "span.type": "claude_code.interaction" }), [withheld]).outputMessages).toBeUndefined();
  });

  test("reads failure and cost", () => {
    const failed = named("tool.execution", { "span.type": "tool.execution", success: false, error: "ShellError" });
    expect([failed.role, failed.error]).toEqual(["tool", { message: "ShellError" }]);
    const log = aRawLog({ eventName: "claude_code.api_request", attributes: { cost_usd: "0.25" } });
    expect(normalise(aRawSpan({ "span.type": "claude_code.llm_request" }), [log]).costUsd).toBe(0.25);
  });

  test("does not claim a span type of somebody else", () => {
    expect(read({ "span.type": "tool", tool_name: "Bash" }).genAi).toBe(false);
  });
});

describe("Anthropic's client", () => {
  test("says in its own words what a tool answered and why a call ended", () => {
    const tool = read({
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "get_weather",
      "error.type": "tool_error",
      "anthropic.tool_result.content": json([{ type: "text", text: "Error: unknown city" }]),
    });
    expect([tool.tool, tool.error]).toEqual([
      { name: "get_weather", result: "Error: unknown city" },
      { type: "tool_error", message: "Error: unknown city" },
    ]);
    const call = read({ "gen_ai.operation.name": "chat", "anthropic.message.stop_reason": "end_turn", "anthropic.request.id": "r1" });
    expect([call.finishReasons, call.metadata]).toEqual([["stop"], { "anthropic.request.id": "r1" }]);
  });
});

describe("flattened prompts", () => {
  test("are read without any other key of OpenLLMetry", () => {
    const span = read({
      "gen_ai.system": "OpenAI",
      "gen_ai.request.model": "gpt-4o-mini",
      "gen_ai.prompt.0.role": "user",
      "gen_ai.prompt.0.content": "Weather?",
      "gen_ai.prompt.1.role": "tool",
      "gen_ai.prompt.1.tool_call_id": "c1",
      "gen_ai.prompt.1.content": "21",
      "gen_ai.completion.0.finish_reason": "tool_calls",
      "gen_ai.completion.0.role": "assistant",
      "gen_ai.completion.0.tool_calls.0.id": "c2",
      "gen_ai.completion.0.tool_calls.0.name": "get_weather",
      "gen_ai.completion.0.tool_calls.0.arguments": json({ city: "Paris" }),
    });
    expect([span.role, span.finishReasons]).toEqual(["llm", ["tool_call"]]);
    expect(span.inputMessages).toEqual([
      says("user", "Weather?"),
      { role: "tool", parts: [{ type: "tool_call_response", id: "c1", response: "21" }] },
    ]);
    expect(span.outputMessages).toEqual([asks("c2", "Paris")]);
  });

  test("a vector search says what it found", () => {
    const found = anEvent("db.query.result", {
      "db.query.result.id": "d1",
      "db.query.result.score": 0.9,
      "db.query.result.document": "In France",
      "db.query.result.metadata": json({ source: "kb" }),
    });
    const span = read({ "db.system": "chroma" }, { events: [found] });
    expect([span.role, span.retrieval]).toEqual([
      "retrieval",
      { documents: [{ id: "d1", score: 0.9, content: "In France", metadata: { source: "kb" } }] },
    ]);
  });
});

describe("OTel", () => {
  test.each([
    ["plan", "wrapper"],
    ["search_memory", "retrieval"],
    ["create_memory", "other"],
    ["delete_memory_store", "other"],
    ["invoke_workflow", "agent"],
  ])("operation %s is %s", (operation, role) => {
    expect(read({ "gen_ai.operation.name": operation }).role).toBe(role);
  });

  test("reads query and documents of a retrieval, structured or as JSON text", () => {
    const documents = [{ id: "d1", score: 0.9, text: "In France" }];
    for (const value of [documents, json(documents)]) {
      const span = read({
        "gen_ai.operation.name": "retrieval",
        "gen_ai.retrieval.query.text": "Where is Paris?",
        "gen_ai.retrieval.documents": value,
      });
      expect(span.retrieval).toEqual({ query: "Where is Paris?", documents: [{ id: "d1", score: 0.9, content: "In France" }] });
    }
  });

  test("reads what a memory held", () => {
    const records = [{ id: "m1", content: "likes rain", score: 0.5, metadata: { by: "user" } }];
    const span = read({ "gen_ai.operation.name": "search_memory", "gen_ai.memory.query.text": "rain", "gen_ai.memory.records": records });
    expect(span.retrieval).toEqual({ query: "rain", documents: records });
  });

  test.each([
    ["gen_ai.usage.cache_write.input_tokens"],
    ["gen_ai.usage.cache_creation.input_tokens"],
    ["gen_ai.usage.cache_creation_input_tokens"],
  ])("reads tokens written to the cache from %s", (key) => {
    expect(read({ "gen_ai.operation.name": "chat", [key]: 7 }).usage).toEqual({ cacheWriteTokens: 7 });
  });

  test("reads seconds to the first chunk as milliseconds", () => {
    expect(read({ "gen_ai.operation.name": "chat", "gen_ai.response.time_to_first_chunk": 0.25 }).timeToFirstTokenMs).toBe(250);
  });

  test("makes a tool of an MCP call, by either side", () => {
    const call = {
      "mcp.method.name": "tools/call",
      "gen_ai.tool.name": "get_weather",
      "gen_ai.tool.call.arguments": json({ city: "Paris" }),
    };
    for (const kind of [2, 3]) {
      const span = read({ ...call, "error.type": "tool_error" }, { kind });
      expect([span.role, span.tool?.arguments, span.error]).toEqual([
        "tool",
        { city: "Paris" },
        { type: "tool_error", message: "tool_error" },
      ]);
    }
  });
});

describe("logs without an event name", () => {
  const chat = aRawSpan({ "gen_ai.operation.name": "chat" });

  test("are taken for details by their attributes or their body", () => {
    const messages = { "gen_ai.input.messages": [says("user", "Weather?")] } as unknown as Attributes;
    expect(normalise(chat, [aRawLog({ attributes: messages })]).inputMessages).toEqual([says("user", "Weather?")]);
    expect(normalise(chat, [aRawLog({ body: messages })]).inputMessages).toEqual([says("user", "Weather?")]);
  });

  test("are taken for messages and choices by their shape", () => {
    const attributes = { "gen_ai.system": "openai" };
    const span = normalise(chat, [
      aRawLog({ attributes, timeUs: 1, body: { role: "user", content: "Weather?" } }),
      aRawLog({ attributes, timeUs: 2, body: { index: 0, finish_reason: "stop", message: { role: "assistant", content: "Sunny." } } }),
    ]);
    expect([span.inputMessages, span.outputMessages, span.finishReasons]).toEqual([
      [says("user", "Weather?")],
      [says("assistant", "Sunny.")],
      ["stop"],
    ]);
  });

  test("of the application are left alone", () => {
    const span = normalise(chat, [aRawLog({ body: { role: "user", message: "logged in", index: 1 } })]);
    expect([span.inputMessages, span.outputMessages]).toEqual([undefined, undefined]);
  });
});
