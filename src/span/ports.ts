import type { RawBatch } from "./raw-span.ts";

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

/** One emitter convention. Dialects are pure: no state, no I/O, never throw on any input. */
export interface Dialect {
  readonly name: string;
}
