import { AsyncLocalStorage } from "node:async_hooks";
import { type Span as ApiSpan, type Context, context, trace } from "@opentelemetry/api";
import type { Scope } from "../knowledge/knowledge-item.ts";
import { uniteExposures } from "../span/exposure.ts";
import type { SpanExposure } from "../span/span.ts";
import type { BaggagePolicy } from "./baggage.ts";

/**
 * What is known about the agent run that the current async call belongs to. Per run, never per process. As a scope it says who asks inside of it, before
 * the settings of the process do; an empty text: nobody.
 */
export interface RunContext extends Scope {
  /** W3C trace id: the seed of the draw where no conversation is known, so that one run stays in one arm. */
  readonly traceId: string;
  /** `gen_ai.conversation.id`: then the seed, so that a conversation stays in one arm. */
  readonly conversationId?: string;
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
  /** Items of which only a line was given: what the agent gets when it asks for one. By id. */
  readonly listed: Map<string, ListedText>;
  /** The last draw, for those that the run calls. */
  draw: NotedDraw | undefined;
}

export interface ListedText {
  readonly id: string;
  readonly type: string;
  readonly content: string;
  readonly recalled: string;
}

export interface NotedDraw {
  readonly seed: string;
  readonly policy: BaggagePolicy;
  /** What agents above said they were given. */
  readonly above: readonly string[];
  readonly more: number;
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
    listed: new Map(),
    draw: undefined,
  };
}

// A span can be asked about several times; the ledger unites the answers. Weak, so that ended spans are free.
const ledgers = new WeakMap<ApiSpan, ExposureLedger>();

/** The ledger of a span, made at the first call. */
export function ledgerOf(span: ApiSpan): ExposureLedger {
  const known = ledgers.get(span) ?? createExposureLedger();
  ledgers.set(span, known);
  return known;
}

/** The ledgers that speak for a context: of the run, else of its span, else of the span that is active. Never makes one. */
export function ledgersFor(scope: Context): readonly ExposureLedger[] {
  const spans = [trace.getSpan(scope), trace.getSpan(context.active())];
  return [currentRun()?.exposures, ...spans.map((span) => (span === undefined ? undefined : ledgers.get(span)))].filter(
    (ledger) => ledger !== undefined,
  );
}

/** Both as one; what was given by either was given. Undefined when neither assigned anything. */
export function unitedExposure(first: SpanExposure | undefined, second: SpanExposure | undefined): SpanExposure | undefined {
  return uniteExposures([first, second].filter((exposure) => exposure !== undefined));
}
