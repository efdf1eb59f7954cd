import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { normalise } from "../../../src/span/normalise.ts";
import { decodeJson } from "../../../src/span/otlp/decode-json.ts";
import type { Message, Span } from "../../../src/span/span.ts";

const FOLDER = new URL("../../fixtures/spans/", import.meta.url);
const NAMES = readdirSync(FOLDER).filter((name) => readFileSync(new URL(name, FOLDER), "utf8").startsWith("{"));

function spansOf(name: string): readonly Span[] {
  const body = readFileSync(new URL(name, FOLDER));
  const { spans } = decodeJson(body, "traces").batch;
  const { logs } = decodeJson(body, "logs").batch;
  return spans.map((span) =>
    normalise(
      span,
      logs.filter((log) => log.traceId === span.traceId && log.spanId === span.spanId),
    ),
  );
}

function byId(spans: readonly Span[], spanIdStart: string): Span {
  const found = spans.find((span) => span.spanId.startsWith(spanIdStart));
  if (found === undefined) throw new Error(`no span ${spanIdStart}`);
  return found;
}

const says = (role: string, content: string): Message => ({ role, parts: [{ type: "text", content }] });
const calls = (id: string, city: string): Message => ({
  role: "assistant",
  parts: [{ type: "tool_call", id, name: "get_weather", arguments: { city } }],
});
const answers = (id: string, response: string, role = "tool"): Message => ({ role, parts: [{ type: "tool_call_response", id, response }] });

const QUESTION = "Weather in Atlantis or Paris?";
const FAILURE = "ERROR: unknown city: Atlantis";
const WEATHER = '{"temp_c":21,"sky":"sunny"}';
const MODEL = "gpt-4o-mini-2024-07-18";

describe("every recorded OTLP payload", () => {
  test("is there", () => {
    expect(NAMES.length).toBeGreaterThanOrEqual(8);
  });

  test.each(NAMES)("%s decodes whole and every span gets a role", (name) => {
    const result = decodeJson(readFileSync(new URL(name, FOLDER)), "traces");
    const spans = spansOf(name);
    expect({ rejected: result.rejected, spans: spans.length > 0 }).toEqual({ rejected: 0, spans: true });
    expect(spans.filter((span) => span.genAi && span.role === "other").map((span) => span.name)).toEqual([]);
  });

  test.each(NAMES)("%s leaves the application's own spans alone", (name) => {
    const own = spansOf(name).filter((span) => span.name.startsWith("POST "));
    expect(own.map((span) => [span.role, span.genAi])).toEqual(own.map(() => ["other", false]));
  });
});

describe("instrumentation-openai, whose content is in logs only", () => {
  const spans = spansOf("otel-instrumentation-openai.json");
  const second = byId(spans, "f405c133");

  test("reads the model call from attributes", () => {
    const { role, operation, provider, model, responseId, usage, finishReasons, service } = second;
    expect({ role, operation, provider, model, responseId, usage, finishReasons, service }).toEqual({
      role: "llm",
      operation: "chat",
      provider: "openai",
      model: MODEL,
      responseId: "chatcmpl-16",
      usage: { inputTokens: 21, outputTokens: 9 },
      finishReasons: ["tool_call"],
      service: "stub-agent",
    });
  });

  test("joins chat messages from the message logs", () => {
    expect(second.system).toBe("You are a weather agent.");
    expect(second.inputMessages).toEqual([
      says("system", "You are a weather agent."),
      says("user", QUESTION),
      calls("call_fail_1", "Atlantis"),
      answers("call_fail_1", FAILURE),
    ]);
    expect(second.outputMessages).toEqual([calls("call_ok_2", "Paris")]);
  });

  test("joins the two detail logs of a Responses call, calls and answers under the call's id", () => {
    expect(byId(spans, "bb103ac4").inputMessages).toEqual([
      says("user", QUESTION),
      calls("call_fail_1", "Atlantis"),
      answers("call_fail_1", FAILURE, "user"),
    ]);
    expect(byId(spans, "bb103ac4").outputMessages).toEqual([calls("call_ok_2", "Paris")]);
  });

  test("reads system instructions that are plain text", () => {
    expect(byId(spans, "8cf264dd").system).toBe("You are terse.");
  });

  test("reads an embedding call without output tokens", () => {
    const { role, model, usage } = byId(spans, "7b705b5e");
    expect({ role, model, usage }).toEqual({ role: "embedding", model: "text-embedding-3-small", usage: { inputTokens: 5 } });
  });

  test("reads a refused call", () => {
    expect(byId(spans, "1871ea2c").error).toEqual({ type: "NotFoundError", message: "404 The model `bad-model` does not exist" });
  });

  test("without content capture reports no messages that say nothing", () => {
    const texts = spansOf("otel-instrumentation-openai-nocontent.json").flatMap((span) =>
      [...(span.inputMessages ?? []), ...(span.outputMessages ?? [])].flatMap((message) => message.parts.map((part) => part.type)),
    );
    expect(new Set(texts)).toEqual(new Set(["tool_call", "tool_call_response"]));
  });
});

