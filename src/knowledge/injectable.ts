import { hasPassingEvidence } from "./evidence.ts";
import type { ItemInUse } from "./knowledge-item.ts";

declare const brand: unique symbol;

/** An item that may go into a prompt. Only `injectable` makes one, so that untested text fails to compile on its way there. */
export type InjectableItem<Item extends ItemInUse = ItemInUse> = Item & { readonly [brand]: true };

/** The item as an injectable one: active, and carrying a passing certificate about itself and its present text. Otherwise undefined. */
export function injectable<Item extends ItemInUse>(item: Item): InjectableItem<Item> | undefined {
  return item.status === "active" && hasPassingEvidence(item) ? (item as InjectableItem<Item>) : undefined;
}
