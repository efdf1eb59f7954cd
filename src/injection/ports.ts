import type { ItemInUse, Scope } from "../knowledge/knowledge-item.ts";

/** Retrieval of items in state active, with the certificate that let them pass. */
export interface KnowledgeSearch {
  /** Active pinned items, oldest first. */
  pinnedItems(asking: Scope): Promise<readonly ItemInUse[]>;
  /** Active normal items ranked by FTS5 BM25 over content and appliesWhen; task text is quoted, never syntax. Best first. Empty when nothing matches. */
  searchKnowledge(task: string, limit: number, asking: Scope): Promise<readonly ItemInUse[]>;
  /**
   * Active normal items of exactly the agent that asks which passed a statistical test, most wins first; none where it does not say its name. Their
   * certificates speak of being given whatever the task.
   */
  provenItems(asking: Scope, limit: number): Promise<readonly ItemInUse[]>;
  /** Active items, pinned or not, oldest first: those that apply to who asks, or without `asking` those for whomever. */
  activeItems(limit: number, asking?: Scope): Promise<readonly ItemInUse[]>;
}

/** One step of an item in the sequence of changes. Each item stands in it once, at its last change. */
export interface KnowledgeChange {
  readonly seq: number;
  readonly id: string;
  /** The item as it is now, when it is active; absent when it is not, or was deleted. Whether its evidence holds is for the reader to check. */
  readonly item?: ItemInUse;
  /** In the place of `item`: the candidate, when its note says that it is on trial. Whether anybody may be given it is for the reader to check, see `onlineItem`. */
  readonly trial?: ItemInUse;
}

export interface KnowledgeChanges {
  /** In the order of `seq`. */
  readonly changes: readonly KnowledgeChange[];
  /** Ask from here next. Below the `since` that was asked for the store is another one, or an older copy: then start again from 0. */
  readonly seq: number;
  /** There are later changes that did not fit. */
  readonly more: boolean;
}

/** What a copy of the knowledge in another process follows. */
export interface KnowledgeFeed {
  /** Changes after `since`, at most `limit` of them; from 0 all there is. Counts are those of the moment of reading: a run that is judged changes no item. */
  knowledgeChanges(since: number, limit: number): Promise<KnowledgeChanges>;
}

/** Answers that may still hold an item on trial. Who gives one takes it here first, so that all processes together give no more than there may be. */
export interface TrialRations {
  /**
   * Takes up to `count` answers of the trial, and says how many it was given: 0 when they are used up, or the trial ended. What was taken and never given is
   * spent all the same. Durable on return.
   */
  takeTrialRuns(seed: string, count: number): Promise<number>;
}

/** The vector of the words of one item, by one model. */
export interface ItemVector {
  readonly itemId: string;
  /** Of the words it was made from; other words make it stale. */
  readonly digest: string;
  readonly vector: Float32Array;
}

/** Keeps vectors, so that each is made once. Those of different models never meet: `modelId` is part of every question. */
export interface VectorStore {
  /** What there is for these items, in any order. */
  itemVectors(modelId: string, itemIds: readonly string[]): Promise<readonly ItemVector[]>;
  /** Replaces those of the same item and model. One of an item that is not there any more is left out. */
  saveItemVectors(modelId: string, vectors: readonly ItemVector[]): Promise<void>;
}

/** Nearness in meaning. */
export interface VectorSearch {
  /**
   * Active normal items whose cosine with the task is at least `minimumSimilarity`, best first. Items for others than who asks do not take places.
   * Empty for a blank task. Rejects with what its embedding model rejects with.
   */
  nearestItems(task: string, limit: number, asking: Scope, minimumSimilarity: number): Promise<readonly ItemInUse[]>;
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
