import type { TimeUs } from "../base/clock.ts";
import type { Lesson } from "../lesson/lesson.ts";
import type { Conflict } from "./conflict.ts";
import type { GuardRecord } from "./guards/guard-record.ts";
import type { HistoryEntry, KnowledgeItem, KnowledgeStatus, Scope, Validation } from "./knowledge-item.ts";

export interface KnowledgeFilter {
  readonly status?: KnowledgeStatus;
  /** Full id: only items that revise this one, or one that does, and so on. */
  readonly revises?: string;
  readonly limit?: number;
}

/** One new version of an item with the line that says how it came about. */
export interface ItemWrite {
  readonly item: KnowledgeItem;
  readonly entry: HistoryEntry;
  /** Only for an item that is not stored yet and brings a history: versions 1 to `item.version - 1`, in order. */
  readonly past?: readonly HistoryEntry[];
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
  /** `saveItem` of many in one transaction: all of them, or none and the rejection names the first that would not go. */
  saveItems(writes: readonly ItemWrite[]): Promise<void>;
  /** Puts the record of what the guards said in the place of the former one. No new version: it is no change of the item. Nothing happens to one that is gone. */
  saveGuards(itemId: string, record: GuardRecord): Promise<void>;
  /** Appends a certificate. Certificates are never changed. */
  saveValidation(validation: Validation): Promise<void>;
  /** Certificates, oldest first; of one item, or of all when no id is given. */
  validations(itemId?: string): Promise<readonly Validation[]>;
  /** What the tests of all items, on eval cases and on live runs, have used of the error budget: how many there are, the highest place one of them names, and how many passed. A trial counts from its start on, once. */
  testStream(): Promise<{ readonly tests: number; readonly lastPosition: number; readonly passed: number }>;
  /** Deletes an item with its history and certificates, also out of every snapshot. For tests and for the right to be forgotten; leaves no tombstone. */
  removeItem(itemId: string): Promise<void>;
}

/** That one run was given or denied one item, and what came of it. */
export interface ExposedRun {
  readonly runId: string;
  /** What the draw was for: the conversation, else the W3C trace. Runs of one unit share their arm, so together they are one observation. */
  readonly unitId: string;
  readonly given: boolean;
  /** As stated before the draw: the total probability of being withheld. */
  readonly probability: number;
  /** The run got no knowledge at all; `controlShare` was the probability of that, 0 where no control group was drawn. */
  readonly control: boolean;
  readonly controlShare: number;
  /** By the verdict; partial is no success. A run that ended in an error and was never judged failed. Absent: not judged. */
  readonly success?: boolean;
  /** As on the run, see model-name.ts. */
  readonly model?: string;
  readonly startTimeUs: TimeUs;
}

export interface ExposureFilter {
  readonly itemId: string;
  /** Only runs that began then or later. */
  readonly sinceUs?: TimeUs;
  /** The last run id of the page before. */
  readonly after?: string;
  /** At most this many; default 2,000, at most 10,000. */
  readonly limit?: number;
}

/** Reads the evidence about items. Pages follow the run ids, whatever the time; a page shorter than its limit is the last. */
export interface EffectStore {
  exposedRuns(filter: ExposureFilter): Promise<readonly ExposedRun[]>;
  /** Runs for which a control group was drawn, with `given` for the knowledge arm and `probability` of the control arm. */
  controlledRuns(filter: Omit<ExposureFilter, "itemId">): Promise<readonly ExposedRun[]>;
  /** The models of the newest 1,000 runs that began before then, of one agent, service and tenant where they are named. */
  modelsBefore(atUs: TimeUs, of?: Scope): Promise<readonly string[]>;
  /** When the newest of such runs began; 0 where there is none. */
  newestRunUs(of: Scope): Promise<TimeUs>;
}

/** What processes took of the answers that may hold an item on trial. */
export interface TrialStore {
  /** 0 taken where nobody took any. `lastAtUs`: when the last ones were. */
  trialRunsTaken(seed: string): Promise<{ readonly taken: number; readonly lastAtUs?: TimeUs }>;
}

/** An item as a snapshot keeps it: without what only live runs change. `validation` is the certificate it carried then. */
export type SnapshotItem = Omit<KnowledgeItem, "counts" | "guards" | "updatedAtUs" | "version">;

export interface SnapshotInfo {
  readonly id: string;
  /** Unique among the snapshots of a store. */
  readonly tag?: string;
  readonly createdAtUs: TimeUs;
  readonly actor: string;
  readonly reason?: string;
  readonly itemCount: number;
  /** True when it was read from a file: what it says about itself is then nobody's evidence here. */
  readonly imported: boolean;
}

export interface Snapshot extends SnapshotInfo {
  /** By id, in code unit order. */
  readonly items: readonly SnapshotItem[];
}

/** A snapshot to be made. Without `items` it is of all that is stored at that moment. */
export interface NewSnapshot {
  readonly id: string;
  readonly tag?: string;
  readonly createdAtUs: TimeUs;
  readonly actor: string;
  readonly reason?: string;
  /** What a file says. */
  readonly items?: readonly SnapshotItem[];
}

/** States of all knowledge that can be gone back to. A snapshot is never changed, except that a removed item leaves all of them. */
export interface SnapshotStore {
  /** Rejects "conflict" when the tag is taken. */
  createSnapshot(snapshot: NewSnapshot): Promise<SnapshotInfo>;
  /** Newest first. */
  listSnapshots(): Promise<readonly SnapshotInfo[]>;
  /** By tag, by full id or by unique prefix of the id, in this order. Rejects "not-found", or "conflict" naming the candidates. */
  getSnapshot(tagOrId: string): Promise<Snapshot>;
  /** By full id. Deleting what is not there is no fault. */
  deleteSnapshot(id: string): Promise<void>;
  /** `saveItems` with a snapshot of what was there before, in one transaction: both or neither. */
  saveItemsBehind(backup: NewSnapshot, writes: readonly ItemWrite[]): Promise<SnapshotInfo>;
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
  /** See `casesFor`. */
  readonly tenant?: string;
  /** Asked again of every whole set before an item of it becomes active by evidence; see guards/safety-cases.ts. */
  readonly safety?: true;
  /** A safety case that comes with the package; see guards/shipped-safety-cases.ts. */
  readonly shipped?: true;
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
  /** From the second round of pairs on. */
  readonly round?: number;
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
