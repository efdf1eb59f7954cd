import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { deterministicSignal } from "../../../src/outcome/deterministic-signal.ts";
import { judge } from "../../../src/outcome/judge.ts";
import { normalise } from "../../../src/span/normalise.ts";
import { decodeJson } from "../../../src/span/otlp/decode-json.ts";
import { assemble } from "../../../src/trace/assemble.ts";
import type { Trace } from "../../../src/trace/trace.ts";

function runsOf(name: string): readonly Trace[] {
  const body = readFileSync(new URL(`../../fixtures/spans/${name}.json`, import.meta.url));
  const { spans } = decodeJson(body, "traces").batch;
  const { logs } = decodeJson(body, "logs").batch;
  const own = (traceId: string, spanId: string) => logs.filter((log) => log.traceId === traceId && log.spanId === spanId);
  return assemble(
    spans.map((span) => normalise(span, own(span.traceId, span.spanId))),
    "flush",
  );
}

const weatherRuns = (name: string): readonly Trace[] => runsOf(name).filter((run) => run.task === "Weather in Atlantis or Paris?");

/** Every emitter recorded the same agent: one failed tool call, one that worked, an answer. */
describe.each([
  "genkit",
  "langfuse",
  "mastra",
  "mlflow",
  "openlit",
  "openinference-instrumentation-openai",
  "openinference-langchain",
  "otel-instrumentation-openai",
  "traceloop-instrumentation-openai",
  "vercel-ai5-telemetry",
  "vercel-ai6-telemetry",
  "vercel-ai7-modern",
])("the recorded agent run of %s", (name) => {
  test("is assembled with its answer", () => {
    expect(weatherRuns(name).map((run) => run.output)).toEqual(weatherRuns(name).map(() => "It is 21C and sunny in Paris."));
    expect(weatherRuns(name).length).toBeGreaterThan(0);
  });

  test("has each tool call once, between the LLM calls that asked and read", () => {
    for (const run of weatherRuns(name)) {
      expect(run.steps.map((step) => step.kind)).toEqual(["llm", "tool", "llm", "tool", "llm"]);
      const [failed, worked] = run.steps.filter((step) => step.kind === "tool");
      expect([failed?.name, failed?.arguments, failed?.error?.message]).toEqual([
        "get_weather",
        { city: "Atlantis" },
        expect.stringContaining("unknown city: Atlantis"),
      ]);
      expect([worked?.name, worked?.arguments, worked?.error]).toEqual(["get_weather", { city: "Paris" }, undefined]);
    }
  });

  test("counts the tokens of its three LLM calls once", () => {
    for (const run of weatherRuns(name)) expect(run.usage).toMatchObject({ inputTokens: 63, outputTokens: 27 });
  });

  test("is judged a success that recovered", async () => {
    for (const run of weatherRuns(name)) {
      const [outcome] = await judge(run, [deterministicSignal()], 1);
      expect([outcome?.status, outcome?.reasoning]).toEqual(["success", expect.stringContaining("recovered from 1 tool error")]);
    }
  });
});

test("a run recorded without content is not judged by its empty answer", async () => {
  const judged = await Promise.all(runsOf("otel-instrumentation-openai-nocontent").map((run) => judge(run, [deterministicSignal()], 1)));
  expect(judged.flat().map((outcome) => outcome.reasoning)).toEqual([expect.stringContaining("the run ended in an error")]);
});

test("a streamed call that its emitter says nothing about is not judged by its empty answer", async () => {
  const [run] = runsOf("traceloop-instrumentation-openai").filter((candidate) => candidate.task === "Stream via responses");
  expect(await judge(run as Trace, [deterministicSignal()], 1)).toEqual([]);
});
