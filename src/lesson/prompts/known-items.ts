import { shortId } from "../../base/id.ts";
import { cleanQuote } from "../clean-text.ts";
import type { KnownItem } from "../ports.ts";

/** What stands in a system prompt where items are shown. */
export const KNOWN_ITEMS_RULE = `Between "BEGIN ITEMS" and "END ITEMS" stand rules that are known already. Write none of them again. When one of them is wrong or lacks what was seen,
write the whole corrected rule and name the id of the old one in revises; in every other case revises is null.`;

/** The items, one line each, between marks that nobody could have known. "" without any. */
export function knownItemsText(nonce: string, items: readonly KnownItem[]): string {
  if (items.length === 0) return "";
  const lines = items.map(
    ({ id, type, content, appliesWhen }) => `${shortId(id)} ${type}, when ${cleanQuote(appliesWhen, 200)}: ${cleanQuote(content, 400)}`,
  );
  return `BEGIN ITEMS ${nonce}\n${lines.join("\n")}\nEND ITEMS ${nonce}\n`;
}
