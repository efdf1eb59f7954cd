import { createReporter, type Reporter } from "../telemetry/report.ts";
import { noteSpanStart } from "./ai-channel.ts";
import { createCopier } from "./copy-value.ts";
import { createDelivery, type Delivery } from "./delivery.ts";
import { MAX_EVENTS, rawLogFromSdk, rawSpanFromSdk } from "./from-sdk.ts";
import { hasGenAiKey, isGenAiKey } from "./genai-keys.ts";
import type { SpanSink } from "./ports.ts";
import type { LogRecordLike, SpanLike } from "./sdk-shapes.ts";

export interface ProcessorOptions {
  readonly sink: SpanSink;
  /** How long forceFlush and shutdown wait at most, in milliseconds. Default 5000. */
  readonly maxFlushMs?: number;
  /** Default: `createReporter("processor")`. */
  readonly reporter?: Reporter;
  /** True while what ends or is emitted is nobody's business. Asked only for what would be copied. Default: never. */
  readonly isIgnored?: () => boolean;
}

/** Fits SpanProcessor of the SDK lines 1, 2 and 3. No hook throws, no promise rejects. */
export interface SpanProcessorLike {
  onStart(span: unknown, parentContext: unknown): void;
  onEnd(span: SpanLike): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

/** Fits LogRecordProcessor. No hook throws, no promise rejects. */
export interface LogRecordProcessorLike {
  onEmit(record: LogRecordLike, context?: unknown): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

const SAMPLED = 1;

/** Copies finished GenAI spans, and those that carry our own attributes, to the sink; any other span costs one look at its keys. */
export function createSpanProcessor(options: ProcessorOptions): SpanProcessorLike {
  const reporter = options.reporter ?? createReporter("processor");
  const delivery = deliveryOf(options, reporter);
  const { isIgnored = () => false } = options;
  return {
    onStart(span) {
      try {
        noteSpanStart(span);
      } catch (caught) {
        reporter.failure("could not look at a span", caught);
      }
    },
    onEnd(span) {
      try {
        // Keys first: of most applications' spans it is all that is ever asked.
        if (!concernsAgent(span) || delivery.closed() || isIgnored() || !isSampled(span.spanContext())) return;
        const copier = createCopier();
        delivery.span(rawSpanFromSdk(span, copier), copier.length());
      } catch (caught) {
        reporter.failure("could not copy a span", caught);
      }
    },
    forceFlush: delivery.flush,
    shutdown: delivery.shutdown,
  };
}

/** Copies GenAI log records: several instrumentations put the content of a call nowhere else. */
export function createLogRecordProcessor(options: ProcessorOptions): LogRecordProcessorLike {
  const reporter = options.reporter ?? createReporter("processor");
  const delivery = deliveryOf(options, reporter);
  const { isIgnored = () => false } = options;
  return {
    onEmit(record) {
      try {
        const owner = record.spanContext;
        if (delivery.closed() || owner === undefined || !isSampled(owner) || !isAboutAgent(record) || isIgnored()) return;
        const copier = createCopier();
        const log = rawLogFromSdk(record, copier);
        if (log !== undefined) delivery.log(log, copier.length());
      } catch (caught) {
        reporter.failure("could not copy a log record", caught);
      }
    },
    forceFlush: delivery.flush,
    shutdown: delivery.shutdown,
  };
}

function deliveryOf({ sink, maxFlushMs = 5000 }: ProcessorOptions, reporter: Reporter): Delivery {
  return createDelivery({ sink, maxFlushMs, reporter });
}

function isSampled(context: { readonly traceFlags?: number }): boolean {
  return ((context.traceFlags ?? SAMPLED) & SAMPLED) === SAMPLED;
}

/** Keys first; a span without GenAI attributes may still carry messages or a judgement as events. */
function concernsAgent(span: SpanLike): boolean {
  if (hasGenAiKey(span.attributes)) return true;
  const { events } = span;
  const count = Math.min(events.length, MAX_EVENTS);
  for (let index = 0; index < count; index++) {
    const name: unknown = events[index]?.name;
    if (typeof name === "string" && isGenAiKey(name)) return true;
  }
  return false;
}

function isAboutAgent(record: LogRecordLike): boolean {
  if (typeof record.eventName === "string" && isGenAiKey(record.eventName)) return true;
  const named = (record.attributes as { readonly [key: string]: unknown })["event.name"];
  if ((typeof named === "string" && isGenAiKey(named)) || hasGenAiKey(record.attributes)) return true;
  return typeof record.body === "object" && record.body !== null && hasGenAiKey(record.body);
}
