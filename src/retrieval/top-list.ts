import type { Ranked } from "./ranked.ts";

/** The best of what is offered, without sorting the rest. Of equal scores the lower slot is better. */
export interface TopList {
  offer(slot: number, score: number): void;
  /** A score must not be below this to get in; -Infinity until the list is full. */
  least(): number;
  /** What is in it, in any order. */
  forEach(take: (slot: number) => void): void;
  /** Best first. Ends the list. */
  sorted(): readonly Ranked[];
}

/** A binary heap with the worst on top. */
export function createTopList(wanted: number): TopList {
  const slots: number[] = [];
  const scores: number[] = [];

  /** Whether what stands at `at` is worse than this. */
  function isWorse(at: number, slot: number, score: number): boolean {
    const other = scores[at] as number;
    return other < score || (other === score && (slots[at] as number) > slot);
  }

  function put(at: number, slot: number, score: number): void {
    slots[at] = slot;
    scores[at] = score;
  }

  function up(from: number, slot: number, score: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      // The better one goes down.
      if (isWorse(parent, slot, score)) break;
      put(at, slots[parent] as number, scores[parent] as number);
      at = parent;
    }
    put(at, slot, score);
  }

  /** Puts it in the place of the top, among the first `length`. */
  function down(length: number, slot: number, score: number): void {
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      if (child + 1 < length && isWorse(child + 1, slots[child] as number, scores[child] as number)) child += 1;
      if (!isWorse(child, slot, score)) break;
      put(at, slots[child] as number, scores[child] as number);
      at = child;
    }
    put(at, slot, score);
  }

  return {
    offer(slot, score) {
      if (slots.length < wanted) up(slots.length, slot, score);
      else if (wanted > 0 && isWorse(0, slot, score)) down(wanted, slot, score);
    },
    least: () => (slots.length < wanted ? Number.NEGATIVE_INFINITY : (scores[0] as number)),
    forEach(take) {
      for (const slot of slots) take(slot);
    },
    sorted: () => {
      // The worst of those left goes to the end: a third of the time of a sort that compares objects.
      for (let last = slots.length - 1; last > 0; last -= 1) {
        const [slot, score] = [slots[last] as number, scores[last] as number];
        put(last, slots[0] as number, scores[0] as number);
        down(last, slot, score);
      }
      return slots.map((slot, index) => ({ slot, score: scores[index] as number }));
    },
  };
}
