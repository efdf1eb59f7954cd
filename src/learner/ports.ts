import type { KnowledgeItem, Validation } from "../knowledge/knowledge-item.ts";
import type { JudgedConflicts } from "./judge-conflicts.ts";

/** What a learn cycle tells while it works. `total` is 0 when unknown. */
export interface LearnProgress {
  readonly phase: "collect" | "analyze" | "validate" | "done";
  readonly done: number;
  readonly total: number;
  readonly detail: string;
}

/** What a cycle cost, from its first start on. */
export interface LearnCost {
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Absent where the price of a model that was asked is not known. */
  readonly usd?: number;
  /** Calls booked at the most they can have cost, because nobody said what they did cost. */
  readonly estimated: number;
  /** Answers of models and runs of the agent that were paid for before and used again, by this process. */
  readonly reused: number;
  /** Runs of the agent, by this process. What they cost is not known here. */
  readonly agentRuns: number;
}

/** What one learn cycle did, in words and figures. Stored with the cycle and printed by the CLI. */
export interface LearnReport {
  readonly cycleId: string;
  /** It was begun by a process that did not end it. */
  readonly resumed?: true;
  readonly tracesAnalyzed: number;
  /** New traces that wait for the next cycle, and why; absent when none. */
  readonly waiting?: readonly { readonly analyzer: string; readonly reason: string; readonly traces: number }[];
  /** The limit that ended all calls of models before the end of the cycle. */
  readonly stopped?: { readonly reason: string; readonly hint: string };
  /** Absent where nothing was to be paid for. */
  readonly cost?: LearnCost;
  /** What is needed for more: sentences, each with a command or a setting. */
  readonly needed: readonly string[];
  readonly failures: number;
  /** Runs judged in this cycle that a person should look at. Absent when none. */
  readonly forReview?: readonly string[];
  readonly lessonsProposed: number;
  readonly candidatesCreated: number;
  readonly refusals: readonly { readonly analyzer: string; readonly reason: string; readonly traceIds: readonly string[] }[];
  /** Analyzers that could not run. When the fault may pass, or lies in the settings, the traces of this cycle stay unread for the next one. */
  readonly analyzerFailures?: readonly {
    readonly analyzer: string;
    readonly code: string;
    readonly message: string;
    readonly tracesStayUnread: boolean;
  }[];
  /** Each candidate that was tested or needs testing, with the certificate when it was. */
  readonly decisions: readonly {
    readonly item: KnowledgeItem;
    readonly validation?: Validation;
    /** The active item that it contradicts: it passed its test, and waits until the conflict is settled. Absent when nothing holds it. */
    readonly heldBy?: { readonly itemId: string; readonly reason: string };
    /** Set while it is tried on live runs: `begun` in this cycle, or `continued`. `next` says how far it is. */
    readonly trial?: "begun" | "continued";
    /** What to do next with it, as a command or a sentence. */
    readonly next: string;
  }[];
  /** What a model was asked about candidates beside active items; absent when none is configured. */
  readonly conflicts?: JudgedConflicts;
  /** Taken out of use in this cycle: harmful, useless or unused. */
  readonly deprecated: readonly { readonly itemId: string; readonly reason: string }[];
  /** Retired once, and candidates again because the model changed. Absent when none. */
  readonly challenged?: readonly { readonly itemId: string; readonly reason: string }[];
  /** Pinned items that would have been retired, and items whose arms were not drawn as stated. Absent when none. */
  readonly reported?: readonly { readonly itemId: string; readonly reason: string }[];
  readonly durationMs: number;
}
