import type { KnowledgeItem, Scope } from "../knowledge/knowledge-item.ts";
import type { Injection } from "./injection.ts";

/** Retrieval of items in state active, with the certificate that let them pass. */
export interface KnowledgeSearch {
  /** Active pinned items, oldest first. */
  pinnedItems(asking: Scope): Promise<readonly KnowledgeItem[]>;
  /** Active normal items ranked by FTS5 BM25 over content and appliesWhen; task text is quoted, never syntax. Best first. Empty when nothing matches. */
  searchKnowledge(task: string, limit: number, asking: Scope): Promise<readonly KnowledgeItem[]>;
  /** Active normal items of exactly this agent that passed a statistical test, most wins first. Their certificates speak of being given whatever the task. */
  provenItems(agentName: string, limit: number): Promise<readonly KnowledgeItem[]>;
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

/** One way to choose what goes into the prompt. Stateless; rejects only with what its source rejects with, and "invalid" for a bad request. */
export interface Injector {
  readonly name: string;
  inject(request: InjectionRequest): Promise<Injection>;
}
