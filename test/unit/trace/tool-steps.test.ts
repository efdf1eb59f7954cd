import { describe, expect, test } from "vitest";
import type { Span } from "../../../src/span/span.ts";
import { assemble } from "../../../src/trace/assemble.ts";
import { errorInResult } from "../../../src/trace/tool-error.ts";
import type { Step } from "../../../src/trace/trace.ts";
import { anAgent, anLlm, answers, asks, assistant, aTool, user } from "../span-factory.ts";

const inRun = { parentSpanId: "a" };
const toolsOf = (spans: readonly Span[]): readonly Step[] =>
  (assemble([anAgent("a"), ...spans], "flush")[0]?.steps ?? []).filter((step) => step.kind === "tool");

describe("tool steps without tool spans", () => {
  const failed = asks("get_weather", { city: "Atlantis" }, "c1");
  const retried = asks("get_weather", { city: "Paris" }, "c2");
  const history = [user("weather?"), failed, answers("Error: unknown city: Atlantis", "c1")];
  const spans = [
    anLlm("b", 1, { ...inRun, inputMessages: [user("weather?")], outputMessages: [failed] }),
    anLlm("c", 4, { ...inRun, inputMessages: history, outputMessages: [retried] }),
    anLlm("d", 8, { ...inRun, inputMessages: [...history, retried, answers({ temp: 21 }, "c2")], outputMessages: [assistant("21C")] }),
  ];

  test("are read out of the messages, matched by id and marked inferred", () => {
    expect(toolsOf(spans).map((step) => [step.callId, step.arguments, step.output, step.error?.message, step.inferred])).toEqual([
      ["c1", { city: "Atlantis" }, "Error: unknown city: Atlantis", "Error: unknown city: Atlantis", true],
      ["c2", { city: "Paris" }, '{"temp":21}', undefined, true],
    ]);
  });

  test("stand between the call that asked and the call that read", () => {
    const steps = assemble([anAgent("a"), ...spans], "flush")[0]?.steps ?? [];
    expect(steps.map((step) => step.kind)).toEqual(["llm", "tool", "llm", "tool", "llm"]);
    expect([steps[1]?.startTimeUs, steps[1]?.endTimeUs]).toEqual([2_000_000, 4_000_000]);
  });

  test("are matched in order when no ids are given, although histories repeat", () => {
    const first = asks("t", { n: 1 });
    const second = asks("t", { n: 2 });
    const steps = toolsOf([
      anLlm("b", 1, { ...inRun, inputMessages: [user("go")], outputMessages: [first] }),
      anLlm("c", 4, { ...inRun, inputMessages: [user("go"), first, answers("one")], outputMessages: [second] }),
      anLlm("d", 8, { ...inRun, inputMessages: [user("go"), first, answers("one"), second, answers("two")] }),
    ]);
    expect(steps.map((step) => [step.input, step.output])).toEqual([
      ['{"n":1}', "one"],
      ['{"n":2}', "two"],
    ]);
  });

  test("are matched when each call only carries what is new", () => {
    const steps = toolsOf([
      anLlm("b", 1, { ...inRun, inputMessages: [user("go")], outputMessages: [asks("t", {}, "c1")] }),
      anLlm("c", 4, { ...inRun, inputMessages: [answers("fine", "c1")] }),
    ]);
    expect(steps.map((step) => step.output)).toEqual(["fine"]);
  });

  test("of earlier turns in the history are not steps of this run", () => {
    const earlier = [user("before"), asks("t", {}, "old"), answers("x", "old"), assistant("ok")];
    const spans = [
      anLlm("b", 1, { ...inRun, inputMessages: [...earlier, user("now")], outputMessages: [asks("t", {}, "new")] }),
      anLlm("c", 4, { ...inRun, inputMessages: [...earlier, user("now"), asks("t", {}, "new"), answers("y", "new")] }),
    ];
    expect(toolsOf(spans).map((step) => step.callId)).toEqual(["new"]);
  });

  test("after the newest user text of a lone LLM call are steps of its run", () => {
    const trace = assemble([anLlm("b", 1, { inputMessages: [...history, retried, answers("21", "c2")] })], "flush")[0];
    expect(trace?.steps.map((step) => [step.kind, step.callId])).toEqual([
      ["tool", "c1"],
      ["tool", "c2"],
      ["llm", undefined],
    ]);
  });

  test("a call that nobody answered has no result", () => {
    expect(toolsOf([anLlm("b", 1, { ...inRun, outputMessages: [asks("t", {}, "c1")] })]).map((step) => step.output)).toEqual([""]);
  });
});

