import type { InjectableItem } from "../knowledge/injectable.ts";

/** What one call decided: the text for the prompt and the assignment of every eligible item. */
export interface Injection {
  /** The block for the prompt; "" when nothing is given. */
  readonly text: string;
  readonly given: readonly InjectableItem[];
  /** Eligible and held back by the draw; best first. */
  readonly withheld: readonly InjectableItem[];
  /** Probability, in [0, 1), with which each eligible normal item was withheld. Pinned items are never withheld. */
  readonly withholdProbability: number;
  /** What the draw was seeded with: the W3C trace id where there is one, so that one run stays in one arm. */
  readonly seed: string;
}
