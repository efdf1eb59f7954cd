import type { AttributeValue } from "../span/raw-span.ts";
import type { Span, SpanError } from "../span/span.ts";
import { callsInMessages, type MessageCall } from "./message-calls.ts";
import { parsedValue, textOf } from "./message-text.ts";
import type { SpanTree } from "./span-tree.ts";
import { errorInResult } from "./tool-error.ts";
import type { Step } from "./trace.ts";

export interface ToolSteps {
  /** Steps of tool spans, without those of `readAt`. */
  readonly spanned: readonly Step[];
  /** Steps of tool spans that began in the very moment of the LLM call that read their result: JavaScript's spans start on whole milliseconds. */
  readonly readAt: ReadonlyMap<Span, readonly Step[]>;
  /** Steps that no span said, by the LLM call after (or, for history, at) which they happened. */
  readonly inferred: ReadonlyMap<Span, readonly Step[]>;
}

interface ToolSpan {
  readonly span: Span;
  call?: MessageCall;
  /** By its call id, where no model call is known to have asked for it: what an agent tells of its arguments, and what a later call read. */
  readonly told: { readonly arguments?: AttributeValue | undefined; readonly result?: AttributeValue | undefined };
}

/** Tool steps of a run: tool spans first, completed from the LLM messages; then the calls that only the messages show. */
export function toolSteps(spans: readonly Span[], llms: readonly Span[], tree: SpanTree): ToolSteps {
  const given = argumentsByAgents(spans);
  const read = resultsByCalls(llms);
  const tools: readonly ToolSpan[] = foldedTools(spans, tree).map((span) => {
    const id = span.tool?.callId ?? "";
    return { span, told: { arguments: given.get(id), result: read.get(id) } };
  });
  const left = pairCalls(callsInMessages(llms), tools);
  const inferred = new Map<Span, Step[]>();
  for (const call of left) {
    const steps = inferred.get(call.askedBy) ?? [];
    steps.push(inferredStep(call));
    inferred.set(call.askedBy, steps);
  }
  const readAt = new Map<Span, Step[]>();
  const spanned: Step[] = [];
  for (const tool of tools) {
    const reader = tool.call?.answer?.seenBy;
    if (reader?.startTimeUs === tool.span.startTimeUs) readAt.set(reader, [...(readAt.get(reader) ?? []), spannedStep(tool)]);
    else spanned.push(spannedStep(tool));
  }
  return { spanned, readAt, inferred };
}

/**
 * One span per tool call: an MCP `tools/call X` below `execute_tool X` (and its server span) is the same step, told by the outer one. So is a
 * span of the same call id, and one that calls itself the execution of the tool around it.
 */
function foldedTools(spans: readonly Span[], tree: SpanTree): readonly Span[] {
  const inner = new Map<Span, Span[]>();
  const kept: Span[] = [];
  for (const span of spans) {
    if (span.role !== "tool") continue;
    let outer = tree.parentOf(span);
    while (outer !== undefined && (outer.role === "wrapper" || outer.role === "other")) outer = tree.parentOf(outer);
    const home = outer?.role === "tool" && isSameCall(outer, span) ? outer : undefined;
    if (home === undefined) kept.push(span);
    else inner.set(home, [...(inner.get(home) ?? []), span]);
  }
  const complete = (outer: Span): Span => {
    const chain = [outer];
    for (let below = inner.get(outer)?.at(-1); below !== undefined; below = inner.get(below)?.at(-1)) chain.push(below);
    return chain.reduceRight((below, span) => {
      const error = span.error ?? below.error;
      return { ...span, tool: { ...below.tool, ...span.tool, name: nameOf(span) }, ...(error === undefined ? {} : { error }) };
    });
  };
  return kept.map(complete);
}

function isSameCall(outer: Span, inner: Span): boolean {
  const callId = outer.tool?.callId;
  if (callId !== undefined && inner.tool?.callId !== undefined) return callId === inner.tool.callId;
  return inner.operation === "tool.execution" || nameOf(outer) === nameOf(inner);
}

/** By call id, out of the transcripts of agents: Claude Code's tools hide their arguments and its interactions do not. */
function argumentsByAgents(spans: readonly Span[]): ReadonlyMap<string, AttributeValue> {
  const parts = spans.flatMap((span) => (span.role === "agent" ? (span.outputMessages ?? []).flatMap((message) => message.parts) : []));
  return new Map(parts.flatMap((part) => (part.type === "tool_call" && part.id !== undefined ? [[part.id, part.arguments] as const] : [])));
}