describe("OpenInference openai", () => {
  const spans = spansOf("openinference-instrumentation-openai.json");

  test("reads flattened messages with calls and their failed answer", () => {
    const call = byId(spans, "78eb6b");
    expect(call.inputMessages).toEqual([
      says("system", "You are a weather agent."),
      says("user", QUESTION),
      calls("call_fail_1", "Atlantis"),
      answers("call_fail_1", FAILURE),
    ]);
    expect(call.outputMessages).toEqual([calls("call_ok_2", "Paris")]);
  });

  test("reads model, tokens and finish reason", () => {
    const { role, provider, model, responseId, usage, finishReasons } = byId(spans, "78eb6b");
    expect({ role, provider, model, responseId, usage, finishReasons }).toEqual({
      role: "llm",
      provider: "openai",
      model: MODEL,
      responseId: "chatcmpl-52",
      usage: { inputTokens: 21, outputTokens: 9, cacheReadTokens: 4, reasoningTokens: 3 },
      finishReasons: ["tool_call"],
    });
  });

  test("does not report tokens that a streamed call did not report", () => {
    expect(byId(spans, "64c623").usage).toBeUndefined();
    expect(byId(spans, "64c623").outputMessages).toEqual([says("assistant", "Hello from the stub model.")]);
  });

  test("reads content lists", () => {
    expect(byId(spans, "2b4b9e").outputMessages).toEqual([says("assistant", "Hello from the stub model.")]);
  });
});

describe("OpenInference LangChain", () => {
  const spans = spansOf("openinference-langchain.json");

  test("takes content that the flattened messages lost from the raw payload", () => {
    expect(byId(spans, "205a8e").system).toBe("You are a weather agent.");
  });

  test("reads a failed tool without the stack in its message", () => {
    const { role, tool, error } = byId(spans, "cfc79f");
    expect({ role, tool, error }).toEqual({
      role: "tool",
      tool: { name: "get_weather", arguments: "Atlantis" },
      error: { message: "unknown city: Atlantis" },
    });
  });

  test("unwraps a tool message", () => {
    expect(byId(spans, "c6cce8").tool).toEqual({
      name: "get_weather",
      callId: "call_ok_2",
      arguments: "Paris",
      result: { temp_c: 21, sky: "sunny" },
    });
  });

  test("makes chains wrappers that keep question, answer, agent and user", () => {
    const run = byId(spans, "70813d");
    expect([run.role, run.agentName, run.conversationId, run.userId]).toEqual(["wrapper", "weather_agent", "sess-1", "user-1"]);
    expect(run.inputMessages).toEqual([says("user", QUESTION)]);
    expect(run.outputMessages?.at(-1)).toEqual(says("assistant", "It is 21C and sunny in Paris."));
  });
});

