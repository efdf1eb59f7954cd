import type { TimeUs } from "../base/clock.ts";
import type { Reporter } from "../telemetry/report.ts";
import type { Attributes, AttributeValue, RawBatch, RawSpan } from "./raw-span.ts";
import type { Span } from "./span.ts";

/** Where copied spans go. Implementations never throw into the agent. */
export interface SpanSink {
  /** Takes over a batch. Synchronous and cheap: it may drop at its bound, and counts what it drops. */
  submit(batch: RawBatch): void;
  /** Resolves once all that was submitted before is durable or the deadline (milliseconds) has passed. Never rejects. */
  flush(timeoutMs: number): Promise<void>;
  /** Flushes, then releases the thread. Safe to call twice. Never rejects. */
  close(timeoutMs: number): Promise<void>;
  /** Counts since the start. */
  counts(): { readonly submitted: number; readonly dropped: number; readonly failed: number };
}

/** The run, or the span of the host, that a framework was called in, where it has no context of OpenTelemetry itself. */
export interface OuterRun {
  readonly traceId: string;
  /** Absent for a run without a span of its own. */
  readonly spanId?: string;
  /** True when `spanId` belongs to a run of ours, false when it is any span of the host. */
  readonly own: boolean;
  /** False when the host's sampler said no: what happens inside is not recorded either. */
  readonly sampled: boolean;
  /** What the topmost span of the framework must carry for the run around it. Read when that span ends. */
  attributes(): Attributes;
}

/** What the bridges to frameworks share: hooks that make spans of what a framework tells about itself. */
export interface BridgeOptions {
  readonly sink: SpanSink;
  /** Asked in the async context of the host, when a run begins. */
  readonly outer?: () => OuterRun | undefined;
  /** Resource of every span. */
  readonly resource?: Attributes;
  /** How long forceFlush and shutdown wait at most, in milliseconds. Default 5000. */
  readonly maxFlushMs?: number;
  readonly reporter?: Reporter;
}

/** A span event or a log record of the span: emitters use either for the same words. */
export interface Occurrence {
  /** "" when the emitter gave none. */
  readonly name: string;
  readonly timeUs: TimeUs;
  readonly attributes: Attributes;
  /** `null` for span events, which have no body. */
  readonly body: AttributeValue;
}

/** All that a dialect may look at. */
export interface DialectInput {
  readonly span: RawSpan;
  /** In time order; equal times keep the order of arrival, span events first. */
  readonly occurrences: readonly Occurrence[];
}

/** What one dialect understood of a span. An absent field means that the emitter did not say. */
export type Reading = {
  readonly [Field in
    | "role"
    | "operation"
    | "provider"
    | "model"
    | "requestModel"
    | "responseId"
    | "finishReasons"
    | "usage"
    | "system"
    | "inputMessages"
    | "outputMessages"
    | "input"
    | "output"
    | "retrieval"
    | "timeToFirstTokenMs"
    | "costUsd"
    | "agentName"
    | "conversationId"
    | "userId"]?: Span[Field] | undefined;
} & {
  /** Used only when the role comes out as "tool"; a name is not needed. */
  readonly tool?: { readonly [Field in keyof NonNullable<Span["tool"]>]?: NonNullable<Span["tool"]>[Field] | undefined };
  readonly evaluations?: Span["evaluations"];
  /** True when the emitter reports a failure in words of its own, which neither status, `error.type`, exception nor finish reason repeats. */
  readonly failed?: boolean | undefined;
  /** What to say for a failure that gave no message of its own. */
  readonly errorText?: string | undefined;
  /** Attributes of this dialect that no rule maps, as they came. */
  readonly metadata?: Attributes;
};

/**
 * One emitter convention. Dialects are pure: no state, no I/O, never throw on any input.
 * A span may be spoken of in several dialects at once (OpenLLMetry writes `traceloop.*` beside `gen_ai.*`); for each field the first
 * dialect in the list that says something wins.
 */
export interface Dialect {
  readonly name: string;
  /** `undefined` when the span does not speak this dialect. Told by keys first; a scope name may lie. */
  read(input: DialectInput): Reading | undefined;
}
