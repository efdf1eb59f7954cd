import type { Lesson } from "../lesson/lesson.ts";
import type { HistoryEntry, KnowledgeItem, KnowledgeStatus, Validation } from "./knowledge-item.ts";

export interface KnowledgeFilter {
  readonly status?: KnowledgeStatus;
  readonly limit?: number;
}

/** Reads and writes items. Every write appends to the history in the same transaction and is durable on return. */
export interface KnowledgeStore {
  /** Newest first; pinned before normal. */
  listKnowledge(filter: KnowledgeFilter): Promise<readonly KnowledgeItem[]>;
  /** By full id or unique prefix. Rejects "not-found", or "conflict" naming the candidates when ambiguous. */
  getKnowledgeItem(idOrPrefix: string): Promise<KnowledgeItem>;
  historyOf(itemId: string): Promise<readonly HistoryEntry[]>;
  /** Makes a candidate of a lesson, or adds its sources to the item with the same fingerprint. Says which. */
  propose(lesson: Lesson, actor: string): Promise<{ readonly item: KnowledgeItem; readonly created: boolean }>;
  /** Writes one new version. Rejects "conflict" when `item.version` is not the stored version plus one. */
  saveItem(item: KnowledgeItem, entry: HistoryEntry): Promise<void>;
  /** Appends a certificate. Certificates are never changed. */
  saveValidation(validation: Validation): Promise<void>;
  /** Certificates, oldest first; of one item, or of all when no id is given. */
  validations(itemId?: string): Promise<readonly Validation[]>;
  /** Deletes an item with its history and certificates. For tests and for the right to be forgotten; leaves no tombstone. */
  removeItem(itemId: string): Promise<void>;
}

/** Runs the user's agent on a task. `knowledge` is the exact text for the prompt, "" for none: the runner must use it and no other. */
export type AgentRunner = (task: string, knowledge: string, signal?: AbortSignal) => Promise<string> | string;

/** An eval case as the validator needs it. */
export interface ValidationCase {
  readonly id: string;
  readonly task: string;
  readonly mustPass: boolean;
  /** In [0, 1]. */
  score(output: string): Promise<number> | number;
}
