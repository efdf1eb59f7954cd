import { LearnError } from "../base/error.ts";
import { shortId } from "../base/id.ts";
import { contentDigest } from "../knowledge/evidence.ts";
import { type SafetyReport, safetyText } from "../knowledge/guards/safety-cases.ts";
import { isPerson } from "../knowledge/human-validation.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import { approve, type Change, type Transition } from "../knowledge/life-cycle.ts";

/**
 * An approval with what the safety cases said written into the history. Where some failed it rejects "conflict", unless a person says in words why the item
 * goes live all the same. `checked` is the item that was asked about: other words meanwhile need another look.
 */
export function approveSafely(
  item: KnowledgeItem,
  change: Change & { readonly validationId: string },
  safety: SafetyReport,
  options: { readonly checked: KnowledgeItem; readonly despiteSafety?: string | undefined },
): Transition {
  const short = shortId(item.id);
  if (contentDigest(item) !== contentDigest(options.checked)) {
    throw new LearnError("conflict", `item ${short} was edited while its safety cases ran`, { hint: `agentlearn knowledge show ${short}` });
  }
  const despite = options.despiteSafety?.trim() ?? "";
  if (safety.failed.length > 0 && (despite === "" || !isPerson(change.actor))) {
    throw new LearnError("conflict", `item ${short} was not approved: ${safetyText(safety)}`, {
      hint: `agentlearn knowledge show ${short}; or, for a person to answer for: agentlearn knowledge approve ${short} --despite-safety "..."`,
    });
  }
  const overridden = safety.failed.length > 0 ? `; let through by ${change.actor}: ${despite}` : "";
  const { item: approved, entry } = approve(item, change);
  return { item: approved, entry: { ...entry, changes: { ...entry.changes, safety: [null, `${safetyText(safety)}${overridden}`] } } };
}
