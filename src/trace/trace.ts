import type { TimeUs } from "../base/clock.ts";
import type { AttributeValue } from "../span/raw-span.ts";
import type { Evaluation, Retrieval, SpanError, SpanExposure, Usage } from "../span/span.ts";

/**
 * Why a trace was judged complete.
 * root-ended: its root ended and nothing more came for the quiet period.
 * idle: no root ever came (orphans, filtered parents); nothing more came for the idle period.
 * flush: somebody asked for everything now (a command, a shutdown).
 * limit: it held more spans than one trace may.
 */
export type CompletenessReason = "root-ended" | "idle" | "flush" | "limit";

export interface Step {
  /** 0-based position in time order. */
  readonly seq: number;
  readonly kind: "llm" | "tool" | "retrieval" | "embedding" | "agent";
  readonly name: string;
  readonly spanId?: string;
  readonly callId?: string;
  readonly startTimeUs: TimeUs;
  readonly endTimeUs: TimeUs;
  /** What went in, as text: the last new message of an LLM call, the arguments of a tool. */
  readonly input: string;
  readonly output: string;
  /** Parsed tool arguments, where they were parseable. */
  readonly arguments?: AttributeValue;
  readonly error?: SpanError;
  /** True when the step, or its error, was read out of messages because no span said it. */
  readonly inferred: boolean;
  readonly model?: string;
  readonly usage?: Usage;
  readonly finishReasons?: readonly string[];
  /** Of a retrieval step. */
  readonly retrieval?: Retrieval;
  readonly timeToFirstTokenMs?: number;
  /** As the emitter said; see `Span.costUsd`. */
  readonly costUsd?: number;
}

/** One agent run. */
export interface Trace {
  /** `<trace id>-<root span id>`: stable for the same spans, unique also where one OTel trace holds several runs. */
  readonly id: string;
  readonly traceId: string;
  readonly rootSpanId: string;
  /** What the agent was asked; "" when no emitter said. */
  readonly task: string;
  /** What it answered; "" when nothing. */
  readonly output: string;
  readonly agentName?: string;
  readonly service?: string;
  readonly conversationId?: string;
  readonly userId?: string;
  /** Whom the run worked for; see `tenantOf` in assemble.ts. */
  readonly tenant?: string;
  /** Its spans name more than one tenant, so it has none. */
  readonly mixedTenants?: true;
  /** By the rule of model-name.ts; that of a step is the one that answered. */
  readonly model?: string;
  readonly startTimeUs: TimeUs;
  readonly endTimeUs: TimeUs;
  /** Summed over leaf LLM steps; absent when none reported. */
  readonly usage?: Usage;
  /** US dollars, summed like `usage`; absent when no emitter said any. */
  readonly costUsd?: number;
  /** The error of the root, if it ended in one. */
  readonly error?: SpanError;
  readonly completeness: CompletenessReason;
  /** True when the root's parent was never received. */
  readonly orphan: boolean;
  readonly spanCount: number;
  readonly steps: readonly Step[];
  readonly exposure?: SpanExposure;
  readonly evaluations: readonly Evaluation[];
}

/** What a list shows. */
export interface TraceSummary {
  readonly id: string;
  readonly task: string;
  readonly output: string;
  readonly agentName?: string;
  readonly startTimeUs: TimeUs;
  readonly durationMs: number;
  readonly stepCount: number;
  readonly completeness: CompletenessReason;
  /** The verdict of the strongest outcome source; absent when none judged it yet. */
  readonly status?: "success" | "failure" | "partial";
  readonly score?: number;
}
