import type { KnowledgeItem, Scope } from "../knowledge/knowledge-item.ts";

/** Retrieval of items in state active, with the certificate that let them pass. */
export interface KnowledgeSearch {
  /** Active pinned items, oldest first. */
  pinnedItems(asking: Scope): Promise<readonly KnowledgeItem[]>;
  /** Active normal items ranked by FTS5 BM25 over content and appliesWhen; task text is quoted, never syntax. Best first. Empty when nothing matches. */
  searchKnowledge(task: string, limit: number, asking: Scope): Promise<readonly KnowledgeItem[]>;
  /** Active normal items of exactly this agent that passed a statistical test, most wins first. Their certificates speak of being given whatever the task. */
  provenItems(agentName: string, limit: number): Promise<readonly KnowledgeItem[]>;
}

/** Nearness in meaning. */
export interface VectorSearch {
  /**
   * Active normal items whose cosine with the task is at least `minimumSimilarity`, best first. Items for others than who asks do not take places.
   * Empty for a blank task. Rejects with what its embedding model rejects with.
   */
  nearestItems(task: string, limit: number, asking: Scope, minimumSimilarity: number): Promise<readonly KnowledgeItem[]>;
}

/** What one call asks for, and who asks: items that do not apply there are left out, see `appliesTo` of the knowledge room. */
export interface InjectionRequest extends Scope {
  readonly task: string;
  /** In [0, 1): probability with which each eligible normal item is withheld, outside of the control group. */
  readonly withholdProbability: number;
  /** In [0, 1): probability with which a run gets no knowledge at all, pinned items neither. Default 0. */
  readonly controlShare?: number;
  /** What the draws depend on, see `drawSeed`. The same seed gives the same assignment. */
  readonly seed: string;
}
