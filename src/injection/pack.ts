/** Something that wants a place in the prompt. */
export interface Parcel {
  /** Tokens it takes. */
  readonly cost: number;
}

/**
 * What to take of a ranking, best first, within a budget of tokens and a number of places; in the order of the ranking. While everything fits, that is its
 * beginning. When not, the better of two: in order while it fits, or by value for each token, where the value of a place is the discount of nDCG
 * (Järvelin & Kekäläinen 2002), 1 / log2(place + 1) from 1. One long item then does not push out three short ones that are nearly as good. Refused: the
 * best subset, a knapsack, whose choice jumps when one item is edited.
 */
export function pack<Item extends Parcel>(ranked: readonly Item[], budget: number, places: number): readonly Item[] {
  const entries = ranked.map((item, place) => ({ item, place, value: 1 / Math.log2(place + 2) }));
  const inOrder = fill(entries, budget, places);
  if (inOrder.length === Math.min(places, ranked.length) && inOrder.every(({ place }, at) => place === at))
    return inOrder.map(({ item }) => item);
  const byDensity = fill(
    [...entries].sort((a, b) => b.value / b.item.cost - a.value / a.item.cost || a.place - b.place),
    budget,
    places,
  );
  const better = worth(byDensity) > worth(inOrder) ? byDensity : inOrder;
  return [...better].sort((a, b) => a.place - b.place).map(({ item }) => item);
}

/** The ranking from its beginning, without what does not fit. */
export function takeInOrder<Item extends Parcel>(ranked: readonly Item[], budget: number, places: number): readonly Item[] {
  return fill(
    ranked.map((item, place) => ({ item, place, value: 0 })),
    budget,
    places,
  ).map(({ item }) => item);
}

interface Entry<Item> {
  readonly item: Item;
  readonly place: number;
  readonly value: number;
}

function fill<Item extends Parcel>(entries: readonly Entry<Item>[], budget: number, places: number): readonly Entry<Item>[] {
  const taken: Entry<Item>[] = [];
  let left = budget;
  for (const entry of entries) {
    if (taken.length >= places) break;
    if (entry.item.cost > left) continue;
    left -= entry.item.cost;
    taken.push(entry);
  }
  return taken;
}

function worth(entries: readonly Entry<unknown>[]): number {
  return entries.reduce((sum, { value }) => sum + value, 0);
}
