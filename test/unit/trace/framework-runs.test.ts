import { expect, test } from "vitest";
import { normalise } from "../../../src/span/normalise.ts";
import type { Attributes, RawEvent } from "../../../src/span/raw-span.ts";
import { assemble } from "../../../src/trace/assemble.ts";
import type { Trace } from "../../../src/trace/trace.ts";
import { anEvent, aRawSpan } from "../span/raw-factory.ts";
import { spanIdOf } from "../span-factory.ts";

const json = JSON.stringify;
const SECOND_US = 1_000_000;

/** Spans as [id, parent, name, attributes, events], each starting one second after the one before. */
type Line = readonly [id: string, parent: string | undefined, name: string, attributes: Attributes, events?: readonly RawEvent[]];

function runOf(lines: readonly Line[]): Trace {
  const spans = lines.map(([id, parent, name, attributes, events], index) =>
    aRawSpan(attributes, {
      spanId: spanIdOf(id),
      ...(parent === undefined ? {} : { parentSpanId: spanIdOf(parent) }),
      name,
      startTimeUs: index * SECOND_US,
      endTimeUs: 100 * SECOND_US,
      events: events ?? [],
    }),
  );
  const traces = assemble(
    spans.map((span) => normalise(span, [])),
    "flush",
  );
  expect(traces).toHaveLength(1);
  return traces[0] as Trace;
}

const toldBy = (run: Trace) => run.steps.map((step) => [step.kind, step.name, step.input, step.output]);

test("Mastra's generation, step and call are one step with the input of the step and the tokens of the call", () => {
  const asked = json([{ role: "user", content: "Weather?" }]);
  const run = runOf([
    [
      "1",
      undefined,
      "invoke_agent weather",
      {
        "mastra.span.type": "agent_run",
        "gen_ai.operation.name": "invoke_agent",
        "mastra.agent_run.input": asked,
        "mastra.agent_run.output": json({ text: "Sunny." }),
      },
    ],
    [
      "2",
      "1",
      "model_generation",
      { "mastra.span.type": "model_generation", "gen_ai.operation.name": "model_generation", "mastra.model_generation.input": asked },
    ],
    ["3", "2", "step", { "mastra.span.type": "model_step", "gen_ai.operation.name": "agent_step", "mastra.model_step.input": asked }],
    [
      "4",
      "3",
      "chat gpt",
      {
        "mastra.span.type": "model_inference",
        "gen_ai.operation.name": "chat",
        "gen_ai.response.model": "gpt",
        "gen_ai.usage.input_tokens": 21,
        "gen_ai.usage.output_tokens": 9,
        "gen_ai.output.messages": json([{ role: "assistant", parts: [{ type: "text", content: "Sunny." }] }]),
      },
    ],
  ]);
  expect([run.task, run.output, run.usage]).toEqual(["Weather?", "Sunny.", { inputTokens: 21, outputTokens: 9 }]);
  expect(toldBy(run)).toEqual([["llm", "gpt", "Weather?", "Sunny."]]);
});

test("Claude Code's interaction is the run, and a tool, its permission and its execution are one step", () => {
  const run = runOf([
    ["1", undefined, "claude_code.interaction", { "span.type": "interaction", user_prompt: "List the files", "session.id": "s1" }],
    [
      "2",
      "1",
      "claude_code.llm_request",
      { "span.type": "llm_request", model: "opus", input_tokens: 2, cache_read_tokens: 5, output_tokens: 9 },
    ],
    [
      "3",
      "1",
      "claude_code.tool",
      { "span.type": "tool", tool_name: "Bash", tool_use_id: "t1", full_command: "ls nowhere" },
      [anEvent("tool.output", { output: "no such file" })],
    ],
    ["4", "3", "claude_code.tool.blocked_on_user", { "span.type": "tool.blocked_on_user", decision: "accept" }],
    ["5", "3", "claude_code.tool.execution", { "span.type": "tool.execution", success: false, error: "ShellError" }],
  ]);
  expect([run.task, run.conversationId, run.usage]).toEqual([
    "List the files",
    "s1",
    { inputTokens: 7, outputTokens: 9, cacheReadTokens: 5 },
  ]);
  expect(toldBy(run)).toEqual([
    ["llm", "opus", "", ""],
    ["tool", "Bash", '{"command":"ls nowhere"}', "no such file"],
  ]);
  expect(run.steps[1]?.error).toEqual({ message: "ShellError" });
});

test("a tool of Google ADK that failed without a word is told by the next call's contents", () => {
  const call = (id: string, contents: readonly object[], parts: readonly object[]): Line => [
    id,
    "1",
    "call_llm",
    {
      "gcp.vertex.agent.llm_request": json({ model: "gemini", contents }),
      "gcp.vertex.agent.llm_response": json({ content: { role: "model", parts } }),
    },
  ];
  const question = { role: "user", parts: [{ text: "Weather in Atlantis?" }] };
  const asked = { functionCall: { id: "call_0", name: "get_weather", args: { city: "Atlantis" } } };
  const response = { error: "unknown city: Atlantis" };
  const answered = { role: "user", parts: [{ functionResponse: { id: "call_0", name: "get_weather", response } }] };
  const run = runOf([
    ["1", undefined, "invoke_agent weather", { "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "weather" }],
    call("2", [question], [asked]),
    ["3", "1", "execute_tool get_weather", {}],
    call("4", [question, { role: "model", parts: [asked] }, answered], [{ text: "There is no such city." }]),
  ]);
  expect([run.task, run.output, run.agentName]).toEqual(["Weather in Atlantis?", "There is no such city.", "weather"]);
  expect(run.steps.filter((step) => step.kind === "tool")).toMatchObject([
    {
      name: "get_weather",
      arguments: { city: "Atlantis" },
      callId: "call_0",
      error: { message: "unknown city: Atlantis" },
      inferred: true,
    },
  ]);
});
