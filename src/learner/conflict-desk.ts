import type { Clock } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { shortId } from "../base/id.ts";
import { type Conflict, clashBetween, conflictOf, holds, isOpen, type Resolution } from "../knowledge/conflict.ts";
import { findConflicts } from "../knowledge/find-conflicts.ts";
import { isPerson } from "../knowledge/human-validation.ts";
import type { KnowledgeItem, KnowledgeStatus, Scope } from "../knowledge/knowledge-item.ts";
import { type Change, deprecate, narrow, reject, type Transition } from "../knowledge/life-cycle.ts";
import type { ConflictStore, KnowledgeStore } from "../knowledge/ports.ts";

/** A conflict with both items, for who has to decide. */
export interface ConflictView {
  readonly conflict: Conflict;
  readonly first: KnowledgeItem;
  readonly second: KnowledgeItem;
}

/** What a person says about two items: one of them stays, both do, or each goes on in a scope of its own. */
export type ResolveOptions =
  | { readonly keep: string; readonly reason?: string }
  | { readonly both: true; readonly reason: string }
  | { readonly scopes: { readonly [idOrPrefix: string]: Scope }; readonly reason?: string };

export interface ConflictDesk {
  /** Contradictions between items that are candidates, validated or active, oldest finding first; of one item when an id is given. `settled`: those that were settled instead. */
  conflicts(options?: { readonly id?: string; readonly settled?: boolean }): Promise<readonly ConflictView[]>;
  /**
   * Settles a pair and records who did, when and why. `keep` retires the other: a candidate is archived, others are deprecated. `both` is a person's
   * word that they go together as they stand. Nothing becomes active by it. Rejects "conflict" when there is nothing between the two.
   */
  resolve(id: string, otherId: string, options: ResolveOptions): Promise<ConflictView>;
}

export interface ConflictDeskOptions {
  readonly store: KnowledgeStore & ConflictStore;
  readonly clock: Clock;
  readonly actor: string;
}

/** States from which an item may still come to be given. */
export const LIVE: readonly KnowledgeStatus[] = ["candidate", "validated", "active"];

