import type { Clock } from "../base/clock.ts";
import { newId } from "../base/id.ts";
import type { HistoryEntry, KnowledgeItem, Validation } from "../knowledge/knowledge-item.ts";
import { approve, type Change, deprecate, edit, pin, reject, restore, type Transition, unpin } from "../knowledge/life-cycle.ts";
import type { ConflictStore, KnowledgeFilter, KnowledgeStore, UsageStore } from "../knowledge/ports.ts";
import type { TraceReader } from "../trace/ports.ts";
import { type AuditDesk, createAuditDesk } from "./audit-desk.ts";
import { type ConflictDesk, createConflictDesk } from "./conflict-desk.ts";

/** What a person, or code on their behalf, does with items. Ids may be unique prefixes. Every change is one history entry. */
export interface KnowledgeDesk extends ConflictDesk, AuditDesk {
  list(filter?: KnowledgeFilter): Promise<readonly KnowledgeItem[]>;
  show(
    id: string,
  ): Promise<{ readonly item: KnowledgeItem; readonly history: readonly HistoryEntry[]; readonly validations: readonly Validation[] }>;
  /** validated -> active, unless it contradicts what is active: rejects "conflict" then, and the conflict is stored. A candidate that was never tested needs a reason: the person then vouches for it by name. */
  approve(id: string, options?: { readonly reason?: string }): Promise<KnowledgeItem>;
  reject(id: string, options: { readonly reason: string }): Promise<KnowledgeItem>;
  /** New text makes it a candidate again: the evidence belonged to the old text. */
  edit(id: string, options: { readonly content?: string; readonly appliesWhen?: string; readonly reason: string }): Promise<KnowledgeItem>;
  pin(id: string): Promise<KnowledgeItem>;
  unpin(id: string): Promise<KnowledgeItem>;
  deprecate(id: string, options: { readonly reason: string }): Promise<KnowledgeItem>;
  restore(id: string): Promise<KnowledgeItem>;
  /** Deletes the item with its history and certificates. */
  remove(id: string): Promise<void>;
}

export interface KnowledgeDeskOptions {
  readonly store: KnowledgeStore & ConflictStore & UsageStore & Pick<TraceReader, "listTraces">;
  readonly clock: Clock;
  /** Who, as it stands in the history: `cli:<user>`, `api`. */
  readonly actor: string;
}

export function createKnowledgeDesk(options: KnowledgeDeskOptions): KnowledgeDesk {
  const { store, actor } = options;
  const who = (reason?: string): Change => ({ actor, atUs: options.clock.nowUs(), ...(reason === undefined ? {} : { reason }) });

  async function change(id: string, apply: (item: KnowledgeItem) => Transition): Promise<KnowledgeItem> {
    const { item, entry } = apply(await store.getKnowledgeItem(id));
    // With the certificate it carries, or neither: one that is stored alone would speak of an approval that never took place.
    await store.saveItem(item, entry);
    return item;
  }

  return {
    ...createConflictDesk(options),
    ...createAuditDesk(options),
    list: (filter = {}) => store.listKnowledge(filter),
    async show(id) {
      const item = await store.getKnowledgeItem(id);
      return { item, history: await store.historyOf(item.id), validations: await store.validations(item.id) };
    },
    async approve(id, { reason } = {}) {
      // The store refuses a contradiction by itself; what it found is written down here, so that it stays to be settled.
      await store.saveConflicts(await store.conflictsOf(await store.getKnowledgeItem(id)));
      return change(id, (item) => approve(item, { ...who(reason), validationId: newId() }));
    },
    reject: (id, { reason }) => change(id, (item) => reject(item, who(reason))),
    edit: (id, { content, appliesWhen, reason }) =>
      change(id, (item) =>
        edit(item, { content: content ?? item.content, ...(appliesWhen === undefined ? {} : { appliesWhen }) }, who(reason)),
      ),
    pin: (id) => change(id, (item) => pin(item, who())),
    unpin: (id) => change(id, (item) => unpin(item, who())),
    deprecate: (id, { reason }) => change(id, (item) => deprecate(item, who(reason))),
    restore: (id) => change(id, (item) => restore(item, who())),
    async remove(id) {
      await store.removeItem((await store.getKnowledgeItem(id)).id);
    },
  };
}