/** By call id. Calls that answer without words say nothing of what they asked for, but the next one says what it was given. */
function resultsByCalls(llms: readonly Span[]): ReadonlyMap<string, AttributeValue> {
  const parts = llms.flatMap((llm) => (llm.inputMessages ?? []).flatMap((message) => message.parts));
  return new Map(
    parts.flatMap((part) => (part.type === "tool_call_response" && part.id !== undefined ? [[part.id, part.response] as const] : [])),
  );
}

/** Pairs by call id, then by name in order, then by time for spans that say neither arguments nor the tool's own name. Returns the calls left over. */
function pairCalls(calls: readonly MessageCall[], tools: readonly ToolSpan[]): readonly MessageCall[] {
  const match = (call: MessageCall, fits: (tool: ToolSpan) => boolean): boolean => {
    const tool = tools.find((candidate) => candidate.call === undefined && fits(candidate));
    if (tool !== undefined) tool.call = call;
    return tool !== undefined;
  };
  const anonymous = (tool: ToolSpan): boolean => tool.span.tool?.callId === undefined;
  // Seen: ids on the tool spans and none in the messages, and the reverse.
  const idsAllow = (tool: ToolSpan, call: MessageCall): boolean => anonymous(tool) || call.id === undefined;
  const inTime = ({ span }: ToolSpan, call: MessageCall): boolean =>
    call.fromHistory ||
    (span.startTimeUs >= call.askedBy.startTimeUs && (call.answer === undefined || span.startTimeUs <= call.answer.seenBy.endTimeUs));
  return calls
    .filter((call) => !match(call, ({ span }) => call.id !== undefined && span.tool?.callId === call.id))
    .filter((call) => !match(call, (tool) => idsAllow(tool, call) && nameOf(tool.span) === call.name && inTime(tool, call)))
    .filter(
      (call) =>
        !match(call, (tool) => anonymous(tool) && tool.span.tool?.arguments === undefined && !call.fromHistory && inTime(tool, call)),
    );
}

function spannedStep({ span, call, told }: ToolSpan): Step {
  const callId = span.tool?.callId ?? call?.id;
  return {
    ...toolPart(
      call !== undefined && span.tool?.arguments === undefined ? call.name : nameOf(span),
      fullerArguments(span.tool?.arguments, call?.arguments ?? told.arguments),
      span.tool?.result ?? (span.output === undefined ? (call?.answer?.response ?? told.result) : span.output),
      span.error,
      false,
      span.input,
    ),
    spanId: span.spanId,
    ...(callId === undefined ? {} : { callId }),
    startTimeUs: span.startTimeUs,
    endTimeUs: span.endTimeUs,
  };
}

/** The span's own, unless it holds a bare value where the call named its arguments ("Paris" for {"city":"Paris"}). */
function fullerArguments(own: AttributeValue | undefined, called: AttributeValue | undefined): AttributeValue | undefined {
  const isNamed = (value: AttributeValue | undefined): boolean => typeof parsedValue(value) === "object" && parsedValue(value) !== null;
  return own === undefined || (isNamed(called) && !isNamed(own)) ? (called ?? own) : own;
}

function inferredStep(call: MessageCall): Step {
  const askedUs = call.fromHistory ? call.askedBy.startTimeUs : call.askedBy.endTimeUs;
  // Seen: a span's end computed from a monotonic clock lies after the wall-clock start of the next one. The tool ran before the call that read its result.
  const startTimeUs = Math.min(askedUs, call.answer?.seenBy.startTimeUs ?? askedUs);
  return {
    ...toolPart(call.name, call.arguments, call.answer?.response, undefined, true, undefined),
    ...(call.id === undefined ? {} : { callId: call.id }),
    startTimeUs,
    endTimeUs: Math.max(startTimeUs, call.answer?.seenBy.startTimeUs ?? startTimeUs),
  };
}

function toolPart(
  name: string,
  args: AttributeValue | undefined,
  result: AttributeValue | undefined,
  saidError: SpanError | undefined,
  inferred: boolean,
  plainInput: string | undefined,
): Omit<Step, "startTimeUs" | "endTimeUs"> {
  const told = errorInResult(result);
  // A type and no words: Google ADK's "TOOL_ERROR".
  const isBare = saidError?.type !== undefined && saidError.message === saidError.type;
  const error = isBare && told !== undefined ? { ...saidError, message: told.message } : (saidError ?? told);
  const parsed = parsedValue(args ?? plainInput);
  const structured = args !== undefined || typeof parsed === "object";
  return {
    seq: 0,
    kind: "tool",
    name,
    input: textOf(args ?? plainInput),
    output: textOf(result),
    ...(parsed === undefined || !structured ? {} : { arguments: parsed }),
    ...(error === undefined ? {} : { error }),
    inferred: inferred || (saidError === undefined && error !== undefined),
  };
}

function nameOf(span: Span): string {
  return span.tool?.name ?? span.name;
}
