import type { TimeUs } from "../base/clock.ts";

export const KNOWLEDGE_TYPES = ["skill", "checklist", "routing_rule", "anti_pattern", "code_template"] as const;
export type KnowledgeType = (typeof KNOWLEDGE_TYPES)[number];

export const TAINTS = ["user", "tool", "model", "imported"] as const;
/** Where the words of a lesson may come from. `model`: written by an LLM; `user`, `tool`: quotes text of users or tool output; `imported`: came in a file. */
export type Taint = (typeof TAINTS)[number];

/** A candidate text with its sources. Nothing is decided here. */
export interface Lesson {
  readonly id: string;
  readonly type: KnowledgeType;
  /** The instruction, self-contained. */
  readonly content: string;
  /** The condition, as a sentence fragment that retrieval can match. */
  readonly appliesWhen: string;
  readonly tags: readonly string[];
  /** Trace (run) ids it was read from; never empty. */
  readonly sourceTraceIds: readonly string[];
  readonly analyzer: string;
  /** Who alone is given it, by the runs it was read from: see `scoped` in lesson-scope.ts. Absent: everybody. */
  readonly agentName?: string;
  readonly service?: string;
  readonly tenant?: string;
  /** In [0, 1], the analyzer's own estimate. Never decides anything. */
  readonly confidence: number;
  readonly reasoning: string;
  readonly taint: readonly Taint[];
  /** Full id of the item that these words are to take the place of. */
  readonly revises?: string;
  /** Equal for lessons that say the same thing; proposing it twice adds sources instead of a second item. */
  readonly fingerprint: string;
  readonly createdAtUs: TimeUs;
}
