import type { TimeUs } from "../base/clock.ts";

export type KnowledgeType = "skill" | "checklist" | "routing_rule" | "anti_pattern" | "code_template";

/** Where the words of a lesson may come from. `model`: written by an LLM; `user`, `tool`: quotes text of users or tool output. */
export type Taint = "user" | "tool" | "model";

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
  /** The one agent whose runs it was read from; absent when they are of several agents, or of unnamed ones. Nobody else is given it. */
  readonly agentName?: string;
  /** In [0, 1], the analyzer's own estimate. Never decides anything. */
  readonly confidence: number;
  readonly reasoning: string;
  readonly taint: readonly Taint[];
  /** Equal for lessons that say the same thing; proposing it twice adds sources instead of a second item. */
  readonly fingerprint: string;
  readonly createdAtUs: TimeUs;
}
