import { setTimeout as sleep } from "node:timers/promises";
import { isLearnError, messageOf } from "../base/error.ts";
import type { RawBatch } from "../span/raw-span.ts";

/** One submitted batch with what it counts towards the bound of its sender. */
export interface Submitted {
  readonly batch: RawBatch;
  readonly spans: number;
  readonly bytes: number;
}

export interface BatchBufferOptions {
  /** Durable on return. */
  readonly write: (batch: RawBatch) => Promise<void>;
  /** How long a batch may wait for company; asked at each submit, because it depends on where batches go at the moment. */
  readonly delayMs: () => number;
  /** Called once for everything submitted, in order, when it is safe or given up. */
  readonly settled: (spans: number, bytes: number, failed: boolean) => void;
  readonly report: (message: string) => void;
}

export interface BatchBuffer {
  submit(entry: Submitted): void;
  /** Resolves when everything submitted before is settled. */
  flush(): Promise<void>;
}

// A batch leaves at whichever comes first.
const MAX_SPANS = 512;
const MAX_BYTES = 1024 * 1024;
const RETRY_MS = 500;

/**
 * Joins small batches into one write. A fault that may pass keeps them and tries again: the sender's own bound limits what piles up here. A fault
 * that will not pass gives them up and says so.
 */
export function createBatchBuffer(options: BatchBufferOptions): BatchBuffer {
  let queue: Submitted[] = [];
  let spans = 0;
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const entries = queue;
    [queue, spans, bytes] = [[], 0, 0];
    if (entries.length > 0) writing = writing.then(() => writeAll(entries, options));
    return writing;
  };

  return {
    flush,
    submit: (entry) => {
      queue.push(entry);
      spans += entry.spans;
      bytes += entry.bytes;
      if (spans >= MAX_SPANS || bytes >= MAX_BYTES) void flush();
      else timer ??= setTimeout(() => void flush(), options.delayMs());
    },
  };
}

async function writeAll(entries: readonly Submitted[], options: BatchBufferOptions): Promise<void> {
  const spans = entries.reduce((sum, entry) => sum + entry.spans, 0);
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const batch = { spans: entries.flatMap((entry) => entry.batch.spans), logs: entries.flatMap((entry) => entry.batch.logs) };
  while (true) {
    try {
      await options.write(batch);
      return options.settled(spans, bytes, false);
    } catch (caught) {
      options.report(`${spans} spans could not be stored: ${messageOf(caught)}`);
      if (!isLearnError(caught) || !caught.retryable) return options.settled(spans, bytes, true);
      await sleep(RETRY_MS);
    }
  }
}
