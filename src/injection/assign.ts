import { LearnError } from "../base/error.ts";
import { uniformOf } from "../base/id.ts";
import { jaccardReaches, tokenSet } from "../base/similarity.ts";
import { type InjectableItem, injectable } from "../knowledge/injectable.ts";
import { appliesTo, type ItemInUse } from "../knowledge/knowledge-item.ts";
import type { Injection } from "./injection.ts";
import { pack, takeInOrder } from "./pack.ts";
import type { InjectionRequest } from "./ports.ts";
import { render, renderItem } from "./render.ts";

export interface Limits {
  /** Most normal items. Default 10. */
  readonly maxItems?: number;
  /** Most tokens of all items together, estimated. Pinned items come first; of what does not fit all, see pack.ts. Default 1500. */
  readonly maxTokens?: number;
  /** Most pinned items; the oldest stay. Default 20. */
  readonly maxPinned?: number;
}

/** 3.5: characters a token of English instructions with some code takes; deliberately on the low side of the usual 4, so that the bound holds. */
const CHARACTERS_PER_TOKEN = 3.5;
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
  const isWithheld = (item: InjectableItem): boolean => uniformOf(`${seed}:${item.id}`) < withholdProbability;
  const given = [...pinned, ...normal.filter((item) => !isWithheld(item))];
  const drawn = { text: render(given), given, withheld: normal.filter(isWithheld), withholdProbability, seed };
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

/** What an item costs of `maxTokens`, estimated. */
export function tokensOf(item: ItemInUse): number {
  return Math.ceil((renderItem(item).length + 1) / CHARACTERS_PER_TOKEN);
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
      const tokens = tokenSet(item.content);
      const saysTheSame = (other: Candidate): boolean =>
        other.item.id === item.id || other.item.content === item.content || jaccardReaches(other.tokens, tokens, SAME_CONTENT);
      if (taken.some(saysTheSame) || distinct.some(saysTheSame)) continue;
      distinct.push({ item: ready, tokens, cost: tokensOf(ready) });
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

interface Candidate {
  readonly item: InjectableItem;
  readonly tokens: ReadonlySet<string>;
  readonly cost: number;
}
