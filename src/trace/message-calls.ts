import type { AttributeValue } from "../span/raw-span.ts";
import type { Message, Part, Span } from "../span/span.ts";

/** One tool call as the messages of a run tell it. */
export interface MessageCall {
  readonly id?: string;
  readonly name: string;
  readonly arguments: AttributeValue;
  /** The LLM call that asked. */
  readonly askedBy: Span;
  /** True when the asking call was made before this run's first LLM call and is known from its history only. */
  readonly fromHistory: boolean;
  answer?: { readonly response: AttributeValue; readonly seenBy: Span };
}

type CallPart = Extract<Part, { type: "tool_call" }>;
type ResponsePart = Extract<Part, { type: "tool_call_response" }>;

/**
 * Tool calls read out of LLM messages, in the order they were asked. Calls come from the output of each LLM call; results from the input of later
 * ones, matched by id, else by order. Histories repeat from call to call (or arrive as deltas), so what was seen before is skipped.
 * Calls that only a history shows (the emitter dropped them from the output) count from the newest user text on: older ones belong to earlier runs.
 */
export function callsInMessages(llms: readonly Span[]): readonly MessageCall[] {
  const calls: MessageCall[] = [];
  const seenResponses = new Map<string, number>();
  const older = new Set(partsOf(beforeLastUserText(llms[0]?.inputMessages ?? []), isCall).map((part) => part.id));
  for (const [index, llm] of llms.entries()) {
    const recent = index === 0 ? afterLastUserText(llm.inputMessages ?? []) : (llm.inputMessages ?? []);
    addHistoryCalls(recent, llm, calls, older, index === 0);
    const responses = partsOf(index === 0 ? recent : (llm.inputMessages ?? []), isResponse);
    answerCalls(responses, llm, calls, seenResponses);
    for (const part of partsOf(llm.outputMessages ?? [], isCall)) {
      if (!isKnown(part, calls)) calls.push(callOf(part, llm, false));
    }
  }
  return calls;
}

function addHistoryCalls(
  messages: readonly Message[],
  llm: Span,
  calls: MessageCall[],
  older: ReadonlySet<string | undefined>,
  first: boolean,
): void {
  for (const part of partsOf(messages, isCall)) {
    // Without an id a repeated history cannot be told from a second call, so only the first history is read.
    if ((part.id === undefined && !first) || isKnown(part, calls) || (part.id !== undefined && older.has(part.id))) continue;
    calls.push(callOf(part, llm, true));
  }
}

function callOf(part: CallPart, askedBy: Span, fromHistory: boolean): MessageCall {
  return { name: part.name, arguments: part.arguments, askedBy, fromHistory, ...(part.id === undefined ? {} : { id: part.id }) };
}

function isKnown(part: CallPart, calls: readonly MessageCall[]): boolean {
  return part.id !== undefined && calls.some((call) => call.id === part.id);
}

function answerCalls(responses: readonly ResponsePart[], llm: Span, calls: readonly MessageCall[], seen: Map<string, number>): void {
  const here = new Map<string, number>();
  for (const part of responses) {
    if (part.id !== undefined) {
      const call = calls.find((candidate) => candidate.id === part.id);
      if (call !== undefined) {
        call.answer ??= { response: part.response, seenBy: llm };
        continue;
      }
    }
    const key = JSON.stringify([part.id ?? null, part.response]);
    const count = (here.get(key) ?? 0) + 1;
    here.set(key, count);
    if (count <= (seen.get(key) ?? 0)) continue;
    seen.set(key, count);
    // An id that no call carries happens where emitters invent ids for one side only, so order decides there too.
    const call = calls.find((candidate) => candidate.answer === undefined && (candidate.id === undefined || part.id === undefined));
    if (call !== undefined) call.answer = { response: part.response, seenBy: llm };
  }
}

function afterLastUserText(messages: readonly Message[]): readonly Message[] {
  return messages.slice(lastUserTextAt(messages) + 1);
}

function beforeLastUserText(messages: readonly Message[]): readonly Message[] {
  return messages.slice(0, lastUserTextAt(messages) + 1);
}

function lastUserTextAt(messages: readonly Message[]): number {
  return messages.findLastIndex((message) => message.role === "user" && message.parts.some((part) => part.type === "text"));
}

function partsOf<T extends Part>(messages: readonly Message[], is: (part: Part) => part is T): readonly T[] {
  return messages.flatMap((message) => message.parts.filter(is));
}

function isCall(part: Part): part is CallPart {
  return part.type === "tool_call";
}

function isResponse(part: Part): part is ResponsePart {
  return part.type === "tool_call_response";
}