export function createConflictDesk({ store, clock, actor }: ConflictDeskOptions): ConflictDesk {
  const who = (reason: string): Change => ({ actor, atUs: clock.nowUs(), reason });

  async function save({ item, entry }: Transition): Promise<KnowledgeItem> {
    await store.saveItem(item, entry);
    return item;
  }

  async function retire(item: KnowledgeItem, reason: string): Promise<KnowledgeItem> {
    if (!LIVE.includes(item.status)) return item;
    return save(item.status === "candidate" ? reject(item, who(reason)) : deprecate(item, who(reason)));
  }

  async function pairOf(id: string, otherId: string): Promise<ConflictView> {
    const [one, other] = [await store.getKnowledgeItem(id), await store.getKnowledgeItem(otherId)];
    const [first, second] = one.id < other.id ? [one, other] : [other, one];
    const stored = (await store.listConflicts(first.id)).find((conflict) => conflict.secondId === second.id);
    const valid = stored !== undefined && stored.kind !== "compatible" && holds(stored, first, second) ? stored : undefined;
    const clash = valid ?? (first.id === second.id ? undefined : clashBetween(first, second));
    if (clash === undefined) {
      throw new LearnError("conflict", `nothing was found between items ${shortId(one.id)} and ${shortId(other.id)}`, {
        hint: "agentlearn knowledge conflicts",
      });
    }
    return { conflict: valid ?? conflictOf(first, second, clash, clock.nowUs()), first, second };
  }

  async function settle(view: ConflictView, outcome: Omit<Resolution, "actor" | "atUs">): Promise<ConflictView> {
    const conflict = { ...view.conflict, resolution: { ...outcome, actor, atUs: clock.nowUs() } };
    await store.saveConflicts([conflict]);
    return { ...view, conflict };
  }

  async function keep(view: ConflictView, wanted: string, reason: string | undefined): Promise<ConflictView> {
    const kept = await store.getKnowledgeItem(wanted);
    if (kept.id !== view.first.id && kept.id !== view.second.id)
      throw new LearnError("invalid", `item ${shortId(kept.id)} is not one of the two`, { hint: "--keep takes the id of one of them" });
    const other = kept.id === view.first.id ? view.second : view.first;
    const why = `it contradicts item ${shortId(kept.id)}, which stays${reason === undefined ? "" : `: ${reason}`}`;
    const retired = await retire(other, why);
    const [first, second] = kept.id === view.first.id ? [view.first, retired] : [retired, view.second];
    return settle({ ...view, first, second }, { outcome: "keep", keep: kept.id, reason: reason ?? "no reason given" });
  }

  async function part(view: ConflictView, scopes: { readonly [id: string]: Scope }, reason: string | undefined): Promise<ConflictView> {
    const why = reason ?? "it contradicts another item, so each gets a scope of its own";
    const narrowed = new Map<string, Transition>();
    for (const [id, scope] of Object.entries(scopes)) {
      const item = await store.getKnowledgeItem(id);
      if (item.id !== view.first.id && item.id !== view.second.id)
        throw new LearnError("invalid", `item ${shortId(item.id)} is not one of the two`);
      narrowed.set(item.id, narrow(item, scope, who(why)));
    }
    const [first, second] = [view.first, view.second].map((item) => narrowed.get(item.id)?.item ?? item) as [KnowledgeItem, KnowledgeItem];
    if (clashBetween(first, second)?.kind === view.conflict.kind) {
      throw new LearnError("invalid", "with these scopes a run could still be given both", {
        hint: "give each a scope: --scope <id>:agentName=a --scope <other>:agentName=b",
      });
    }
    for (const transition of narrowed.values()) await save(transition);
    return settle({ ...view, first, second }, { outcome: "scope", reason: why });
  }

  return {
    async conflicts({ id, settled = false } = {}) {
      const wanted = id === undefined ? undefined : (await store.getKnowledgeItem(id)).id;
      const live = (await Promise.all(LIVE.map((status) => store.listKnowledge({ status })))).flat();
      const byId = new Map((settled ? await store.listKnowledge({}) : live).map((item) => [item.id, item]));
      const stored = await store.listConflicts(wanted);
      const all = settled
        ? stored.filter(({ resolution }) => resolution !== undefined)
        : openOf(stored, findConflicts(live, clock.nowUs()), byId);
      return all
        .filter(({ firstId, secondId }) => wanted === undefined || wanted === firstId || wanted === secondId)
        .flatMap((conflict) => {
          const [first, second] = [byId.get(conflict.firstId), byId.get(conflict.secondId)];
          return first === undefined || second === undefined ? [] : [{ conflict, first, second }];
        });
    },

    async resolve(id, otherId, options) {
      const view = await pairOf(id, otherId);
      if ("keep" in options) return keep(view, options.keep, options.reason);
      if ("scopes" in options) return part(view, options.scopes, options.reason);
      if (!isPerson(actor))
        throw new LearnError("conflict", `${actor} may not say that two items go together: a person has to answer for it`);
      if (options.reason.trim() === "")
        throw new LearnError("invalid", "to let both stand a reason is needed", { hint: 'add --reason "..."' });
      return settle(view, { outcome: "both", reason: options.reason });
    },
  };
}

/** What the rules find now, and what is stored about the texts of now, without what was settled. */
export function openOf(
  stored: readonly Conflict[],
  found: readonly Conflict[],
  byId: ReadonlyMap<string, KnowledgeItem>,
): readonly Conflict[] {
  const valid = stored.filter((conflict) => {
    const [first, second] = [byId.get(conflict.firstId), byId.get(conflict.secondId)];
    return first !== undefined && second !== undefined && holds(conflict, first, second);
  });
  const settled = new Set(
    valid.filter(({ resolution }) => resolution?.outcome === "both").map(({ firstId, secondId }) => `${firstId} ${secondId}`),
  );
  const pairs = new Map<string, Conflict>();
  for (const conflict of [...found, ...valid]) {
    const key = `${conflict.firstId} ${conflict.secondId}`;
    if (isOpen(conflict) && !settled.has(key)) pairs.set(key, conflict);
  }
  return [...pairs.values()].sort((a, b) => a.foundAtUs - b.foundAtUs);
}
