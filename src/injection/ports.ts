import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";

/** Retrieval of items in state active, with the certificate that let them pass. */
export interface KnowledgeSearch {
  /** Active pinned items, oldest first. */
  pinnedItems(agentName?: string): Promise<readonly KnowledgeItem[]>;
  /** Active normal items ranked by FTS5 BM25 over content and appliesWhen; task text is quoted, never syntax. Best first. Empty when nothing matches. */
  searchKnowledge(task: string, limit: number, agentName?: string): Promise<readonly KnowledgeItem[]>;
}
