import { digest } from "../base/id.ts";
import type { ItemInUse } from "./knowledge-item.ts";

/** Stands for the text that goes into the prompt. A certificate carries it, so that evidence about one text never vouches for another. */
export function contentDigest(item: Pick<ItemInUse, "type" | "content">): string {
  return digest([item.type, item.content]);
}

/** True when the item carries a passing certificate about itself and about its present text. Certificates without a digest speak for the item. */
export function hasPassingEvidence(item: ItemInUse): boolean {
  const evidence = item.validation;
  return (
    evidence?.decision === "pass" &&
    evidence.itemId === item.id &&
    (evidence.contentDigest === undefined || isDigestOf(evidence.contentDigest, item))
  );
}

/** What was compared last, by item. An item is asked about in every run that may be given it, and a digest takes 2 µs. */
const compared = new WeakMap<ItemInUse, { readonly type: string; readonly content: string; readonly digest: string }>();

/** The words are part of what is remembered, so that one answer never vouches for others. */
function isDigestOf(digest: string, item: ItemInUse): boolean {
  const { type, content } = item;
  const known = compared.get(item);
  if (known !== undefined && known.type === type && known.content === content && known.digest === digest) return true;
  if (digest !== contentDigest(item)) return false;
  compared.set(item, { type, content, digest });
  return true;
}
