import type { InjectableItem } from "../knowledge/injectable.ts";

/** What one call decided: the text for the prompt and the assignment of every eligible item. */
export interface Injection {
  /** The block for the prompt; "" when nothing is given. */
  readonly text: string;
  readonly given: readonly InjectableItem[];
  /** Eligible and held back by the draw; best first. */
  readonly withheld: readonly InjectableItem[];
  /** Total probability, in [0, 1), with which each eligible normal item was withheld. Pinned items are withheld in the control group only. */
  readonly withholdProbability: number;
  /** What the draw was seeded with, see `drawSeed`: one run, or one conversation, stays in one arm. */
  readonly seed: string;
  /** control: nothing is given, and everything eligible is `withheld`. Absent where no control group is drawn. */
  readonly arm?: "knowledge" | "control";
  /** Probability of "control"; absent with `arm`. */
  readonly controlShare?: number;
}
