import { foldText } from "../base/similarity.ts";
import type { KnowledgeType, Taint } from "../lesson/lesson.ts";
import { quarantineOf } from "./guards/guard-record.ts";
import { type KnowledgeItem, type KnowledgeStatus, type Priority, SCOPE_FIELDS, type Scope } from "./knowledge-item.ts";

/** Which items are meant. Every field that is given must hold; nothing given means all. */
export interface ItemFilter extends Scope {
  readonly status?: KnowledgeStatus;
  readonly type?: KnowledgeType;
  readonly priority?: Priority;
  /** All of these. */
  readonly tags?: readonly string[];
  readonly taint?: Taint;
  readonly analyzer?: string;
  /** Whether a guard objects to it and no person has decided; see `quarantineOf`. */
  readonly quarantined?: boolean;
  /** Every word of it stands in the text or in the condition; case does not count. */
  readonly query?: string;
}

/** Whether an item is meant. The scope is compared as written on the item: what applies everywhere is not "of" one agent. */
export function isMeant(item: KnowledgeItem, filter: ItemFilter): boolean {
  const equal = (["status", "type", "priority", "analyzer", ...SCOPE_FIELDS] as const).every(
    (field) => filter[field] === undefined || filter[field] === item[field],
  );
  if (!equal || !(filter.tags ?? []).every((tag) => item.tags.includes(tag))) return false;
  if (filter.taint !== undefined && !item.taint.includes(filter.taint)) return false;
  if (filter.quarantined !== undefined && filter.quarantined !== (quarantineOf(item) !== undefined)) return false;
  const text = foldText(`${item.content} ${item.appliesWhen}`);
  return foldText(filter.query ?? "")
    .split(" ")
    .every((word) => text.includes(word));
}

/** True when nothing is asked, so that all items are meant. */
export function isEmptyFilter(filter: ItemFilter): boolean {
  return Object.values(filter).every((value) => value === undefined || (Array.isArray(value) && value.length === 0));
}
