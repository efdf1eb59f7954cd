import { contentDigest } from "./evidence.ts";
import { isPerson } from "./human-validation.ts";
import type { KnowledgeItem } from "./knowledge-item.ts";

declare const brand: unique symbol;

/** An untested item that a named person put into canary. Only `canaryItem` makes one; it is no `InjectableItem` and can't become one. */
export type CanaryItem = KnowledgeItem & { readonly [brand]: true };

/** The item as one that may stand, framed as untested, in the small share of runs: a candidate that carries a person's canary note about its present text. */
export function canaryItem(item: KnowledgeItem): CanaryItem | undefined {
  const note = item.validation;
  const isOwn = note?.kind === "canary" && note.itemId === item.id && note.contentDigest === contentDigest(item);
  return item.status === "candidate" && isOwn && isPerson(note.actor) ? (item as CanaryItem) : undefined;
}
