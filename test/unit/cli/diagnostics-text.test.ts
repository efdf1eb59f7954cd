import { expect, test } from "vitest";
import { arrivalOf, arrivalText, isWhole } from "../../../src/cli/arrival.ts";
import { ageInWords, contentText, emitterName } from "../../../src/cli/diagnostics-text.ts";
import { batchOf } from "../span/payloads.ts";
import { aRawSpan } from "../span/raw-factory.ts";

test.each([
  [0.2, "just now"],
  [1, "1 second ago"],
  [59, "59 seconds ago"],
  [61, "1 minute ago"],
  [7_300, "2 hours ago"],
  [90_000, "1 day ago"],
  [-120, "2 minutes ahead of this clock"],
])("an age of %d s is %j", (seconds, words) => {
  expect(ageInWords(seconds)).toBe(words);
});

test("missing content is said in one sentence, with how many of how many calls", () => {
  const scope = { scope: "lib", language: "nodejs", llmCalls: 12, withContent: 0, withLogRecords: 0 };
  expect(contentText(scope)).toBe("no content captured by lib (nodejs) in 12 of 12 LLM calls");
  expect(contentText({ ...scope, withContent: 3 })).toBe("content from lib (nodejs) in 3 of 12 LLM calls");
});

test("a scope name cannot move the cursor or forge a line", () => {
  expect(emitterName({ scope: "a\u001b[2J\nok   store" })).toBe("a\\u{1b}[2J ok store");
});

/** One W3C trace of a recording, as the store would give it. */
function oneTrace(name: string): ReturnType<typeof batchOf> {
  const { spans, logs } = batchOf(name);
  const traceId = spans.find((span) => logs.some((log) => log.spanId === span.spanId) || logs.length === 0)?.traceId ?? "";
  return { spans: spans.filter((span) => span.traceId === traceId), logs: logs.filter((log) => log.traceId === traceId) };
}

test("what came is said with emitter, dialect, agent, task and content", () => {
  const batch = oneTrace("vercel-ai7-modern");
  const arrival = arrivalOf("t", batch);
  if (arrival === undefined) throw new Error("nothing arrived");
  const text = arrivalText(arrival);
  expect(arrival.emitters.map(({ scope, dialects }) => [scope, dialects])).toEqual([["gen_ai", ["otel"]]]);
  expect(text).toContain("emitter  gen_ai: ");
  expect(text).toMatch(/task {5}\S/);
  expect(text).toMatch(/content {2}content from gen_ai \(nodejs\)/);
  expect(isWhole(batch, arrival)).toBe(true);
});

test("a trace whose words have not come yet is not whole", () => {
  const batch = oneTrace("otel-instrumentation-openai-nocontent");
  const arrival = arrivalOf("t", batch);
  expect(arrival !== undefined && isWhole(batch, arrival)).toBe(false);
  expect(arrival === undefined ? "" : arrivalText(arrival)).toContain("set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true");
});

test("spans without any GenAI are no arrival", () => {
  expect(arrivalOf("t", { spans: [aRawSpan({ "http.method": "GET" })], logs: [] })).toBeUndefined();
});
