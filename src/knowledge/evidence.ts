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
    (evidence.contentDigest === undefined || evidence.contentDigest === contentDigest(item))
  );
}