describe("tool spans", () => {
  test("are not repeated by the messages that tell the same call", () => {
    const steps = toolsOf([
      anLlm("b", 1, { ...inRun, outputMessages: [asks("t", { n: 1 }, "c1")] }),
      aTool("t", 2, { name: "t", callId: "c1", arguments: { n: 1 }, result: "ok" }, inRun),
    ]);
    expect(steps.map((step) => [step.callId, step.inferred])).toEqual([["c1", false]]);
  });

  test("that say nothing are completed from the messages, and an error read there is marked inferred", () => {
    const steps = toolsOf([
      anLlm("b", 1, { ...inRun, outputMessages: [asks("t", { n: 1 }, "c1")] }),
      aTool("t", 2, { name: "t" }, inRun),
      anLlm("c", 4, { ...inRun, inputMessages: [answers({ error: "no such thing" }, "c1")] }),
    ]);
    expect(steps).toMatchObject([{ arguments: { n: 1 }, callId: "c1", error: { message: "no such thing" }, inferred: true }]);
  });

  test("with an error of their own keep it", () => {
    const steps = toolsOf([
      anLlm("b", 1, { ...inRun, outputMessages: [asks("t", {}, "c1")] }),
      aTool("t", 2, { name: "t", callId: "c1" }, { ...inRun, error: { type: "tool_error", message: "said by the span" } }),
      anLlm("c", 4, { ...inRun, inputMessages: [answers("Error: said by the text", "c1")] }),
    ]);
    expect(steps).toMatchObject([{ error: { message: "said by the span" }, inferred: false }]);
  });

  // Google ADK's failed tools say TOOL_ERROR and nothing else.
  test("with an error that is a bare type take its words from the answer", () => {
    const steps = toolsOf([
      anLlm("b", 1, { ...inRun, outputMessages: [asks("t", {}, "c1")] }),
      aTool("t", 2, { name: "t", callId: "c1" }, { ...inRun, error: { type: "TOOL_ERROR", message: "TOOL_ERROR" } }),
      anLlm("c", 4, { ...inRun, inputMessages: [answers({ error: "no such thing" }, "c1")] }),
    ]);
    expect(steps).toMatchObject([{ error: { type: "TOOL_ERROR", message: "no such thing" }, inferred: false }]);
  });

  // Claude Code: the calls of a model are not told, their answers are, and the arguments stand in logs of the interaction.
  test("whose call no message tells are completed by call id", () => {
    const spans = [
      anAgent("a", { outputMessages: [asks("t", { n: 1 }, "c1")] }),
      anLlm("b", 1, inRun),
      aTool("t", 2, { name: "t", callId: "c1" }, inRun),
      anLlm("c", 4, { ...inRun, inputMessages: [answers("fine", "c1")] }),
    ];
    const step = assemble(spans, "flush")[0]?.steps.find(({ kind }) => kind === "tool");
    expect([step?.arguments, step?.output, step?.callId]).toEqual([{ n: 1 }, "fine", "c1"]);
  });

  // JavaScript's spans start on whole milliseconds, and a quick tool shares one with the call that reads its result.
  test("that begin with the call that read their result stand before it", () => {
    const spans = [
      anAgent("a"),
      anLlm("b", 1, { ...inRun, outputMessages: [asks("t", {}, "c1")] }),
      anLlm("c", 2, { ...inRun, inputMessages: [asks("t", {}, "c1"), answers("fine", "c1")] }),
      aTool("t", 2, { name: "t", callId: "c1" }, inRun),
    ];
    expect(assemble(spans, "flush")[0]?.steps.map((step) => step.kind)).toEqual(["llm", "tool", "llm"]);
  });

  test("named after a class instead of the tool take the name from the call", () => {
    const steps = toolsOf([
      anLlm("b", 1, { ...inRun, outputMessages: [asks("get_weather", { city: "Paris" }, "c1")] }),
      aTool("t", 2, { name: "DynamicStructuredTool" }, inRun),
    ]);
    expect(steps.map((step) => [step.name, step.arguments])).toEqual([["get_weather", { city: "Paris" }]]);
  });

  test("an MCP call below execute_tool of the same name is one step that knows what either said", () => {
    const steps = toolsOf([
      aTool("t", 2, { name: "x", callId: "c1" }, inRun),
      aTool("m", 2, { name: "x", arguments: { n: 1 } }, { parentSpanId: "t" }),
      aTool("s", 2, { name: "x", result: "bad" }, { parentSpanId: "m", error: { message: "bad" } }),
    ]);
    expect(steps).toMatchObject([{ callId: "c1", arguments: { n: 1 }, output: "bad", error: { message: "bad" }, inferred: false }]);
  });

  test("the execution of a tool is one step with it, and its failure the tool's", () => {
    const steps = toolsOf([
      aTool("t", 2, { name: "Bash", callId: "c1" }, inRun),
      aTool("e", 2, { name: "claude_code.tool.execution" }, { parentSpanId: "t", operation: "tool.execution", error: { message: "no" } }),
    ]);
    expect(steps).toMatchObject([{ name: "Bash", callId: "c1", error: { message: "no" } }]);
  });

  test("a tool below a tool of the same name is a step of its own when their call ids differ", () => {
    const inner = aTool("m", 2, { name: "x", callId: "c2" }, { parentSpanId: "t" });
    expect(toolsOf([aTool("t", 2, { name: "x", callId: "c1" }, inRun), inner])).toHaveLength(2);
  });

  test("a different tool below a tool is a step of its own", () => {
    expect(toolsOf([aTool("t", 2, { name: "x" }, inRun), aTool("m", 2, { name: "y" }, { parentSpanId: "t" })])).toHaveLength(2);
  });

  test("JSON text arguments are parsed", () => {
    expect(toolsOf([aTool("t", 2, { name: "x", arguments: '{"n":1}' }, inRun)])[0]?.arguments).toEqual({ n: 1 });
  });
});

describe("an error in a result", () => {
  test.each([
    ["Error: unknown city", "Error: unknown city"],
    ["ERROR no rows", "ERROR no rows"],
    ["  exception while running", "exception while running"],
    ["Traceback (most recent call last):\n x", "Traceback (most recent call last):\n x"],
    ["sqlite3.OperationalError: no such column: driver", "sqlite3.OperationalError: no such column: driver"],
    [{ error: "bad" }, "bad"],
    [{ error: { message: "deep", code: 4 } }, "deep"],
    ['{"error":"in json"}', "in json"],
    [{ isError: true, content: [{ type: "text", text: "mcp says no" }] }, "mcp says no"],
    [[{ type: "text", text: "Error: unknown city: Atlantis" }], "Error: unknown city: Atlantis"],
  ])("is read from %j", (result, message) => {
    expect(errorInResult(result)?.message).toBe(message);
  });

  test.each([
    ["errors: 0"],
    ["no error"],
    [{ error: null }],
    [{ error: false }],
    [{ isError: false, content: "ok" }],
    [""],
    [null],
    [3],
    ["{broken"],
  ])("is not read from %j", (result) => {
    expect(errorInResult(result)).toBeUndefined();
  });
});
