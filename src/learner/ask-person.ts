import type { Clock } from "../base/clock.ts";
import { fromUnknown, isLearnError } from "../base/error.ts";
import { contentDigest } from "../knowledge/evidence.ts";
import { quarantineOf } from "../knowledge/guards/guard-record.ts";
import { type SafetyReport, safetyText } from "../knowledge/guards/safety-cases.ts";
import type { HumanInLoopValidator, Review } from "../knowledge/human-validator.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import type { Store } from "../store/ports.ts";
import { createKnowledgeDesk } from "./knowledge-desk.ts";
import type { LearnReport } from "./ports.ts";
import type { SafetyCheck } from "./safety-check.ts";

export interface AskOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly human: HumanInLoopValidator;
  /** Asked before a yes takes effect. */
  readonly safety?: SafetyCheck;
  readonly signal?: AbortSignal;
}

type Decision = LearnReport["decisions"][number];

/**
 * Asks a person about an item that waits for one: it passed its test, or no test could decide. What a test refused is not asked about. A callback that throws,
 * says nothing or takes too long leaves the item in the queue and the cycle going. Rejects "cancelled" on abort.
 */
export async function askPerson(options: AskOptions, decision: Decision): Promise<Decision> {
  const { item, validation } = decision;
  const waits = item.status === "validated" || (item.status === "candidate" && item.validation?.decision !== "refuse");
  if (!waits) return decision;
  let review: Review | undefined;
  try {
    const quarantined = quarantineOf(item);
    const asked = { ...(validation === undefined ? {} : { validation }), ...(quarantined === undefined ? {} : { quarantined }) };
    review = await options.human.review(item, asked, options.signal);
  } catch (caught) {
    if (isLearnError(caught) && caught.code === "cancelled") throw caught;
    return { ...decision, next: `${fromUnknown(caught, "").message}; it waits: \`agentlearn knowledge approve ${item.id.slice(0, 8)}\`` };
  }
  return review === undefined ? decision : settle(options, decision, review);
}

async function settle(
  { store, clock, human, safety }: AskOptions,
  decision: Decision,
  { approved, reason, edit, despiteSafety }: Review,
): Promise<Decision> {
  const { item: shown } = decision;
  const desk = createKnowledgeDesk({ store, clock, actor: human.actor, ...(safety === undefined ? {} : { safety }) });
  try {
    const now = await store.getKnowledgeItem(shown.id);
    // A person takes a while, and others work meanwhile: an answer is about what was shown.
    if (now.status !== shown.status || contentDigest(now) !== contentDigest(shown) || now.appliesWhen !== shown.appliesWhen)
      return { ...decision, item: now, next: "it was changed while a person was asked; the answer was about what it was before" };
    if (!approved) return { ...decision, item: await desk.reject(shown.id, { reason }), next: `${human.actor} refused it` };
    if (edit !== undefined && changes(shown, edit)) await desk.edit(shown.id, { ...edit, reason });
    let said = "";
    const onSafety = (report: SafetyReport): void => {
      said = safetyText(report);
    };
    const item = await desk.approve(shown.id, { reason, onSafety, ...(despiteSafety === undefined ? {} : { despiteSafety }) });
    return { ...decision, item, next: `active from the next run on; ${said}` };
  } catch (caught) {
    const { message, hint, code } = fromUnknown(caught, "");
    const item = code === "not-found" ? shown : await store.getKnowledgeItem(shown.id).catch(() => shown);
    return { ...decision, item, next: `${message}${hint === undefined ? "" : `; \`${hint}\``}` };
  }
}

function changes(item: KnowledgeItem, { content, appliesWhen }: NonNullable<Review["edit"]>): boolean {
  return (content !== undefined && content !== item.content) || (appliesWhen !== undefined && appliesWhen !== item.appliesWhen);
}
