import type { AttributeValue } from "../../src/span/raw-span.ts";
import type { Message, Span } from "../../src/span/span.ts";

const SECOND_US = 1_000_000;

/** A normalised span with everything required filled in; ids are padded to the W3C length, so tests may write "a". */
export function aSpan(overrides: Partial<Span> = {}): Span {
  const startTimeUs = overrides.startTimeUs ?? SECOND_US;
  const { spanId, parentSpanId, ...rest } = overrides;
  return {
    traceId: "0123456789abcdef0123456789abcdef",
    spanId: spanIdOf(spanId ?? "a"),
    ...(parentSpanId === undefined ? {} : { parentSpanId: spanIdOf(parentSpanId) }),
    name: "span",
    role: "llm",
    genAi: overrides.role !== "other",
    startTimeUs,
    endTimeUs: startTimeUs + SECOND_US,
    evaluations: [],
    metadata: {},
    ...rest,
  };
}

export function anAgent(spanId: string, overrides: Partial<Span> = {}): Span {
  return aSpan({ spanId, role: "agent", name: "invoke_agent helper", startTimeUs: 0, endTimeUs: 100 * SECOND_US, ...overrides });
}

/** A chat call that starts at `second` and takes one. */
export function anLlm(spanId: string, second: number, overrides: Partial<Span> = {}): Span {
  return aSpan({ spanId, role: "llm", name: "chat", startTimeUs: second * SECOND_US, endTimeUs: (second + 1) * SECOND_US, ...overrides });
}

/** A tool call that starts at `second` and takes one. */
export function aTool(spanId: string, second: number, tool: NonNullable<Span["tool"]>, overrides: Partial<Span> = {}): Span {
  return aSpan({
    spanId,
    role: "tool",
    name: `execute_tool ${tool.name}`,
    startTimeUs: second * SECOND_US,
    endTimeUs: (second + 1) * SECOND_US,
    tool,
    ...overrides,
  });
}

export function spanIdOf(short: string): string {
  return short.padStart(16, "0");
}

export const user = (content: string): Message => ({ role: "user", parts: [{ type: "text", content }] });
export const assistant = (content: string): Message => ({ role: "assistant", parts: [{ type: "text", content }] });

export function asks(name: string, args: AttributeValue, id?: string): Message {
  return { role: "assistant", parts: [{ type: "tool_call", name, arguments: args, ...(id === undefined ? {} : { id }) }] };
}

export function answers(response: AttributeValue, id?: string): Message {
  return { role: "tool", parts: [{ type: "tool_call_response", response, ...(id === undefined ? {} : { id }) }] };
}
