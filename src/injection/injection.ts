import type { CanaryItem } from "../knowledge/canary-item.ts";
import type { InjectableItem } from "../knowledge/injectable.ts";

/** What one call decided: the text for the prompt and the assignment of every eligible item. */
export interface Injection {
  /** The block for the prompt; "" when nothing is given. */
  readonly text: string;
  readonly given: readonly InjectableItem[];
  /** Only a line of each is in the text, and the agent may read them with recall_knowledge. Drawn like `given`: what is not listed is `withheld`. */
  readonly listed?: readonly ListedItem[];
  /** The untested item that this run was drawn for, and whether it is given: `member`, with probability `share` in (0, 1). */
  readonly canary?: { readonly item: CanaryItem; readonly member: boolean; readonly share: number };
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

/** `recalled`: what the tool answers, framed like the block. */
export type ListedItem = InjectableItem & { readonly recalled: string };
