import { idFrom } from "../../base/id.ts";
import { guardWords } from "../../lesson/guard.ts";
import type { KnowledgeType, Taint } from "../../lesson/lesson.ts";
import type { HistoryEntry, KnowledgeStatus, Priority, Scope, Validation } from "../knowledge-item.ts";

/** An item as a file describes it. Nothing of it is believed: it arrives as a candidate, its history as hearsay, its certificates as papers of another store. */
export interface IncomingItem {
  /** Where it stands, for messages: `knowledge.json: item 3`. */
  readonly place: string;
  readonly id: string;
  readonly type: KnowledgeType;
  readonly content: string;
  readonly appliesWhen: string;
  readonly tags: readonly string[];
  readonly scope: Scope;
  readonly sourceTraceIds: readonly string[];
  readonly analyzer: string;
  readonly confidence: number;
  readonly taint: readonly Taint[];
  /** Full id of the item whose place it is to take. Kept also where that one is not stored. */
  readonly revises?: string;
  /** What it was where it comes from. */
  readonly status?: KnowledgeStatus;
  readonly priority?: Priority;
  readonly createdAtUs?: number;
  readonly history: readonly HistoryEntry[];
  readonly certificates: readonly Validation[];
}

/** What reading a file gave. Only without problems may any of it be taken in. */
export interface Incoming {
  readonly items: readonly IncomingItem[];
  /** Each names its place. */
  readonly problems: readonly string[];
}

/** Id of an item whose file names none: the same words have the same id wherever they come from. */
export function idOfWords(item: Pick<IncomingItem, "type" | "content" | "appliesWhen">): string {
  return idFrom(["words", item.type, item.content, item.appliesWhen]);
}

/** Everything that speaks against items that could be read: what the guard refuses, and ids that come twice. */
export function problemsOf(items: readonly IncomingItem[]): readonly string[] {
  const problems: string[] = [];
  const placeOf = new Map<string, string>();
  for (const item of items) {
    const refusal = guardWords(item);
    if (refusal !== undefined) problems.push(`${item.place}: the item ${refusal}`);
    const first = placeOf.get(item.id);
    if (first === undefined) placeOf.set(item.id, item.place);
    else problems.push(`${item.place}: the id ${item.id} is that of ${first} too`);
    if (item.history.some(({ version }, index) => version !== index + 1)) problems.push(`${item.place}: the history has gaps`);
  }
  return problems;
}
