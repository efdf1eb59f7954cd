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
  const isWorse = (a: number, b: number): boolean => {
    const left = scores[a] as number;
    const right = scores[b] as number;
    return left < right || (left === right && (slots[a] as number) > (slots[b] as number));
  };
  function swap(a: number, b: number): void {
    const slot = slots[a] as number;
    const score = scores[a] as number;
    slots[a] = slots[b] as number;
    scores[a] = scores[b] as number;
    slots[b] = slot;
    scores[b] = score;
  }
  function up(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!isWorse(at, parent)) return;
      swap(at, parent);
      at = parent;
    }
  }
  /** Of the first `length` places. */
  function down(length: number): void {
    for (let at = 0; ; ) {
      let worst = at;
      const last = Math.min(length - 1, 2 * at + 2);
      for (let child = 2 * at + 1; child <= last; child += 1) if (isWorse(child, worst)) worst = child;
      if (worst === at) return;
      swap(at, worst);
      at = worst;
    }
  }
  return {
    offer(slot, score) {
      if (wanted <= 0) return;
      if (slots.length < wanted) {
        slots.push(slot);
        scores.push(score);
        up(slots.length - 1);
        return;
      }
      const top = scores[0] as number;
      if (score < top || (score === top && slot > (slots[0] as number))) return;
      slots[0] = slot;
      scores[0] = score;
      down(slots.length);
    },
    least: () => (slots.length < wanted ? Number.NEGATIVE_INFINITY : (scores[0] as number)),
    forEach: (take) => slots.forEach(take),
    sorted: () => {
      // The worst of those left goes to the end: a third of the time of a sort that compares objects.
      for (let last = slots.length - 1; last > 0; last -= 1) {
        swap(0, last);
        down(last);
      }
      return slots.map((slot, index) => ({ slot, score: scores[index] as number }));
    },
  };
}
