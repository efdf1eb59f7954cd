import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import type { Injection } from "./injection.ts";

/** Retrieval of items in state active, with the certificate that let them pass. */
export interface KnowledgeSearch {
  /** Active pinned items, oldest first. */
  pinnedItems(agentName?: string): Promise<readonly KnowledgeItem[]>;
  /** Active normal items ranked by FTS5 BM25 over content and appliesWhen; task text is quoted, never syntax. Best first. Empty when nothing matches. */
  searchKnowledge(task: string, limit: number, agentName?: string): Promise<readonly KnowledgeItem[]>;
}

/** What one call asks for. */
export interface InjectionRequest {
  readonly task: string;
  /** Items of other agents are left out; items without an agent always apply. */
  readonly agentName?: string;
  /** In [0, 1): probability with which each eligible normal item is withheld. */
  readonly withholdProbability: number;
  /** What the draw depends on: the W3C trace id where there is one. The same seed gives the same assignment. */
  readonly seed: string;
}

/** One way to choose what goes into the prompt. Stateless; rejects only with what its source rejects with, and "invalid" for a bad request. */
export interface Injector {
  readonly name: string;
  inject(request: InjectionRequest): Promise<Injection>;
}
