import { oneLine } from "../base/text.ts";
import { heldText } from "../knowledge/conflict.ts";
import { quarantineOf } from "../knowledge/guards/guard-record.ts";
import type { ConflictView } from "../learner/conflict-desk.ts";
import type { LearnReport } from "../learner/ports.ts";
import type { paint } from "./terminal.ts";

type Decision = LearnReport["decisions"][number];

export interface Verdict {
  readonly word: "waits" | "on trial" | "quarantined" | "held" | "passed" | "refused" | "undecided";
  readonly colour: Parameters<typeof paint>[0];
}

/** What became of a candidate. Refused is what failed its test, and nothing else: one that passed and contradicts an active item is held. */
export function verdictOf({ item, validation, heldBy, trial }: Pick<Decision, "item" | "validation" | "heldBy" | "trial">): Verdict {
  if (trial !== undefined) return { word: "on trial", colour: "yellow" };
  if (quarantineOf(item) !== undefined) return { word: "quarantined", colour: "red" };
  if (validation === undefined) return { word: "waits", colour: "yellow" };
  if (validation.decision === "refuse") return { word: "refused", colour: "red" };
  if (validation.decision === "inconclusive") return { word: "undecided", colour: "yellow" };
  return heldBy === undefined ? { word: "passed", colour: "green" } : { word: "held", colour: "yellow" };
}

/** "held: contradicts 2f6860bc (...)" for an item that passed its test and is kept out by an active one; undefined for any other. */
export function heldLine(id: string, views: readonly ConflictView[]): string | undefined {
  for (const { conflict, first, second } of views) {
    const [item, other] = first.id === id ? [first, second] : [second, first];
    if (item.id === id && item.status === "validated" && other.status === "active")
      return oneLine(heldText({ itemId: other.id, reason: conflict.reason }), 400);
  }
  return undefined;
}
