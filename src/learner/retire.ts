import type { Clock, TimeUs } from "../base/clock.ts";
import { isLearnError } from "../base/error.ts";
import { type KnowledgeItem, scopeOf } from "../knowledge/knowledge-item.ts";
import { deprecate, restore, type Transition } from "../knowledge/life-cycle.ts";
import { type RetirementRules, retirementOf } from "../knowledge/retirement.ts";
import { wasReplaced } from "../knowledge/revision.ts";
import type { Store } from "../store/ports.ts";
import { itemEffectOf } from "./effects.ts";

export interface RetireOptions extends RetirementRules {
  readonly store: Store;
  readonly clock: Clock;
  /** Error budget of the verdicts about each item. */
  readonly alpha: number;
  readonly signal?: AbortSignal;
}

/** One item and one sentence about what happened to it, or would have. */
export interface Noted {
  readonly itemId: string;
  readonly reason: string;
}

export interface RetireReport {
  /** Left use: harmful, useless or unused. The reason stands in the history. */
  readonly deprecated: readonly Noted[];
  /** Retired on the evidence of another model than those that run now: candidates again. */
  readonly challenged: readonly Noted[];
  /** Pinned items that would have left, and items whose arms were not drawn as stated. Nothing was changed. */
  readonly reported: readonly Noted[];
}

const ACTOR = "learner";

/**
 * Looks at every active item and takes out of use what harms, what is useless and what nobody needs; brings back for another test what was retired on
 * the evidence of models that are gone. May run at any time and as often as one likes: every interval holds at all looks together.
 * An item that somebody changes meanwhile is left for the next look.
 */
export async function retire(options: RetireOptions): Promise<RetireReport> {
  const { store, clock, signal } = options;
  const [deprecated, challenged, reported]: [Noted[], Noted[], Noted[]] = [[], [], []];
  const newest = new Map<string, TimeUs>();
  // Of its own agent, service and tenant: where nothing runs, nothing is unused.
  const newestRunOf = async (item: KnowledgeItem): Promise<TimeUs> => {
    const scope = scopeOf(item);
    const key = JSON.stringify(scope);
    const known = newest.get(key) ?? (await store.newestRunUs(scope));
    newest.set(key, known);
    return known;
  };
  for (const item of await store.listKnowledge({ status: "active" })) {
    if (signal?.aborted) break;
    const { effect } = await itemEffectOf(store, item, options.alpha);
    const decision = retirementOf(item, effect, options, {
      newestRunUs: options.hibernateDays === 0 ? 0 : await newestRunOf(item),
      activeSinceUs: item.updatedAtUs,
    });
    if (decision.reason === undefined) continue;
    const noted = { itemId: item.id, reason: decision.reason };
    if (decision.action === "report") reported.push(noted);
    else if (await save(store, deprecate(item, { actor: ACTOR, atUs: clock.nowUs(), reason: decision.reason }))) deprecated.push(noted);
  }
  for (const item of await store.listKnowledge({ status: "deprecated" })) {
    if (signal?.aborted) break;
    const reason = await challengeOf(options, item);
    if (reason === undefined) continue;
    if (await save(store, restore(item, { actor: ACTOR, atUs: clock.nowUs(), reason }))) challenged.push({ itemId: item.id, reason });
  }
  return { deprecated, challenged, reported };
}

/** Why a retired item deserves another test: models run now that it was never measured with. A person's decision, hibernation and a successor are left alone. */
async function challengeOf({ store, clock, alpha }: RetireOptions, item: KnowledgeItem): Promise<string | undefined> {
  const last = (await store.historyOf(item.id)).at(-1);
  if (last?.action !== "deprecate" || last.actor !== ACTOR || last.reason?.startsWith("hibernates") || wasReplaced(last)) return undefined;
  const now = await store.modelsBefore(clock.nowUs(), scopeOf(item));
  const then = new Set(await store.modelsBefore(last.atUs, scopeOf(item)));
  const arrived = now.filter((model) => !then.has(model) && (item.model ?? model) === model);
  if (arrived.length === 0) return undefined;
  const { effect } = await itemEffectOf(store, item, alpha);
  const unmeasured = arrived.filter((model) => effect.byModel.every((measured) => measured.model !== model));
  if (unmeasured.length === 0) return undefined;
  return `it was retired before ${unmeasured.slice(0, 3).join(", ")} came into use: what was true of another model may not be of this one`;
}

/** False when somebody changed the item first: the next look decides about what it is then. */
async function save(store: Store, { item, entry }: Transition): Promise<boolean> {
  try {
    await store.saveItem(item, entry);
    return true;
  } catch (caught) {
    if (isLearnError(caught) && caught.code === "conflict") return false;
    throw caught;
  }
}
