import type { AttributeValue } from "../../src/span/raw-span.ts";
import type { Step, Trace } from "../../src/trace/trace.ts";

const TRACE_ID = "0123456789abcdef0123456789abcdef";

/** A run with everything required filled in. */
export function aTrace(overrides: Partial<Trace> = {}): Trace {
  const id = overrides.id ?? `${TRACE_ID}-000000000000000a`;
  return {
    id,
    traceId: id.slice(0, 32),
    rootSpanId: id.slice(33),
    task: "a task",
    output: "an answer",
    startTimeUs: 0,
    endTimeUs: 100_000_000,
    completeness: "flush",
    orphan: false,
    spanCount: 1,
    evaluations: [],
    ...overrides,
    steps: (overrides.steps ?? []).map((step, seq) => ({ ...step, seq, startTimeUs: seq * 10, endTimeUs: seq * 10 + 5 })),
  };
}

export function aStep(overrides: Partial<Step> = {}): Step {
  return { seq: 0, kind: "llm", name: "chat", startTimeUs: 0, endTimeUs: 5, input: "", output: "", inferred: false, ...overrides };
}

/** A tool call; with `error` it failed. */
export function aToolStep(name: string, args: AttributeValue, error?: string): Step {
  return aStep({
    kind: "tool",
    name,
    input: typeof args === "string" ? args : JSON.stringify(args),
    arguments: args,
    output: error ?? "ok",
    ...(error === undefined ? {} : { error: { message: error } }),
  });
}
