import { describe, expect, test } from "vitest";
import { normalise } from "../../../src/span/normalise.ts";
import type { Attributes } from "../../../src/span/raw-span.ts";
import { assemble } from "../../../src/trace/assemble.ts";
import { hookOf, recordingOf, replayed } from "../span/native-payloads.ts";
import { batchOf, NATIVE_PAYLOADS, normalised, OTLP_PAYLOADS } from "../span/payloads.ts";
import { aRawSpan } from "../span/raw-factory.ts";
import { anAgent, anLlm, aSpan } from "../span-factory.ts";

/** The model of a run of one call with these attributes. */
const modelOf = (attributes: Attributes): string | undefined => assemble([normalise(aRawSpan(attributes), [])], "flush")[0]?.model;

// Success and failure of one and the same agent stood under two models: what answers writes its date, and what fails has no answer.
describe("the model of a run is the one that was asked for", () => {
  const CHAT = { "gen_ai.operation.name": "chat" };
  const OPENINFERENCE = { "openinference.span.kind": "LLM" };

  test.each<[string, Attributes, string | undefined]>([
    [
      "both are told (OpenTelemetry)",
      { ...CHAT, "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024-08-06" },
      "gpt-4o",
    ],
    ["the call failed (OpenTelemetry)", { ...CHAT, "gen_ai.request.model": "gpt-4o", "error.type": "500" }, "gpt-4o"],
    ["only the answer is told", { ...CHAT, "gen_ai.response.model": "gpt-4o-2024-08-06" }, "gpt-4o"],
    ["a snapshot was asked for", { ...CHAT, "gen_ai.request.model": "gpt-4o-2024-08-06" }, "gpt-4o-2024-08-06"],
    ["another one answered", { ...CHAT, "gen_ai.request.model": "auto", "gen_ai.response.model": "claude-sonnet-4-20250514" }, "auto"],
    ["Anthropic's date", { ...CHAT, "gen_ai.response.model": "claude-3-5-sonnet-20241022" }, "claude-3-5-sonnet"],
    ["Vertex's date", { ...CHAT, "gen_ai.response.model": "claude-sonnet-4@20250514" }, "claude-sonnet-4"],
    ["a date without a year", { ...CHAT, "gen_ai.response.model": "gpt-4-0613" }, "gpt-4"],
    ["numbers that are no date", { ...CHAT, "gen_ai.response.model": "mistral-large-2411" }, "mistral-large-2411"],
    ["OpenInference before the answer", { ...OPENINFERENCE, "llm.model_name": "gpt-4o" }, "gpt-4o"],
    ["OpenInference after it, under the same key", { ...OPENINFERENCE, "llm.model_name": "gpt-4o-2024-08-06" }, "gpt-4o"],
    [
      "OpenInference with the request in its input",
      {
        ...OPENINFERENCE,
        "llm.model_name": "gpt-4o-2024-08-06",
        "input.value": '{"model":"gpt-4o-latest","messages":[]}',
        "input.mime_type": "application/json",
      },
      "gpt-4o-latest",
    ],
    [
      "OpenInference with a key for each",
      { ...OPENINFERENCE, "llm.request.model_name": "gpt-4o", "llm.response.model_name": "gpt-4o-2024-08-06" },
      "gpt-4o",
    ],
    [
      "AI SDK 4 to 6",
      {
        "ai.operationId": "ai.generateText.doGenerate",
        "operation.name": "x",
        "ai.model.id": "gpt-4o",
        "ai.response.model": "gpt-4o-2024-08-06",
      },
      "gpt-4o",
    ],
    ["Claude Code", { "span.type": "claude_code.llm_request", model: "claude-opus-4-20250514" }, "claude-opus-4"],
    ["MLflow", { "mlflow.spanType": '"CHAT_MODEL"', "mlflow.llm.model": '"gpt-4o-2024-08-06"', model: '"gpt-4o-latest"' }, "gpt-4o-latest"],
    ["Langfuse", { "langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-4o-2024-08-06" }, "gpt-4o"],
    ["nobody says any", CHAT, undefined],
  ])("%s", (_shape, attributes, model) => {
    expect(modelOf(attributes)).toBe(model);
  });

  test("by the first model call, before the agent's word, and before what no call of a model is", () => {
    const agent = anAgent("a", { requestModel: "set", model: "set" });
    const embedding = aSpan({ spanId: "e", role: "embedding", parentSpanId: "a", model: "embed", requestModel: "embed" });
    const call = anLlm("b", 2, { parentSpanId: "a", model: "gpt-4o-2024-08-06" });
    const asked = anLlm("c", 3, { parentSpanId: "a", model: "gpt-4o-2024-08-06", requestModel: "gpt-4o" });
    expect(assemble([agent, embedding, call, asked], "flush")[0]?.model).toBe("gpt-4o");
    expect(assemble([agent, embedding, call], "flush")[0]?.model).toBe("set");
    const { requestModel: _said, model: _model, ...silent } = agent;
    expect(assemble([silent, embedding, call], "flush")[0]?.model).toBe("gpt-4o");
  });

  test("while a step keeps the name that answered", () => {
    const [run] = assemble(
      [anAgent("a"), anLlm("b", 1, { parentSpanId: "a", model: "gpt-4o-2024-08-06", requestModel: "gpt-4o" })],
      "flush",
    );
    expect([run?.model, run?.steps[0]?.model]).toEqual(["gpt-4o", "gpt-4o-2024-08-06"]);
  });
});

/** The model that the recorded agents asked for, where it is another than gpt-4o-mini. */
const ASKED: readonly (readonly [RegExp, string])[] = [
  [/^anthropic/, "claude-stub"],
  [/^claude-agent-sdk/, "claude-sonnet-4-5"],
  [/^google-adk/, "gemini-2.5-flash"],
];

// Recorded from the emitters themselves, but for one call each of a model that is not there.
describe("recorded payloads", () => {
  test.each([...OTLP_PAYLOADS, ...NATIVE_PAYLOADS])("%s: one model, whether the run succeeded or not", async (name) => {
    const native = NATIVE_PAYLOADS.find((one) => one === name);
    const batch =
      native === undefined ? batchOf(name as (typeof OTLP_PAYLOADS)[number]) : await replayed(hookOf(native), recordingOf(native));
    const runs = assemble(normalised(batch), "flush");
    const models = new Set(runs.flatMap(({ model }) => model ?? []));
    models.delete("bad-model");
    expect([...models]).toEqual([ASKED.find(([emitter]) => emitter.test(name))?.[1] ?? "gpt-4o-mini"]);
  });
});