describe("OpenLLMetry", () => {
  const spans = spansOf("traceloop-instrumentation-openai.json");

  test("reads a chat call", () => {
    const { role, model, usage, finishReasons, inputMessages, outputMessages } = byId(spans, "8a65a4");
    expect({ role, model, usage, finishReasons }).toEqual({
      role: "llm",
      model: MODEL,
      usage: { inputTokens: 21, outputTokens: 9 },
      finishReasons: ["tool_call"],
    });
    expect(inputMessages).toEqual([
      says("system", "You are a weather agent."),
      says("user", QUESTION),
      calls("call_fail_1", "Atlantis"),
      answers("call_fail_1", FAILURE),
    ]);
    expect(outputMessages).toEqual([calls("call_ok_2", "Paris")]);
  });

  test("unpacks a Responses input that was written as JSON into one text part", () => {
    expect(byId(spans, "2bef69").inputMessages).toEqual([
      says("user", QUESTION),
      calls("call_fail_1", "Atlantis"),
      answers("call_fail_1", FAILURE),
      calls("call_ok_2", "Paris"),
      answers("call_ok_2", WEATHER),
    ]);
  });

  test("reads decorated agents and tools with their session and user", () => {
    const [chat, tool, agent] = spansOf("traceloop-node-server-sdk.json");
    expect([chat?.role, tool?.role, agent?.role]).toEqual(["llm", "tool", "agent"]);
    expect(tool?.tool).toEqual({ name: "get_weather", arguments: { city: "Paris" }, result: { temp_c: 21 } });
    expect([agent?.input, agent?.output]).toEqual([QUESTION, "It is 21C and sunny in Paris."]);
    expect([agent?.agentName, agent?.conversationId, agent?.userId]).toEqual(["weather_agent", "sess-1", "user-1"]);
  });
});

describe("AI SDK 7", () => {
  const spans = spansOf("vercel-ai7-modern.json");

  test("gives agent, step, model call and tool their roles", () => {
    const roles = ["3baae6a1", "fcad5a", "0b84e9", "f7b8bc"].map((id) => byId(spans, id).role);
    expect(roles).toEqual(["agent", "wrapper", "llm", "tool"]);
  });

  test("reads the failed tool with arguments, call id and error text", () => {
    const { tool, error } = byId(spans, "f7b8bc");
    expect(tool).toEqual({ name: "get_weather", callId: "call_fail_1", arguments: { city: "Atlantis" } });
    expect(error).toEqual({ type: "Error", message: "unknown city: Atlantis" });
  });

  test("reads the tool that worked", () => {
    expect(byId(spans, "3692e2").tool?.result).toEqual({ temp_c: 21, sky: "sunny" });
    expect(byId(spans, "3692e2").error).toBeUndefined();
  });

  test("reads the agent's name, question, answer and tokens", () => {
    const agent = byId(spans, "3baae6a1");
    expect(agent.agentName).toBe("weather-agent");
    expect(agent.inputMessages).toEqual([says("user", QUESTION)]);
    expect(agent.outputMessages?.[0]?.parts[0]).toEqual({ type: "text", content: "It is 21C and sunny in Paris." });
    expect(agent.usage).toEqual({ inputTokens: 63, outputTokens: 27, cacheReadTokens: 12, reasoningTokens: 9 });
  });

  test("reads hyphened finish reasons and the answer to a failed call", () => {
    const call = byId(spans, "a8488d");
    expect(call.finishReasons).toEqual(["tool_call"]);
    expect(call.inputMessages?.at(-1)).toEqual(answers("call_fail_1", "Error: unknown city: Atlantis"));
  });

  test("reports no tokens for a step that only repeats details", () => {
    expect(byId(spans, "fcad5a").usage).toBeUndefined();
  });

  test("reads a refused call", () => {
    expect(byId(spans, "dd1e54").error).toEqual({ type: "AI_APICallError", message: "The model `bad-model` does not exist" });
  });
});

test.each(["vercel-ai5-telemetry.json", "vercel-ai6-telemetry.json"])("%s names the provider without the API", (name) => {
  const calls = spansOf(name).filter((span) => span.role === "llm");
  expect(calls.length).toBeGreaterThan(8);
  expect(new Set(calls.map((span) => span.provider))).toEqual(new Set(["openai"]));
});

test("Mastra's calls name the provider without the API", () => {
  const calls = spansOf("mastra.json").filter((span) => span.operation === "chat");
  expect([calls.length, new Set(calls.map((span) => span.provider))]).toEqual([7, new Set(["openai"])]);
});

test("the Anthropic client's failed tool says what the tool answered", () => {
  const tool = byId(spansOf("anthropic-sdk-native.json"), "b590df");
  expect(tool.error).toEqual({ type: "tool_error", message: "Error: unknown city: Atlantis" });
});
