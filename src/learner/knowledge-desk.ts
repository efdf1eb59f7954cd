import type { Clock } from "../base/clock.ts";
import { newId } from "../base/id.ts";
import { endCanary, putIntoCanary } from "../knowledge/canary.ts";
import { type ItemFilter, isEmptyFilter, isMeant } from "../knowledge/filter.ts";
import type { SafetyReport } from "../knowledge/guards/safety-cases.ts";
import { type ShownEntry, withWordChanges } from "../knowledge/history.ts";
import type { KnowledgeItem, Validation } from "../knowledge/knowledge-item.ts";
import { approve, type Change, deprecate, edit, pin, reject, restore, type Transition, unpin } from "../knowledge/life-cycle.ts";
import { endTrial, isOnTrial } from "../knowledge/online-trial.ts";
import type { ConflictStore, KnowledgeStore, UsageStore } from "../knowledge/ports.ts";
import type { Store } from "../store/ports.ts";
import { approveSafely } from "./approve-safely.ts";
import { type AuditDesk, createAuditDesk } from "./audit-desk.ts";
import { type ConflictDesk, createConflictDesk } from "./conflict-desk.ts";
import { recordGuards } from "./guard-report.ts";
import { editionOf, type ItemEdit } from "./item-edit.ts";
import { type BulkReport, type BulkRequest, changeMany } from "./knowledge-bulk.ts";
import { createKnowledgeExchange, type KnowledgeExchange } from "./knowledge-exchange.ts";
import { createSafetyCheck, type SafetyCheck } from "./safety-check.ts";
import { saveTransition } from "./save-transition.ts";

/** What a person, or code on their behalf, does with items. Ids may be unique prefixes. Every change is one history entry. */
export interface KnowledgeDesk extends KnowledgeExchange, ConflictDesk, AuditDesk {
  /** Pinned first, newest first. */
  list(filter?: ItemFilter & { readonly limit?: number }): Promise<readonly KnowledgeItem[]>;
  /** With every change that was made to it, each with a word diff, and every certificate. */
  show(
    id: string,
  ): Promise<{ readonly item: KnowledgeItem; readonly history: readonly ShownEntry[]; readonly validations: readonly Validation[] }>;
  /** validated -> active, unless it contradicts what is active: rejects "conflict" then, and the conflict is stored. A candidate that was never tested needs a reason: the person then vouches for it by name. */
  approve(id: string, options?: ApproveOptions): Promise<KnowledgeItem>;
  reject(id: string, options: { readonly reason: string }): Promise<KnowledgeItem>;
  /** New text, type, condition or wider scope makes it a candidate again: the evidence belonged to the old. Tags and a narrower scope do not. */
  edit(id: string, options: ItemEdit & { readonly reason: string }): Promise<KnowledgeItem>;
  /** Has an untested candidate tried in the small share of runs that the canary injector takes; a person and a reason are needed. It stays a candidate. */
  canary(id: string, options: { readonly reason: string }): Promise<KnowledgeItem>;
  /** Of an item on trial too; the learner does not begin another one of its present text. */
  endCanary(id: string, options?: { readonly reason?: string }): Promise<KnowledgeItem>;
  pin(id: string, options?: { readonly reason?: string }): Promise<KnowledgeItem>;
  unpin(id: string, options?: { readonly reason?: string }): Promise<KnowledgeItem>;
  deprecate(id: string, options: { readonly reason: string }): Promise<KnowledgeItem>;
  restore(id: string, options?: { readonly reason?: string }): Promise<KnowledgeItem>;
  /** The same changes to every item that is meant, atomic per item; with `dryRun` it only says what would happen. */
  changeMany(request: BulkRequest): Promise<BulkReport>;
  /** Deletes the item with its history and certificates. */
  remove(id: string): Promise<void>;
}

export interface ApproveOptions {
  readonly reason?: string;
  /** Why it goes live although safety cases fail with it; stored in the history. Without it a failing case rejects "conflict". */
  readonly despiteSafety?: string;
  /** Told what the safety cases said, or why none was asked. */
  readonly onSafety?: (report: SafetyReport) => void;
}

export interface KnowledgeDeskOptions {
  readonly store: KnowledgeStore & ConflictStore & UsageStore & Pick<Store, "listTraces" | "getTrace" | "spansOf">;
  readonly clock: Clock;
  /** Who, as it stands in the history: `cli:<user>`, `api`. */
  readonly actor: string;
  /** Asked before an approval. Without it none is run, which the approval says. */
  readonly safety?: SafetyCheck;
}

export function createKnowledgeDesk(options: KnowledgeDeskOptions): KnowledgeDesk {
  const { store, actor, safety = createSafetyCheck({ store: options.store, passScore: 1 }) } = options;
  const who = (reason?: string): Change => ({ actor, atUs: options.clock.nowUs(), ...(reason === undefined ? {} : { reason }) });

  async function change(id: string, apply: (item: KnowledgeItem) => Transition): Promise<KnowledgeItem> {
    const transition = apply(await store.getKnowledgeItem(id));
    // With the certificate it carries, or neither: one that is stored alone would speak of an approval that never took place.
    await saveTransition(store, transition);
    return transition.item;
  }

  return {
    ...createConflictDesk(options),
    ...createAuditDesk(options),
    ...createKnowledgeExchange(store, who),
    async list({ limit, ...filter } = {}) {
      const { status, ...rest } = filter;
      const bound = isEmptyFilter(rest) && limit !== undefined ? { limit } : {};
      const items = await store.listKnowledge({ ...(status === undefined ? {} : { status }), ...bound });
      return items.filter((item) => isMeant(item, filter)).slice(0, limit);
    },
    async show(id) {
      const item = await store.getKnowledgeItem(id);
      return { item, history: (await store.historyOf(item.id)).map(withWordChanges), validations: await store.validations(item.id) };
    },
    async approve(id, { reason, despiteSafety, onSafety } = {}) {
      const checked = await store.getKnowledgeItem(id);
      // The store refuses a contradiction by itself; what it found is written down here, so that it stays to be settled.
      await store.saveConflicts(await store.conflictsOf(checked));
      // What can't be approved at all is said before the agent runs.
      approve(checked, { ...who(reason), validationId: newId() });
      const said = await safety(checked);
      onSafety?.(said);
      return change(id, (item) => approveSafely(item, { ...who(reason), validationId: newId() }, said, { checked, despiteSafety }));
    },
    reject: (id, { reason }) => change(id, (item) => reject(item, who(reason))),
    // Other words have other sources, and what a guard says of them is asked before anybody reads the list.
    edit: async (id, { reason, ...wanted }) =>
      recordGuards(store, await change(id, (item) => edit(item, editionOf(item, wanted), who(reason)))),
    canary: (id, { reason }) => change(id, (item) => putIntoCanary(item, { ...who(reason), validationId: newId() })),
    endCanary: (id, { reason } = {}) => change(id, (item) => (isOnTrial(item) ? endTrial : endCanary)(item, who(reason))),
    pin: (id, { reason } = {}) => change(id, (item) => pin(item, who(reason))),
    unpin: (id, { reason } = {}) => change(id, (item) => unpin(item, who(reason))),
    deprecate: (id, { reason }) => change(id, (item) => deprecate(item, who(reason))),
    restore: (id, { reason } = {}) => change(id, (item) => restore(item, who(reason))),
    changeMany: (request) => changeMany(store, request, who, newId, safety),
    async remove(id) {
      await store.removeItem((await store.getKnowledgeItem(id)).id);
    },
  };
}
