import type { TimeUs } from "../base/clock.ts";
import type { Lesson } from "../lesson/lesson.ts";
import type { Conflict } from "./conflict.ts";
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
  /** Writes one new version, and the certificate it carries where that is not stored yet, in one transaction. Rejects "conflict" when `item.version` is not the stored version plus one, and when the item would become active beside one that contradicts it. */
  saveItem(item: KnowledgeItem, entry: HistoryEntry): Promise<void>;
  /** Appends a certificate. Certificates are never changed. */
  saveValidation(validation: Validation): Promise<void>;
  /** Certificates, oldest first; of one item, or of all when no id is given. */
  validations(itemId?: string): Promise<readonly Validation[]>;
  /** Deletes an item with its history and certificates. For tests and for the right to be forgotten; leaves no tombstone. */
  removeItem(itemId: string): Promise<void>;
}

/** What was found between items, and how it was settled. */
export interface ConflictStore {
  /**
   * Contradictions that would keep this text from being active now: found by the rules or stored earlier, with items that are active, and not settled
   * by letting both stand. Empty when it may become active. Writes nothing; `saveItem` and its like ask the same, so no way to active goes past it.
   */
  conflictsOf(item: KnowledgeItem): Promise<readonly Conflict[]>;
  /** All that is stored, settled or not, also about texts that changed since; oldest first. Of one item, or of all when no id is given. */
  listConflicts(itemId?: string): Promise<readonly Conflict[]>;
  /** One row per pair. A finding without a resolution leaves a settled pair as it is while both texts are the same. */
  saveConflicts(conflicts: readonly Conflict[]): Promise<void>;
}

/** What happened to an item, out of the runs that are stored. */
export interface ItemUsage {
  readonly itemId: string;
  /** Runs that were given it, judged or not, also those that retention deleted. */
  readonly runsGiven: number;
  /** Start of the last stored run that was given it. */
  readonly lastGivenAtUs?: TimeUs;
  /** The latest judged runs that were given it and are stored, oldest first. */
  readonly judged: readonly { readonly atUs: TimeUs; readonly success: boolean }[];
  /** Runs it was read from, how many of them are stored, and when the newest of those began. */
  readonly sources: number;
  readonly sourcesStored: number;
  readonly lastSourceAtUs?: TimeUs;
}

export interface UsageStore {
  /** Of each item that is stored, in no order; at most `maxRuns` judged runs each. */
  usageOf(itemIds: readonly string[], maxRuns: number): Promise<readonly ItemUsage[]>;
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

/** One side of one case. */
export interface SideResult {
  readonly score: number;
  readonly output: string;
  /** What the runner or the scorer threw; the score is 0 then. */
  readonly error?: string;
}

/** Results without the candidate, so that several candidates share one baseline. Good for one runner, one set of cases and one context text. */
export interface BaselineCache {
  /** The knowledge text that was in the prompt. `validate` refuses a cache made with another. */
  readonly context: string;
  readonly byCaseId: Map<string, SideResult>;
}

export interface ValidationProgress {
  readonly phase: "baseline" | "candidate";
  readonly done: number;
  readonly total: number;
}

/** What a validator is given besides the item. */
export interface ValidatorContext {
  readonly cases: readonly ValidationCase[];
  /** Task texts of the runs the item was read from; cases that repeat one of them are not used. */
  readonly sourceTasks: readonly string[];
  /** The text of the knowledge that is already active, "" for none. In the prompt on both sides. */
  readonly context: string;
  /** The exact prompt text with the candidate in it. */
  renderWith(item: KnowledgeItem): string;
  readonly baseline?: BaselineCache;
  /** 1-based position of this test in the stream of statistical tests, and how many before it passed. */
  readonly position: number;
  readonly passedBefore: number;
  readonly id: string;
  readonly nowUs: TimeUs;
  readonly onProgress?: (progress: ValidationProgress) => void;
}

/** One way to decide about a candidate. */
export interface Validator {
  readonly name: string;
  /** A certificate, or undefined to abstain: the item then stays in the queue. Changes nothing. Rejects "cancelled" on abort. */
  validate(item: KnowledgeItem, context: ValidatorContext, signal?: AbortSignal): Promise<Validation | undefined>;
}
