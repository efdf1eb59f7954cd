import { describe, expect, test } from "vitest";
import { carriesContent, scopeContentOf, uniteScopes } from "../../../src/span/content.ts";
import { contentSwitchFor } from "../../../src/span/content-switch.ts";
import { findingsOf } from "../../support/findings.ts";
import { aSpan } from "../span-factory.ts";
import { OTLP_PAYLOADS } from "./payloads.ts";

const OPENAI = "@opentelemetry/instrumentation-openai";
const FLAG = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";
const SILENT = "otel-instrumentation-openai-nocontent";
const UNDETAILED = "claude-agent-sdk";
// OpenLIT says nothing of what was asked in a call that was refused.
const MUTE_CALLS: { readonly [name: string]: number } = { openlit: 2 };

describe("recorded payloads", () => {
  test("the official OpenAI instrumentation without content gets its switch, and nothing about logs, which came", () => {
    expect(findingsOf(SILENT).scopes).toEqual([
      {
        scope: OPENAI,
        language: "nodejs",
        service: "stub-agent",
        llmCalls: 11,
        withContent: 0,
        withLogRecords: 11,
        switch: { set: `${FLAG}=true` },
      },
    ]);
  });

  test("Claude Code without detailed tracing tells an interaction and none of its model calls", () => {
    const { scopes } = findingsOf(UNDETAILED);
    expect(scopes.map(({ llmCalls, withContent, switch: advice }) => [llmCalls, withContent, advice?.set.split(" ")[0]])).toEqual([
      [3, 0, "ENABLE_BETA_TRACING_DETAILED=1"],
    ]);
  });

  test.each(OTLP_PAYLOADS.filter((name) => name !== SILENT && name !== UNDETAILED))("%s carries content in every LLM call", (name) => {
    const { scopes } = findingsOf(name);
    expect(scopes.map(({ llmCalls, withContent, switch: advice }) => [llmCalls > 0, llmCalls - withContent, advice])).toEqual(
      scopes.map(() => [true, MUTE_CALLS[name] ?? 0, undefined]),
    );
    expect(scopes.length).toBe(1);
  });

  test("the same calls without their log records are told to let logs come as well", () => {
    const [scope] = findingsOf("otel-instrumentation-openai", { logs: false }).scopes;
    expect([scope?.withLogRecords, scope?.switch?.set, scope?.switch?.note]).toEqual([
      0,
      `${FLAG}=true`,
      expect.stringContaining("OTEL_LOGS_EXPORTER=otlp"),
    ]);
  });
});

describe("the switch", () => {
  test.each([
    [OPENAI, "nodejs", `${FLAG}=true`],
    ["@elastic/opentelemetry-instrumentation-openai", "nodejs", `${FLAG}=true`],
    ["opentelemetry.instrumentation.openai_v2", "python", `OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental ${FLAG}=SPAN_ONLY`],
    ["opentelemetry.util.genai.handler", "python", `OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental ${FLAG}=SPAN_ONLY`],
    ["opentelemetry.instrumentation.openai.v1", "python", "TRACELOOP_TRACE_CONTENT=true"],
    ["@traceloop/instrumentation-openai", "nodejs", "traceContent: true"],
    ["@arizeai/openinference-instrumentation-openai", "nodejs", "no OPENINFERENCE_HIDE_* variable"],
    ["openinference.instrumentation.langchain", "python", "no OPENINFERENCE_HIDE_* variable"],
    ["gen_ai", "nodejs", "recordInputs: true and recordOutputs: true"],
    ["ai", "nodejs", "recordInputs: true and recordOutputs: true"],
    ["@openlit/instrumentation-vllm", "nodejs", "captureMessageContent: true"],
    ["gcp.vertex.agent", "python", `${FLAG}=true`],
    ["com.anthropic.sdk.typescript", undefined, "ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE=content"],
    [
      "com.anthropic.claude_code.tracing",
      "nodejs",
      "ENABLE_BETA_TRACING_DETAILED=1 BETA_TRACING_ENDPOINT=http://127.0.0.1:4318 OTEL_LOG_USER_PROMPTS=1 OTEL_LOG_TOOL_DETAILS=1 OTEL_LOG_TOOL_CONTENT=1",
    ],
  ])("of %s in %s is its own", (scope, language, set) => {
    expect(contentSwitchFor(scope, language).set).toBe(set);
  });

  test.each(["my-app", "", "opentelemetry.instrumentation.openai"])("of %j outside Python is not guessed", (scope) => {
    expect(contentSwitchFor(scope, "java").set).toBe("content capture on");
  });
});

describe("content", () => {
  const said = (content: string) => [{ role: "user", parts: [{ type: "text" as const, content }] }];

  test("is text, in either direction", () => {
    expect(carriesContent(aSpan({ inputMessages: said("hello") }))).toBe(true);
    expect(carriesContent(aSpan({ output: "hello" }))).toBe(true);
  });

  test("is not the system prompt: emitters write it also with capture off", () => {
    expect(
      carriesContent(aSpan({ system: "be brief", inputMessages: [{ role: "system", parts: [{ type: "text", content: "be brief" }] }] })),
    ).toBe(false);
  });

  test.each(["<REDACTED>", "__REDACTED__", "  "])("is not %j", (text) => {
    expect(carriesContent(aSpan({ inputMessages: said(text), output: text }))).toBe(false);
  });

  test("is not the name of a called tool, but its arguments are", () => {
    const call = (args: string | null) => [{ role: "assistant", parts: [{ type: "tool_call" as const, name: "f", arguments: args }] }];
    expect(carriesContent(aSpan({ outputMessages: call(null) }))).toBe(false);
    expect(carriesContent(aSpan({ outputMessages: call('{"a":1}') }))).toBe(true);
  });
});

describe("counts of a scope", () => {
  const silent = { span: aSpan(), logRecords: 0 };
  const telling = { span: aSpan({ output: "yes" }), logRecords: 0 };

  test("are of LLM calls only", () => {
    expect(scopeContentOf({ scope: "s" }, [{ span: aSpan({ role: "tool" }), logRecords: 0 }])).toEqual({
      scope: "s",
      llmCalls: 0,
      withContent: 0,
      withLogRecords: 0,
    });
  });

  test("of several traces lose the switch as soon as one call carries content", () => {
    const one = scopeContentOf({ scope: "s" }, [silent]);
    const other = scopeContentOf({ scope: "s" }, [telling]);
    expect(one.switch).toBeDefined();
    expect(uniteScopes([one, other])).toEqual([{ scope: "s", llmCalls: 2, withContent: 1, withLogRecords: 0 }]);
  });

  test("keep services apart, those without content in front", () => {
    const united = uniteScopes([
      scopeContentOf({ scope: "s", service: "a" }, [telling]),
      scopeContentOf({ scope: "s", service: "b" }, [silent]),
    ]);
    expect(united.map(({ service, withContent }) => [service, withContent])).toEqual([
      ["b", 0],
      ["a", 1],
    ]);
  });
});
