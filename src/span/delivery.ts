import type { Reporter } from "../telemetry/report.ts";
import type { SpanSink } from "./ports.ts";
import type { RawLog, RawSpan } from "./raw-span.ts";

/** Gathers copies into batches for a sink. */
export interface Delivery {
  /** `length`: UTF-16 units of its text. */
  span(span: RawSpan, length: number): void;
  log(log: RawLog, length: number): void;
  closed(): boolean;
  /** Resolves when the sink has all, or at the deadline. Never rejects. */
  flush(): Promise<void>;
  /** Flushes and takes nothing more. The last delivery on a sink to shut down closes it. Safe to call twice; never rejects. */
  shutdown(): Promise<void>;
}

export interface DeliveryOptions {
  readonly sink: SpanSink;
  readonly maxFlushMs: number;
  readonly reporter: Reporter;
}

// Handing a 2.2 kB span to another thread costs 10 us alone and 4-6 us in a batch of 64; 512 gains nothing more.
const MAX_BATCH = 64;
const MAX_WAIT_MS = 20;
// A sink drops whole batches at its bound (16 MiB): one huge span must not take 63 good ones with it. 64 spans of 5 kB stay below.
const MAX_BATCH_LENGTH = 524_288;

// A span and a log processor share a sink, and providers shut down in any order.
const users = new WeakMap<SpanSink, number>();

export function createDelivery({ sink, maxFlushMs, reporter }: DeliveryOptions): Delivery {
  let spans: RawSpan[] = [];
  let logs: RawLog[] = [];
  let length = 0;
  let timer: NodeJS.Timeout | undefined;
  let ending: Promise<void> | undefined;
  users.set(sink, (users.get(sink) ?? 0) + 1);

  function submit(): void {
    clearTimeout(timer);
    timer = undefined;
    if (spans.length + logs.length === 0) return;
    const batch = { spans, logs };
    spans = [];
    logs = [];
    length = 0;
    try {
      sink.submit(batch);
    } catch (caught) {
      reporter.failure("sink refused a batch", caught);
    }
  }

  function added(more: number): void {
    length += more;
    if (spans.length + logs.length >= MAX_BATCH || length >= MAX_BATCH_LENGTH) submit();
    else if (timer === undefined) {
      timer = setTimeout(submit, MAX_WAIT_MS);
      // The agent may end when it is done; forceFlush and shutdown are there for what is left.
      timer.unref();
    }
  }

  async function finish(what: string, wait: (timeoutMs: number) => Promise<void>): Promise<void> {
    submit();
    let deadline: NodeJS.Timeout | undefined;
    // Not unref'd: a process that awaits a flush must live until the deadline, or Node ends it with "unsettled top-level await".
    const late = new Promise<"late">((resolve) => {
      deadline = setTimeout(() => resolve("late"), maxFlushMs);
    });
    try {
      if ((await Promise.race([wait(maxFlushMs), late])) === "late") reporter.failure(`${what} took longer than ${maxFlushMs} ms`);
    } catch (caught) {
      reporter.failure(`${what} failed`, caught);
    } finally {
      clearTimeout(deadline);
    }
  }

  function end(): Promise<void> {
    const left = (users.get(sink) ?? 1) - 1;
    users.set(sink, left);
    return left <= 0 ? finish("shutdown", (timeoutMs) => sink.close(timeoutMs)) : finish("flush", (timeoutMs) => sink.flush(timeoutMs));
  }

  return {
    span(span, more) {
      spans.push(span);
      added(more);
    },
    log(log, more) {
      logs.push(log);
      added(more);
    },
    closed: () => ending !== undefined,
    flush: () => ending ?? finish("flush", (timeoutMs) => sink.flush(timeoutMs)),
    shutdown() {
      ending ??= end();
      return ending;
    },
  };
}
