import { TENANT_KEYS } from "../telemetry/attributes.ts";
import { dialects } from "./dialects.ts";
import { evaluationsIn } from "./evaluation-events.ts";
import { exposureFrom } from "./exposure.ts";
import { systemTextOf } from "./messages.ts";
import { occurrencesOf } from "./occurrences.ts";
import type { Occurrence, Reading } from "./ports.ts";
import type { Attributes, RawLog, RawSpan } from "./raw-span.ts";
import { soundLogs, soundSpan } from "./sound-span.ts";
import type { Message, Span } from "./span.ts";
import { errorOf } from "./span-error.ts";

/**
 * One normalised step from a span and its logs (those with the same trace id and span id, in any order).
 * Pure. Never throws: what cannot be understood is absent, and a span that no dialect knows has role "other".
 */
export function normalise(raw: RawSpan, logs: readonly RawLog[]): Span {
  const span = soundSpan(raw);
  try {
    return understand(span, soundLogs(logs));
  } catch {
    // A dialect met a value it was not written for. The span must still count as a step, or its trace loses its shape.
    return outline(span);
  }
}

function outline(span: RawSpan): Span {
  try {
    return bare(span);
  } catch {
    return bare({ ...span, attributes: {}, resource: {} });
  }
}

type Draft = { -readonly [Key in keyof Span]: Span[Key] };

/**
 * Field by field on one object: put together from spread pieces, every span gets a shape of its own, and making that was half of what normalising cost.
 */
function understand(span: RawSpan, logs: readonly RawLog[]): Span {
  const occurrences = occurrencesOf(span, logs);
  const readings = readingsOf({ span, occurrences });
  const read = merge(readings);
  const made = bare(span);
  made.role = read.role ?? (readings.length > 0 && read.model !== undefined ? "llm" : "other");
  made.genAi = readings.length > 0;
  addCall(made, read);
  addContent(made, span, read);
  const error = errorOf(span, occurrences, read);
  if (error !== undefined) made.error = error;
  const agentName = read.agentName ?? textIn(span.attributes, "gen_ai.agent.name");
  if (agentName !== undefined) made.agentName = agentName;
  const conversationId = read.conversationId ?? textIn(span.attributes, "gen_ai.conversation.id", "session.id");
  if (conversationId !== undefined) made.conversationId = conversationId;
  const userId = read.userId ?? textIn(span.attributes, "user.id", "enduser.id") ?? userIn(occurrences);
  if (userId !== undefined) made.userId = userId;
  made.evaluations = [...evaluationsIn(occurrences), ...(read.evaluations ?? [])];
  made.metadata = read.metadata ?? {};
  return made;
}

/** What was called and what that took. */
function addCall(made: Draft, read: Reading): void {
  const timeToFirstTokenMs = positive(read.timeToFirstTokenMs);
  const costUsd = positive(read.costUsd);
  if (read.operation !== undefined) made.operation = read.operation;
  if (read.provider !== undefined) made.provider = read.provider;
  if (read.model !== undefined) made.model = read.model;
  if (read.requestModel !== undefined) made.requestModel = read.requestModel;
  if (read.responseId !== undefined) made.responseId = read.responseId;
  if (read.finishReasons !== undefined) made.finishReasons = read.finishReasons;
  if (read.usage !== undefined) made.usage = read.usage;
  if (timeToFirstTokenMs !== undefined) made.timeToFirstTokenMs = timeToFirstTokenMs;
  if (costUsd !== undefined) made.costUsd = costUsd;
}

/** What was said. Plain text only where there are no messages. */
function addContent(made: Draft, span: RawSpan, read: Reading): void {
  const system = read.system ?? systemTextOf(read.inputMessages);
  if (system !== undefined) made.system = system;
  if (read.inputMessages !== undefined) made.inputMessages = read.inputMessages;
  else if (read.input !== undefined) made.input = read.input;
  if (read.outputMessages !== undefined) made.outputMessages = read.outputMessages;
  else if (read.output !== undefined) made.output = read.output;
  if (made.role === "tool") made.tool = { ...defined(read.tool ?? {}), name: read.tool?.name ?? span.name };
  if (read.retrieval !== undefined) made.retrieval = read.retrieval;
}

