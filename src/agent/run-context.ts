import { AsyncLocalStorage } from "node:async_hooks";
import type { SpanExposure } from "../span/span.ts";

/** What is known about the agent run that the current async call belongs to. Per run, never per process. */
export interface RunContext {
  /** W3C trace id: the seed of the draw, so that one run stays in one arm. */
  readonly traceId: string;
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
  const given = new Set<string>();
  const withheld = new Set<string>();
  let probability: number | undefined;
  return {
    add(exposure) {
      for (const id of exposure.given) given.add(id);
      for (const id of exposure.withheld) withheld.add(id);
      probability = exposure.withholdProbability;
    },
    total() {
      if (probability === undefined) return undefined;
      return { given: [...given], withheld: [...withheld], withholdProbability: probability };
    },
  };
}

/** Both as one; what was given by either was given. Undefined when neither assigned anything. */
export function unitedExposure(first: SpanExposure | undefined, second: SpanExposure | undefined): SpanExposure | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  const ledger = createExposureLedger();
  ledger.add(first);
  ledger.add(second);
  return ledger.total();
}
