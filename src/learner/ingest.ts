import type { Clock } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import type { IngestStore } from "../store/ports.ts";

export interface IngestOptions {
  readonly store: IngestStore;
  readonly clock: Clock;
  readonly quietMs?: number;
  readonly idleMs?: number;
}

export interface Ingest {
  /** One bounded piece of work. `busy`: there is more to do at once. */
  step(): Promise<{ readonly mapped: number; readonly assembled: number; readonly busy: boolean }>;
  /** Maps and assembles everything now. */
  drain(): Promise<{ readonly mapped: number; readonly assembled: number }>;
}

export function createIngest(_options: IngestOptions): Ingest {
  const missing = (): Promise<never> => Promise.reject(new LearnError("internal", "ingest not linked"));
  return { step: missing, drain: missing };
}