function readingsOf(source: Parameters<(typeof dialects)[number]["read"]>[0]): readonly Reading[] {
  const readings: Reading[] = [];
  for (const dialect of dialects) {
    const reading = dialect.read(source);
    if (reading !== undefined) readings.push(spokenOnly(reading));
  }
  return readings;
}

/** Clocks that were set back and prices that are not known give nothing to report. */
function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

/** Messages without parts say that content capture is off; they must not stand before another dialect's content. */
function spokenOnly(reading: Reading): Reading {
  if (isSpoken(reading.inputMessages) && isSpoken(reading.outputMessages)) return reading;
  return { ...reading, inputMessages: spoken(reading.inputMessages), outputMessages: spoken(reading.outputMessages) };
}

function isSpoken(messages: readonly Message[] | undefined): boolean {
  return messages === undefined || (messages.length > 0 && messages.every((message) => message.parts.length > 0));
}

function spoken(messages: readonly Message[] | undefined): readonly Message[] | undefined {
  const left = messages?.filter((message) => message.parts.length > 0);
  return left === undefined || left.length === 0 ? undefined : left;
}

/** For each field the first dialect that says something; what consists of fields itself is filled up field by field. */
function merge(readings: readonly Reading[]): Reading {
  const [only] = readings;
  if (readings.length <= 1) return only ?? {};
  const merged: Reading = {};
  for (const reading of readings.toReversed()) {
    const { usage, retrieval, tool, metadata, ...fields } = reading;
    Object.assign(merged, defined(fields), {
      ...(usage === undefined ? {} : { usage: { ...merged.usage, ...usage } }),
      ...(retrieval === undefined ? {} : { retrieval: { ...merged.retrieval, ...retrieval } }),
      ...(tool === undefined ? {} : { tool: { ...merged.tool, ...defined(tool) } }),
      ...(metadata === undefined ? {} : { metadata: { ...merged.metadata, ...metadata } }),
    });
  }
  return merged;
}

function bare(span: RawSpan): Draft {
  const service = textIn(span.resource, "service.name");
  const tenant = textIn(span.attributes, ...TENANT_KEYS) ?? textIn(span.resource, ...TENANT_KEYS);
  const exposure = exposureFrom(span.attributes);
  const made: Draft = {
    traceId: span.traceId,
    spanId: span.spanId,
    name: span.name,
    role: "other",
    genAi: false,
    startTimeUs: span.startTimeUs,
    // Clocks that were set back end spans before they start; a negative duration breaks every sum further on.
    endTimeUs: Math.max(span.startTimeUs, span.endTimeUs),
    evaluations: [],
    metadata: {},
  };
  if (span.parentSpanId !== undefined) made.parentSpanId = span.parentSpanId;
  if (span.remoteParent !== undefined) made.remoteParent = span.remoteParent;
  if (service !== undefined) made.service = service;
  if (tenant !== undefined) made.tenant = tenant;
  if (exposure !== undefined) made.exposure = exposure;
  return made;
}

/** Google ADK tells it on its logs alone. */
function userIn(occurrences: readonly Occurrence[]): string | undefined {
  for (const { attributes } of occurrences) {
    const userId = textIn(attributes, "user.id", "enduser.id");
    if (userId !== undefined) return userId;
  }
  return undefined;
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** Without the fields that are undefined: an absent field is how a Span says "not reported". */
function defined<T extends object>(value: T): Defined<T> {
  const told: Record<string, unknown> = {};
  for (const key of Object.keys(value) as (keyof T & string)[]) if (value[key] !== undefined) told[key] = value[key];
  return told as Defined<T>;
}

function textIn(attributes: Attributes, ...keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = attributes[key];
    if (typeof value === "string" && value !== "") return value;
  }
  return undefined;
}
