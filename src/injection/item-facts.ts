import { type TokenPrint, tokenPrint, tokenSet } from "../base/similarity.ts";
import type { ItemInUse } from "../knowledge/knowledge-item.ts";
import { renderItem } from "./render.ts";

/** What choosing among items asks of each of them, run after run. */
export interface ItemFacts {
  /** What it costs of `maxTokens`, estimated. */
  readonly cost: number;
  /** Tells most contents apart; see `mayReach`. */
  readonly print: TokenPrint;
}

/** 3.5: characters a token of English instructions with some code takes; deliberately on the low side of the usual 4, so that the bound holds. */
const CHARACTERS_PER_TOKEN = 3.5;

// By item, which nobody changes in place: the copy of the knowledge hands out the same ones until they are edited. Worked out anew at each call, the facts
// of 20 candidates took 0.1 ms, a quarter of a call at 1,000 items. Numbers only: the words of 100,000 items would take 200 MB.
const known = new WeakMap<ItemInUse, ItemFacts>();

export function factsOf(item: ItemInUse): ItemFacts {
  const found = known.get(item);
  if (found !== undefined) return found;
  const cost = Math.ceil((renderItem(item).length + 1) / CHARACTERS_PER_TOKEN);
  const facts = { cost, print: tokenPrint(tokenSet(item.content)) };
  known.set(item, facts);
  return facts;
}
