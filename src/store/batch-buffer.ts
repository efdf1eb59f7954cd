import { setTimeout as sleep } from "node:timers/promises";
import { isLearnError, messageOf } from "../base/error.ts";
import { joinBodies } from "./batch-body.ts";
import type { RawBody } from "./ports.ts";

/** One submitted batch with what it counts towards the bound of its sender. */
export interface Submitted {
  readonly body: RawBody;
  readonly spans: number;
}

export interface BatchBufferOptions {
  /** Durable on return. Called for a few bodies at a time, so that they can share a commit. */
  readonly write: (body: RawBody) => Promise<void>;
  /** How long a batch may wait for company; asked at each submit, because it depends on where batches go at the moment. */
  readonly delayMs: () => number;
  /** Called once for everything submitted, when it is safe or given up. */
  readonly settled: (spans: number, bytes: number, failed: boolean) => void;
  readonly report: (message: string) => void;
}

export interface BatchBuffer {
  submit(entry: Submitted): void;
  /** Resolves when everything submitted before is settled. */
  flush(): Promise<void>;
}

// A body is full at whichever comes first.
const MAX_SPANS = 512;
const MAX_BYTES = 1024 * 1024;
// 4 MiB share a commit: a quarter of what a sender may have outstanding, so that there is room again while the rest is written.
const MAX_BODIES_AT_ONCE = 4;
const RETRY_MS = 500;

interface Group {
  readonly bodies: [RawBody, ...RawBody[]];
  spans: number;
  bytes: number;
}

/**
 * Joins small batches into one body, without looking into them. A fault that may pass keeps them and tries again: the sender's own bound limits what
 * piles up here. A fault that will not pass gives them up and says so.
 */
export function createBatchBuffer(options: BatchBufferOptions): BatchBuffer {
  const groups: Group[] = [];
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    if (groups.length > 0) writing = writing.then(writeGroups);
    return writing;
  };

  /** All there is, and what gets full meanwhile. */
  const writeGroups = async (): Promise<void> => {
    for (let due = groups.length; due > 0 || isFull(groups[0]); due -= MAX_BODIES_AT_ONCE) {
      await Promise.all(groups.splice(0, MAX_BODIES_AT_ONCE).map((group) => writeGroup(group, options)));
    }
  };

  return {
    flush,
    submit: ({ body, spans }) => {
      const bytes = body.body.byteLength;
      const last = groups.at(-1);
      if (last === undefined || isFull(last)) groups.push({ bodies: [body], spans, bytes });
      else {
        last.bodies.push(body);
        last.spans += spans;
        last.bytes += bytes;
      }
      if (isFull(groups.at(-1))) void flush();
      else timer ??= setTimeout(() => void flush(), options.delayMs());
    },
  };
}

function isFull(group: Group | undefined): boolean {
  return group !== undefined && (group.spans >= MAX_SPANS || group.bytes >= MAX_BYTES);
}

async function writeGroup({ bodies, spans, bytes }: Group, options: BatchBufferOptions): Promise<void> {
  const body = joinBodies(bodies);
  while (true) {
    try {
      await options.write(body);
      return options.settled(spans, bytes, false);
    } catch (caught) {
      options.report(`${spans} spans could not be stored: ${messageOf(caught)}`);
      if (!isLearnError(caught) || !caught.retryable) return options.settled(spans, bytes, true);
      await sleep(RETRY_MS);
    }
  }
}
