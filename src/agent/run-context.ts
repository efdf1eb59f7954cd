import { AsyncLocalStorage } from "node:async_hooks";
import { uniteExposures } from "../span/exposure.ts";
import type { SpanExposure } from "../span/span.ts";

/** What is known about the agent run that the current async call belongs to. Per run, never per process. */
export interface RunContext {
  /** W3C trace id: the seed of the draw where no conversation is known, so that one run stays in one arm. */
  readonly traceId: string;
  /** `gen_ai.conversation.id`: then the seed, so that a conversation stays in one arm. */
  readonly conversationId?: string;
  /** Who runs; items of other agents are left out. */
  readonly agentName?: string;
  /** Set while a candidate is tested: this very text is the knowledge, whatever the store says, and the run is not recorded. */
  readonly fixedText?: string;
  /** Assignments made so far in this run. */
  readonly exposures: ExposureLedger;
}

/** Unites what several calls in one run were given and denied. */
export interface ExposureLedger {
  add(exposure: SpanExposure): void;
  /** Undefined when nothing was ever assigned. */
  total(): SpanExposure | undefined;
}

const storage = new AsyncLocalStorage<RunContext>();

export function currentRun(): RunContext | undefined {
  return storage.getStore();
}

export function withRun<T>(run: RunContext, fn: () => T): T {
  return storage.run(run, fn);
}

export function createExposureLedger(): ExposureLedger {
  let total: SpanExposure | undefined;
  return {
    add(exposure) {
      total = uniteExposures(total === undefined ? [exposure] : [total, exposure]);
    },
    total: () => total,
  };
}

/** Both as one; what was given by either was given. Undefined when neither assigned anything. */
export function unitedExposure(first: SpanExposure | undefined, second: SpanExposure | undefined): SpanExposure | undefined {
  return uniteExposures([first, second].filter((exposure) => exposure !== undefined));
}
