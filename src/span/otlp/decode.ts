import { LearnError } from "../../base/error.ts";
import type { RawBatch, RawLog, RawSpan } from "../raw-span.ts";

/** The two kinds of request that are understood. Metrics are not. */
export type Signal = "traces" | "logs";

export interface DecodeOptions {
  /** How deep attribute values may nest. A span with a deeper one is rejected alone. Default 32. */
  readonly maxDepth?: number;
  /** Spans, logs, events, links, attributes and values in one body. More throws "too-large". Default 1,000,000. */
  readonly maxItems?: number;
}

export interface DecodeResult {
  readonly batch: RawBatch;
  /** Spans that were left out, each for itself. Log records are never counted: without ids they belong to no span. */
  readonly rejected: number;
  /** Why the first of them was. */
  readonly reason?: string;
}

export const TRACE_ID: RegExp = /^(?!0{32})[0-9a-f]{32}$/;
export const SPAN_ID: RegExp = /^(?!0{16})[0-9a-f]{16}$/;

/** Thrown inside a span to leave out that span and keep the others. Never leaves this folder. */
export class RejectedItem extends Error {}

/** Counts what is made while decoding: a body of two-byte items is small on the wire and huge in memory. */
export interface Budget {
  readonly maxDepth: number;
  readonly maxItems: number;
  spend(): void;
}

// 20 MiB of empty protobuf attributes (20 kB gzipped) took 519 MiB and blocked for 2 s; an honest 20 MiB body holds about 500,000 items.
export function createBudget({ maxDepth = 32, maxItems = 1_000_000 }: DecodeOptions): Budget {
  let left = maxItems;
  return {
    maxDepth,
    maxItems,
    spend() {
      if (left-- > 0) return;
      throw new LearnError("too-large", `request holds more than ${maxItems} spans, attributes and values`, {
        hint: "send smaller batches",
      });
    },
  };
}

/** Collects spans and logs and the refusals among them. */
export interface Collector {
  span(read: () => RawSpan): void;
  log(read: () => RawLog | undefined): void;
  result(): DecodeResult;
}

export function createCollector(): Collector {
  const spans: RawSpan[] = [];
  const logs: RawLog[] = [];
  let rejected = 0;
  let reason: string | undefined;
  return {
    span(read) {
      try {
        spans.push(read());
      } catch (caught) {
        if (!(caught instanceof RejectedItem)) throw caught;
        rejected += 1;
        reason ??= caught.message;
      }
    },
    log(read) {
      try {
        const log = read();
        if (log !== undefined) logs.push(log);
      } catch (caught) {
        if (!(caught instanceof RejectedItem)) throw caught;
      }
    },
    result: () => ({ batch: { spans, logs }, rejected, ...(reason === undefined ? {} : { reason }) }),
  };
}

/** Ids of a span, or a refusal. An empty parent is a root. */
export function checkedIds(
  traceId: string,
  spanId: string,
  parentSpanId: string,
): {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
} {
  if (!TRACE_ID.test(traceId))
    throw new RejectedItem(`span has no valid trace id (16 bytes, not all zero), got ${JSON.stringify(traceId.slice(0, 40))}`);
  if (!SPAN_ID.test(spanId))
    throw new RejectedItem(`span has no valid span id (8 bytes, not all zero), got ${JSON.stringify(spanId.slice(0, 40))}`);
  // A malformed parent must not cost the span: it becomes a root.
  return { traceId, spanId, ...(SPAN_ID.test(parentSpanId) ? { parentSpanId } : {}) };
}

// Span.flags: bit 8 says that bit 9 is meant, bit 9 says that the parent is remote.
export function isRemoteParent(flags: number): boolean {
  return (flags & 0x300) === 0x300;
}

/** Numbers as RawSpan holds them: JSON has no NaN and no negative zero. */
export function jsonNumber(value: number): number | string {
  if (!Number.isFinite(value)) return String(value);
  return value === 0 ? 0 : value;
}

/** Assigns also a key named `__proto__`, which a plain assignment would take for the prototype. */
export function assign<T>(target: { [key: string]: T }, key: string, value: T): void {
  if (key === "__proto__") Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}
