/** A slot and how well it fits; what the score means is said by who made it. */
export interface Ranked {
  readonly slot: number;
  readonly score: number;
}

/** Whether a slot may be found by who asks. */
export type SlotFilter = (slot: number) => boolean;
