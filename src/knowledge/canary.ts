import { LearnError } from "../base/error.ts";
import { shortId } from "../base/id.ts";
import { guardLesson } from "../lesson/guard.ts";
import { canaryItem } from "./canary-item.ts";
import { humanValidation, isPerson } from "./human-validation.ts";
import type { HistoryEntry, KnowledgeItem, Validation } from "./knowledge-item.ts";
import type { Change, Transition } from "./life-cycle.ts";

/**
 * A person's choice to try an untested candidate in a small share of live runs. It stays a candidate: nothing was shown yet, and what its runs show
 * promotes nothing by itself. The note is bound to the present text and lasts until the item is tested, edited or decided on, or `endCanary`.
 */
export function putIntoCanary(item: KnowledgeItem, change: Change & { readonly validationId: string }): Transition {
  const short = shortId(item.id);
  if (item.status !== "candidate") {
    throw new LearnError("conflict", `cannot put item ${short} into canary: it is ${item.status}, not candidate`, {
      hint: `agentlearn knowledge show ${short}`,
    });
  }
  if (canaryItem(item) !== undefined) throw new LearnError("conflict", `item ${short} is in canary already`);
  // A test that spoke against it is an answer. Trying it on users instead would be looking for another one.
  if (item.validation?.decision === "refuse") {
    throw new LearnError("conflict", `item ${short} was tested and refused: ${item.validation.reason}`, {
      hint: `agentlearn knowledge edit ${short} --content "..." --reason "..." gives it other words`,
    });
  }
  const problem = guardLesson({ ...item, reasoning: "" });
  if (problem !== undefined) throw new LearnError("conflict", `item ${short} may not be tried on live runs: it ${problem}`);
  if (!isPerson(change.actor)) {
    throw new LearnError("conflict", `${change.actor} may not put item ${short} into canary: a person has to answer for it`, {
      hint: `a person can: agentlearn knowledge canary ${short} --reason "..."`,
    });
  }
  const reason = change.reason?.trim() ?? "";
  if (reason === "") {
    throw new LearnError("invalid", `to put item ${short} into canary a reason is needed`, {
      hint: `agentlearn knowledge canary ${short} --reason "..."`,
    });
  }
  const note: Validation = {
    ...humanValidation(item, { decision: "pass", reason, actor: change.actor, atUs: change.atUs, id: change.validationId }),
    kind: "canary",
    // Never "pass": nothing that asks for passing evidence may take this for it.
    decision: "inconclusive",
    // The learner tests again only when the number of cases changed; the note must not make it repeat a test in vain.
    cases: item.validation?.cases ?? 0,
  };
  return noted(item, "canary", change, note);
}

/** Out of the share again, at once. It stays a candidate. */
export function endCanary(item: KnowledgeItem, change: Change): Transition {
  if (canaryItem(item) === undefined) {
    throw new LearnError("conflict", `item ${shortId(item.id)} is not in canary`, {
      hint: `agentlearn knowledge show ${shortId(item.id)}`,
    });
  }
  return noted(item, "canary-end", change, undefined);
}

function noted(item: KnowledgeItem, action: HistoryEntry["action"], change: Change, note: Validation | undefined): Transition {
  const { validation: before, ...rest } = item;
  const version = item.version + 1;
  const reason = change.reason?.trim();
  return {
    item: { ...rest, version, updatedAtUs: change.atUs, ...(note === undefined ? {} : { validation: note }) },
    entry: {
      itemId: item.id,
      version,
      atUs: change.atUs,
      actor: change.actor,
      action,
      changes: { validation: [before?.id ?? null, note?.id ?? null] },
      ...(reason ? { reason } : {}),
    },
  };
}
