import { digest } from "../base/id.ts";
import type { ItemInUse } from "../knowledge/knowledge-item.ts";

type Words = Pick<ItemInUse, "content" | "appliesWhen">;

/** What of an item is embedded, whoever does it: what it says, and when it applies. */
export function embeddedText({ content, appliesWhen }: Words): string {
  return `${content} ${appliesWhen}`;
}

/** Tells whether a stored vector is of these words. */
export function embeddedDigest({ content, appliesWhen }: Words): string {
  return digest([content, appliesWhen]);
}
