import { dialects } from "./dialects.ts";
import { evaluationsIn } from "./evaluation-events.ts";
import { exposureFrom } from "./exposure.ts";
import { systemTextOf } from "./messages.ts";
import { occurrencesOf } from "./occurrences.ts";
import type { Reading } from "./ports.ts";
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

function understand(span: RawSpan, logs: readonly RawLog[]): Span {
  const occurrences = occurrencesOf(span, logs);
  const readings = readingsOf({ span, occurrences });
  const read = merge(readings);
  const role = read.role ?? (readings.length > 0 && read.model !== undefined ? "llm" : "other");
  const tool = role === "tool" ? { ...defined(read.tool ?? {}), name: read.tool?.name ?? span.name } : undefined;
  return {
    ...bare(span),
    role,
    genAi: readings.length > 0,
    ...defined({
      operation: read.operation,
      provider: read.provider,
      model: read.model,
      responseId: read.responseId,
      finishReasons: read.finishReasons,
      usage: read.usage,
      system: read.system ?? systemTextOf(read.inputMessages),
      inputMessages: read.inputMessages,
      outputMessages: read.outputMessages,
      input: read.inputMessages === undefined ? read.input : undefined,
      output: read.outputMessages === undefined ? read.output : undefined,
      tool,
      retrieval: read.retrieval,
      timeToFirstTokenMs: positive(read.timeToFirstTokenMs),
      costUsd: positive(read.costUsd),
      error: errorOf(span, occurrences, read),
      agentName: read.agentName ?? textIn(span.attributes, "gen_ai.agent.name"),
      conversationId: read.conversationId ?? textIn(span.attributes, "gen_ai.conversation.id", "session.id"),
      userId: read.userId ?? textIn(span.attributes, "user.id", "enduser.id"),
    }),
    evaluations: [...evaluationsIn(occurrences), ...(read.evaluations ?? [])],
    metadata: read.metadata ?? {},
  };
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
  return { ...reading, inputMessages: spoken(reading.inputMessages), outputMessages: spoken(reading.outputMessages) };
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

function bare(span: RawSpan): Span {
  const service = textIn(span.resource, "service.name");
  const exposure = exposureFrom(span.attributes);
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
    ...(span.remoteParent === undefined ? {} : { remoteParent: span.remoteParent }),
    name: span.name,
    role: "other",
    genAi: false,
    startTimeUs: span.startTimeUs,
    // Clocks that were set back end spans before they start; a negative duration breaks every sum further on.
    endTimeUs: Math.max(span.startTimeUs, span.endTimeUs),
    ...(service === undefined ? {} : { service }),
    ...(exposure === undefined ? {} : { exposure }),
    evaluations: [],
    metadata: {},
  };
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
