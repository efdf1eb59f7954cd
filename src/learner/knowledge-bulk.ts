import { isLearnError, LearnError } from "../base/error.ts";
import { type ItemFilter, isEmptyFilter, isMeant } from "../knowledge/filter.ts";
import type { KnowledgeItem, KnowledgeStatus } from "../knowledge/knowledge-item.ts";
import { approve, type Change, deprecate, edit, pin, reject, restore, type Transition, unpin } from "../knowledge/life-cycle.ts";
import type { ItemWrite, KnowledgeStore } from "../knowledge/ports.ts";
import type { Store } from "../store/ports.ts";
import { approveSafely } from "./approve-safely.ts";
import { recordGuards } from "./guard-report.ts";
import { editionOf, type ItemEdit } from "./item-edit.ts";
import type { SafetyCheck } from "./safety-check.ts";
import { saveTransition } from "./save-transition.ts";

/** What can be done to one item or to many. */
export type BulkAction = "approve" | "reject" | "edit" | "deprecate" | "restore" | "pin" | "unpin";

export interface BulkRequest {
  readonly action: BulkAction;
  /** Full ids or unique prefixes. With a filter too, only those that it means. */
  readonly ids?: readonly string[];
  readonly filter?: ItemFilter;
  readonly reason?: string;
  /** For `edit`. New words are for one item only. */
  readonly edit?: ItemEdit;
  /** Says what would happen and changes nothing. */
  readonly dryRun?: boolean;
  /** For `approve`: why items go live with which safety cases fail. */
  readonly despiteSafety?: string;
}

export interface BulkReport {
  readonly action: BulkAction;
  readonly dryRun: boolean;
  /** As the items are now, or would be. */
  readonly done: readonly {
    readonly item: KnowledgeItem;
    readonly from: KnowledgeStatus;
    readonly changes: ItemWrite["entry"]["changes"];
  }[];
  /** Left as they are, each with what stands in the way. */
  readonly refused: readonly { readonly item: KnowledgeItem; readonly code: string; readonly reason: string }[];
}

/**
 * One change to every item that is meant. Atomic per item: each is changed with its history or not at all, and one that refuses, or that somebody else
 * changed meanwhile, stops no other. Rejects "invalid" when nothing says which items, so that no slip of the hand means all of them.
 */
export async function changeMany(
  store: KnowledgeStore & Pick<Store, "getTrace" | "spansOf">,
  request: BulkRequest,
  who: (reason?: string) => Change,
  newId: () => string,
  safety: SafetyCheck,
): Promise<BulkReport> {
  const { action, ids = [], filter = {}, dryRun = false } = request;
  if (ids.length === 0 && isEmptyFilter(filter)) {
    throw new LearnError("invalid", `nothing says which items to ${action}`, {
      hint: `name one, or filter: agentlearn knowledge ${action} --status candidate`,
    });
  }
  const named = ids.length === 0 ? await store.listKnowledge({}) : await allNamed(store, ids);
  const meant = named.filter((item) => isMeant(item, filter));
  if (meant.length > 1 && (request.edit?.content ?? request.edit?.appliesWhen) !== undefined) {
    throw new LearnError("invalid", `${meant.length} items are meant, and each needs words of its own`, {
      hint: "edit the text of one item at a time",
    });
  }
  const [done, refused]: [BulkReport["done"][number][], BulkReport["refused"][number][]] = [[], []];
  for (const item of meant) {
    try {
      const wanted = transitionOf(action, item, request, who(request.reason), newId);
      const next = action === "approve" && !dryRun ? await approved(item) : wanted;
      if (!dryRun) await saveTransition(store, next);
      if (!dryRun && action === "edit") await recordGuards(store, next.item);
      done.push({ item: next.item, from: item.status, changes: next.entry.changes });
    } catch (caught) {
      // A store that is gone is gone for all of them.
      if (!isLearnError(caught) || !["invalid", "conflict"].includes(caught.code)) throw caught;
      refused.push({ item, code: caught.code, reason: caught.message });
    }
  }
  return { action, dryRun, done, refused };

  /** One after the other: each is asked about beside those that were approved before it. */
  async function approved(checked: KnowledgeItem): Promise<Transition> {
    const said = await safety(checked);
    const item = await store.getKnowledgeItem(checked.id);
    return approveSafely(item, { ...who(request.reason), validationId: newId() }, said, { checked, despiteSafety: request.despiteSafety });
  }
}

async function allNamed(store: KnowledgeStore, ids: readonly string[]): Promise<readonly KnowledgeItem[]> {
  const byId = new Map<string, KnowledgeItem>();
  for (const id of ids) {
    const item = await store.getKnowledgeItem(id);
    byId.set(item.id, item);
  }
  return [...byId.values()];
}

function transitionOf(action: BulkAction, item: KnowledgeItem, request: BulkRequest, change: Change, newId: () => string): Transition {
  switch (action) {
    case "approve":
      return approve(item, { ...change, validationId: newId() });
    case "edit":
      return edit(item, editionOf(item, request.edit ?? {}), change);
    default:
      return { reject, deprecate, restore, pin, unpin }[action](item, change);
  }
}
