import { LearnError } from "../base/error.ts";
import { uniformOf } from "../base/id.ts";
import { jaccardReaches, mayReach, tokenSet } from "../base/similarity.ts";
import { type InjectableItem, injectable } from "../knowledge/injectable.ts";
import { appliesTo, type ItemInUse } from "../knowledge/knowledge-item.ts";
import type { Injection } from "./injection.ts";
import { factsOf, type ItemFacts } from "./item-facts.ts";
import { pack, takeInOrder } from "./pack.ts";
import type { InjectionRequest } from "./ports.ts";
import { render } from "./render.ts";

export interface Limits {
  /** Most normal items. Default 10. */
  readonly maxItems?: number;
  /** Most tokens of all items together, estimated. Pinned items come first; of what does not fit all, see pack.ts. Default 1500. */
  readonly maxTokens?: number;
  /** Most pinned items; the oldest stay. Default 20. */
  readonly maxPinned?: number;
}

/** Share of distinct words from which two contents say the same; the better ranked one speaks for both. */
const SAME_CONTENT = 0.9;

/**
 * Draws the arms. Who is eligible (state, agent, duplicates, limits, budget) is settled before the draw and as if nothing were withheld, so that
 * given and withheld differ by the draw alone; the place of a withheld item stays empty, since filling it would let one item's arm choose another's.
 * Pure: the same request and items give the same assignment.
 */
export function assign(
  request: InjectionRequest,
  source: { readonly pinned: readonly ItemInUse[]; readonly ranked: readonly ItemInUse[] },
  limits: Limits = {},
): Injection {
  const { withholdProbability, seed, controlShare = 0 } = request;
  for (const [name, share] of Object.entries({ withholdProbability, controlShare })) {
    if (!(share >= 0 && share < 1)) throw new LearnError("invalid", `${name} is ${share}, it must be from 0 to below 1`);
  }
  const choice = createChoice(request, limits.maxTokens ?? 1500);
  const pinned = choice.take(source.pinned, "pinned", limits.maxPinned ?? 20);
  const normal = choice.take(source.ranked, "normal", limits.maxItems ?? 10);
  const withheld = normal.filter((item) => uniformOf(`${seed}:${item.id}`) < withholdProbability);
  const given = [...pinned, ...normal.filter((item) => !withheld.includes(item))];
  const drawn = { text: render(given), given, withheld, withholdProbability, seed };
  if (controlShare === 0) return drawn;
  // A draw of its own: whether an item is withheld in the knowledge arm says nothing about the arm.
  const total = { withholdProbability: controlShare + (1 - controlShare) * withholdProbability, controlShare };
  const isControl = uniformOf(`${seed}:control`) < controlShare;
  return isControl
    ? { text: "", given: [], withheld: [...pinned, ...normal], seed, arm: "control", ...total }
    : { ...drawn, arm: "knowledge", ...total };
}

/** The conversation where there is one, so that it never changes its arm half-way; else the W3C trace, so that a run does not. */
export function drawSeed(of: { readonly conversationId?: string | undefined; readonly traceId: string }): string {
  return of.conversationId === undefined || of.conversationId === "" ? of.traceId : of.conversationId;
}

/** Remembers across calls what was taken and what the budget has left. */
function createChoice(request: InjectionRequest, maxTokens: number) {
  const taken: Candidate[] = [];
  let budget = maxTokens;

  /** Those that may be given, each thing said once; the better ranked one speaks for both. */
  function candidates(items: readonly ItemInUse[], priority: ItemInUse["priority"]): readonly Candidate[] {
    const distinct: Candidate[] = [];
    for (const item of items) {
      if (item.priority !== priority || !appliesTo(item, request)) continue;
      const ready = injectable(item);
      if (ready === undefined) continue;
      const candidate = { item: ready, ...factsOf(item) };
      const isSaid = (other: Candidate): boolean => saysTheSame(other, candidate);
      if (taken.some(isSaid) || distinct.some(isSaid)) continue;
      distinct.push(candidate);
    }
    return distinct;
  }

  return {
    take: (items: readonly ItemInUse[], priority: ItemInUse["priority"], limit: number): readonly InjectableItem[] => {
      // Of pinned items the oldest stay, whatever they cost: somebody put them there.
      const choose = priority === "pinned" ? takeInOrder : pack;
      const chosen = choose(candidates(items, priority), budget, limit);
      for (const { cost } of chosen) budget -= cost;
      taken.push(...chosen);
      return chosen.map(({ item }) => item);
    },
  };
}

interface Candidate extends ItemFacts {
  readonly item: InjectableItem;
}

/** Words are compared of the few pairs that may have them in common. */
function saysTheSame(left: Candidate, right: Candidate): boolean {
  if (left.item.id === right.item.id || left.item.content === right.item.content) return true;
  return (
    mayReach(left.print, right.print, SAME_CONTENT) &&
    jaccardReaches(tokenSet(left.item.content), tokenSet(right.item.content), SAME_CONTENT)
  );
}
