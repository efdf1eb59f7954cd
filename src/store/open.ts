import { systemClock } from "../base/clock.ts";
import type { SpanSink } from "../span/ports.ts";
import type { RawBatch } from "../span/raw-span.ts";
import { RECORDS_DROPPED } from "../telemetry/attributes.ts";
import { bodyOfBatch } from "./batch-body.ts";
import type { RetentionOptions, Store } from "./ports.ts";
import { storeOver } from "./rpc.ts";
import { createThreadClient, type ThreadClient } from "./thread-client.ts";
import type { WriterOptions } from "./writer-protocol.ts";

export interface OpenStoreOptions {
  /** `file:./x.db`, a path, or the url of a libSQL server. */
  readonly url: string;
  /** Who opens it, for the message others get. */
  readonly name: string;
  /** own: be the one owner of a file, or reject "conflict". share: own it, or use its owner. Default share. */
  readonly mode?: "own" | "share";
  /** Milliseconds without a new span after which a trace whose root ended is complete; and after which one without a root is. */
  readonly quietMs?: number;
  readonly idleMs?: number;
  /** on-demand: an owner maps and assembles only when `drain` is called. Default continuous. */
  readonly ingest?: "continuous" | "on-demand";
  /** Ages applied by an owner with continuous ingest, at once and every hour. Without it nothing is deleted unasked. */
  readonly retention?: RetentionOptions;
  /** What an owner does with a damaged file: refuse it with a hint, or set it aside and begin a new one. Default refuse. */
  readonly ifDamaged?: "refuse" | "set-aside";
}

export interface OpenWriterOptions extends Omit<OpenStoreOptions, "url"> {
  /** Where spans are kept; or `endpoint`, the OTLP/HTTP base url of a collector that they are sent on to. One of the two. */
  readonly url?: string;
  readonly endpoint?: string;
  /** HTTP headers for `endpoint`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Spans submitted and not yet durable. Above it batches are dropped and counted. Default 16,384. */
  readonly maxUnsettledSpans?: number;
  /** The same in bytes, as they are serialised. Default 16 MiB. */
  readonly maxUnsettledBytes?: number;
  /** Told once of each fault nobody waits for. Default: nobody is told, the counts still say how many. */
  readonly report?: (message: string) => void;
}

/** One thread for a processor and a learner of the same process. Nothing starts before the first use; an idle thread keeps no process alive. */
export interface Writer {
  /** Every call opens the store where needed, and rejects as its port says, or "unavailable" when the thread is gone. */
  readonly store: Store;
  readonly sink: SpanSink;
  /** Flushes for up to `timeoutMs` (default 5,000) and ends the thread. Safe twice; never rejects. */
  close(timeoutMs?: number): Promise<void>;
}

// At 1 kB a span both bounds are the same. 2,048 spans of 5 kB were 11 of the 16 MiB, and of 1 kB 2.
const MAX_UNSETTLED_SPANS = 16_384;
const MAX_UNSETTLED_BYTES = 16 * 1024 * 1024;
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Opens a store on a thread of its own. Rejects "invalid" for a bad url or file, "conflict" naming the owner (mode own), "unavailable" when it cannot
 * be reached now. Bodies given to `appendBodies` that own their whole buffer are moved, not copied.
 */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const { client, writer } = startWriter(options);
  try {
    await client.ask("open");
  } catch (caught) {
    await writer.close(0);
    throw caught;
  }
  return writer.store;
}

/** See `Writer`. Never throws. */
export function openWriter(options: OpenWriterOptions): Writer {
  return startWriter(options).writer;
}

function startWriter(options: OpenWriterOptions): { readonly client: ThreadClient; readonly writer: Writer } {
  const counts = { submitted: 0, dropped: 0, failed: 0 };
  // What was lost and no span has told the learner yet.
  let untold = 0;
  const unsettled = { spans: 0, bytes: 0 };
  const used = { sink: false, store: false };
  const maxSpans = options.maxUnsettledSpans ?? MAX_UNSETTLED_SPANS;
  const maxBytes = options.maxUnsettledBytes ?? MAX_UNSETTLED_BYTES;
  const client = createThreadClient({
    workerData: workerDataOf(options),
    report: (message) => options.report?.(message),
    onSettled: (spans, bytes, failed) => {
      unsettled.spans -= spans;
      unsettled.bytes -= bytes;
      if (!failed) return;
      counts.failed += spans;
      untold += spans;
    },
    onLost: () => {
      counts.failed += unsettled.spans;
      untold += unsettled.spans;
      [unsettled.spans, unsettled.bytes] = [0, 0];
    },
  });

  const flush = async (timeoutMs: number): Promise<void> => {
    if (unsettled.spans === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([client.ask("flush").catch(() => undefined), late]);
    clearTimeout(timer);
  };
  /** The thread serves two; it ends when nobody uses it. */
  const release = async (user: "sink" | "store"): Promise<void> => {
    used[user] = false;
    if (!used.sink && !used.store) await client.close();
  };

  /** The bytes that went over; `undefined` for a batch that does not fit, or that nothing can serialise. */
  const handOver = (batch: RawBatch, spans: number): number | undefined => {
    if (unsettled.spans + spans > maxSpans || unsettled.bytes >= maxBytes) return undefined;
    try {
      const body = bodyOfBatch(batch, systemClock.nowUs());
      const bytes = body.body.byteLength;
      return unsettled.bytes + bytes <= maxBytes && client.submit({ kind: "submit", body, spans }) ? bytes : undefined;
    } catch {
      return undefined;
    }
  };
  const sink: SpanSink = {
    submit: (batch) => {
      const spans = batch.spans.length + batch.logs.length;
      used.sink = true;
      counts.submitted += spans;
      const tells = untold > 0 && batch.spans.length > 0;
      const bytes = handOver(tells ? withDropped(batch, untold) : batch, spans);
      if (bytes === undefined) {
        counts.dropped += spans;
        untold += spans;
        return;
      }
      if (tells) untold = 0;
      unsettled.spans += spans;
      unsettled.bytes += bytes;
    },
    flush,
    close: async (timeoutMs) => {
      await flush(timeoutMs);
      await release("sink");
    },
    counts: () => ({ ...counts }),
  };
  const store = storeOver(
    (method, args) => {
      used.store = true;
      return client.call(method, args);
    },
    () => release("store"),
  );
  const close = async (timeoutMs = CLOSE_TIMEOUT_MS): Promise<void> => {
    await flush(timeoutMs);
    await client.close();
  };
  return { client, writer: { store, sink, close } };
}

/** The first span of a batch that gets through says what did not: there is no other way from an agent's process to a collector far away. */
function withDropped({ spans, logs }: RawBatch, count: number): RawBatch {
  const [first, ...others] = spans;
  if (first === undefined) return { spans, logs };
  return { spans: [{ ...first, attributes: { ...first.attributes, [RECORDS_DROPPED]: count } }, ...others], logs };
}

function workerDataOf(options: OpenWriterOptions): WriterOptions {
  const { maxUnsettledSpans: _spans, maxUnsettledBytes: _bytes, report: _report, ...said } = options;
  return { mode: "share", ...said };
}
