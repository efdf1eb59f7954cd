import { contentDigest } from "./evidence.ts";
import { isPerson } from "./human-validation.ts";
import type { ItemInUse, KnowledgeItem } from "./knowledge-item.ts";
import { MOST_ONLINE_SHARE, type OnlineSetting } from "./online-setting.ts";

declare const brand: unique symbol;

/**
 * An untested item that may stand in a prompt, framed as untested, in a small share of the runs. Only this file makes one, in two ways: a named person put it
 * into canary, or online validation is switched on and the learner began a trial of its present text. It is no `InjectableItem` and can't become one.
 */
export type CanaryItem<Item extends ItemInUse = ItemInUse> = Item & { readonly [brand]: true };

/** A candidate that carries a person's canary note about its present text. */
export function canaryItem(item: KnowledgeItem): CanaryItem<KnowledgeItem> | undefined {
  const note = item.validation;
  return note?.kind === "canary" && isAbout(item) && isPerson(note.actor) ? (item as CanaryItem<KnowledgeItem>) : undefined;
}

/** The trial that an item is on, as its note says it. */
export type OnTrial<Item extends ItemInUse = ItemInUse> = {
  readonly item: CanaryItem<Item>;
  /** Names the trial, and draws who is given the item. */
  readonly seed: string;
  /** In (0, `MOST_ONLINE_SHARE`]. */
  readonly share: number;
};

/** A candidate that carries the note of a trial of its present text that goes on; for who can show that online validation is switched on. */
export function onlineItem<Item extends ItemInUse>(item: Item, _setting: OnlineSetting): OnTrial<Item> | undefined {
  const note = item.validation;
  if (note?.kind !== "online" || note.decision !== "inconclusive" || !isAbout(item)) return undefined;
  const { seed, share, endedAtUs } = note.online ?? {};
  if (seed === undefined || share === undefined || endedAtUs !== undefined) return undefined;
  return share > 0 && share <= MOST_ONLINE_SHARE ? { item: item as CanaryItem<Item>, seed, share } : undefined;
}

function isAbout(item: ItemInUse): boolean {
  const note = item.validation;
  return item.status === "candidate" && note?.itemId === item.id && note.contentDigest === contentDigest(item);
}
