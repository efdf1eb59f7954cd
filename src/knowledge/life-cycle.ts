import type { TimeUs } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { shortId } from "../base/id.ts";
import type { KnowledgeType } from "../lesson/lesson.ts";
import { contentDigest, hasPassingEvidence } from "./evidence.ts";
import { humanValidation, isPerson } from "./human-validation.ts";
import {
  type HistoryEntry,
  type KnowledgeItem,
  type KnowledgeStatus,
  SCOPE_FIELDS,
  type Scope,
  scopeOf,
  type Validation,
} from "./knowledge-item.ts";

/** Who changes an item, when, and why. */
export interface Change {
  readonly actor: string;
  readonly atUs: TimeUs;
  readonly reason?: string;
}

/** The next version of an item and the line that says how it came about; both are stored together. */
export interface Transition {
  readonly item: KnowledgeItem;
  readonly entry: HistoryEntry;
}

type Action = HistoryEntry["action"];
export type Patch = { -readonly [Field in keyof KnowledgeItem]?: KnowledgeItem[Field] | undefined };

/** candidate -> validated on a pass; -> archived on confirmed harm or a person's no; otherwise it stays a candidate, with the test in its history. */
export function recordValidation(item: KnowledgeItem, validation: Validation, change: Change): Transition {
  allow(item, "record a test of", ["candidate"]);
  if (validation.itemId !== item.id)
    throw new LearnError("invalid", `certificate ${shortId(validation.id)} is about another item than ${shortId(item.id)}`);
  if (validation.contentDigest !== undefined && validation.contentDigest !== contentDigest(item)) {
    throw new LearnError("conflict", `item ${shortId(item.id)} was edited while it was tested; the result is about its former text`, {
      hint: "test it again",
    });
  }
  const refusedForGood =
    validation.decision === "refuse" && (validation.kind === "human" || validation.pairs.some((pair) => pair.confirmedRegression));
  const status = validation.decision === "pass" ? "validated" : refusedForGood ? "archived" : "candidate";
  return transitionTo(
    item,
    validation.decision === "refuse" ? "refuse" : "validate",
    { ...change, reason: validation.reason },
    { status, validation },
  );
}

/** validated -> active, on the evidence it carries. */
export function activate(item: KnowledgeItem, change: Change): Transition {
  allow(item, "activate", ["validated"]);
  assertEvidence(item);
  return transitionTo(item, "activate", change, { status: "active" });
}

/**
 * A person's yes. validated -> active keeps the evidence. candidate -> active makes the person the evidence: it needs a reason,
 * and `validation` of the result is the certificate to store with it.
 */
export function approve(
  item: KnowledgeItem,
  change: Change & { readonly validationId: string },
): Transition & { readonly validation?: Validation } {
  allow(item, "approve", ["candidate", "validated"]);
  if (item.status === "validated") {
    assertEvidence(item);
    if (!isPerson(change.actor)) throw notAPerson(item, "approve", change.actor);
    return transitionTo(item, "approve", change, { status: "active" });
  }
  const { actor, atUs, validationId: id } = change;
  const reason = requireReason(item, "approve", change);
  const validation = humanValidation(item, { decision: "pass", reason, actor, atUs, id });
  return { ...transitionTo(item, "approve", change, { status: "active", validation }), validation };
}

/** Anything but archived -> archived. */
export function reject(item: KnowledgeItem, change: Change): Transition {
  allow(item, "reject", ["candidate", "validated", "active", "deprecated"]);
  requireReason(item, "reject", change);
  return transitionTo(item, "reject", change, { status: "archived" });
}

/** What `edit` may change. An absent field stays; an absent field of `scope` means everywhere. */
export interface Edition {
  readonly content: string;
  readonly appliesWhen?: string;
  readonly type?: KnowledgeType;
  readonly tags?: readonly string[];
  readonly scope?: Scope;
  readonly fingerprint?: string;
}

/**
 * New words, another type, condition or a wider scope: back to candidate, since the evidence belonged to what was there. Tags and a narrower scope
 * leave it as it is: nobody is given what he was not given before.
 */
export function edit(item: KnowledgeItem, edition: Edition, change: Change): Transition {
  allow(item, "edit", ["candidate", "validated", "active"]);
  requireReason(item, "edit", change);
  if (edition.content.trim() === "") throw new LearnError("invalid", `the new text of item ${shortId(item.id)} is empty`);
  const { scope = scopeOf(item), fingerprint, ...words } = edition;
  const wider = SCOPE_FIELDS.some((field) => item[field] !== undefined && item[field] !== scope[field]);
  const other =
    words.content !== item.content ||
    (words.appliesWhen ?? item.appliesWhen) !== item.appliesWhen ||
    (words.type ?? item.type) !== item.type;
  const patch: Patch = { ...words, ...Object.fromEntries(SCOPE_FIELDS.map((field) => [field, scope[field]])) };
  if (fingerprint !== undefined) patch.fingerprint = fingerprint;
  const edited = transitionTo(item, "edit", change, other || wider ? { ...patch, status: "candidate", validation: undefined } : patch);
  // Looked at when it is done: which fields count as changed is known in one place.
  if (Object.keys(edited.entry.changes).length === 0) throw new LearnError("conflict", `item ${shortId(item.id)} already says that`);
  return edited;
}

/** Always injected from now on. Text that quotes users or tools gets there by a named person only. */
export function pin(item: KnowledgeItem, change: Change): Transition {
  allow(item, "pin", ["active"]);
  if (item.priority === "pinned") throw new LearnError("conflict", `item ${shortId(item.id)} is already pinned`);
  const tainted = item.taint.filter((source) => source !== "model");
  if (tainted.length > 0 && !isPerson(change.actor)) throw notAPerson(item, "pin", change.actor, `it quotes ${tainted.join(" and ")} text`);
  return transitionTo(item, "pin", change, { priority: "pinned" });
}

export function unpin(item: KnowledgeItem, change: Change): Transition {
  if (item.priority !== "pinned") throw new LearnError("conflict", `item ${shortId(item.id)} is not pinned`);
  return transitionTo(item, "unpin", change, { priority: "normal" });
}

/** validated or active -> deprecated: it was good once. */
export function deprecate(item: KnowledgeItem, change: Change): Transition {
  allow(item, "deprecate", ["validated", "active"]);
  requireReason(item, "deprecate", change);
  return transitionTo(item, "deprecate", change, { status: "deprecated" });
}

/** deprecated or archived -> candidate, to be tested again: what it was good for may have changed. */
export function restore(item: KnowledgeItem, change: Change): Transition {
  allow(item, "restore", ["deprecated", "archived"]);
  return transitionTo(item, "restore", change, { status: "candidate", validation: undefined });
}

/** It stays what it is and waits for a person: it contradicts what is active, or a guard objects. The history says why. */
export function hold(item: KnowledgeItem, change: Change): Transition {
  allow(item, "hold back", ["candidate", "validated"]);
  return transitionTo(item, "hold", change, {});
}

/** Where two items contradict each other, each may go on in a scope of its own. A scope that is there already is not widened. */
export function narrow(item: KnowledgeItem, scope: Scope, change: Change): Transition {
  allow(item, "narrow", ["candidate", "validated", "active"]);
  for (const field of SCOPE_FIELDS) {
    if (scope[field] !== undefined && item[field] !== undefined && item[field] !== scope[field])
      throw new LearnError("invalid", `item ${shortId(item.id)} is for ${field} ${item[field]} already`);
  }
  return transitionTo(item, "edit", change, { ...scope });
}

/** The next version with `wanted` in it, whatever the item's status: the callers above say what is allowed from where. */
export function transitionTo(item: KnowledgeItem, action: Action, change: Change, wanted: Patch): Transition {
  // Pinned means "always injected", which only an active item can be.
  const patch: Patch = wanted.status !== undefined && wanted.status !== "active" ? { ...wanted, priority: "normal" } : wanted;
  const changes: { [field: string]: readonly [unknown, unknown] } = {};
  const version = item.version + 1;
  const merged: { [field: string]: unknown } = { ...item, version, updatedAtUs: change.atUs };
  for (const [field, after] of Object.entries(patch)) {
    const before = (item as unknown as { readonly [field: string]: unknown })[field];
    // A certificate is stored by itself; the history names it.
    const [from, to] = field === "validation" ? [idOf(before), idOf(after)] : [before, after];
    if (!same(from, to)) changes[field] = [from ?? null, to ?? null];
    if (after === undefined) delete merged[field];
    else merged[field] = after;
  }
  const reason = change.reason?.trim();
  return {
    item: merged as unknown as KnowledgeItem,
    entry: { itemId: item.id, version, atUs: change.atUs, actor: change.actor, action, changes, ...(reason ? { reason } : {}) },
  };
}

/** Lists are compared by what is in them. */
function same(before: unknown, after: unknown): boolean {
  return before === after || (Array.isArray(before) && JSON.stringify(before) === JSON.stringify(after));
}

function idOf(validation: unknown): string | null {
  return (validation as Validation | undefined)?.id ?? null;
}

function requireReason(item: KnowledgeItem, verb: string, change: Change): string {
  const reason = change.reason?.trim() ?? "";
  if (reason !== "") return reason;
  throw new LearnError("invalid", `to ${verb} item ${shortId(item.id)} a reason is needed`, {
    hint: `agentlearn knowledge ${verb} ${shortId(item.id)} --reason "..."`,
  });
}

function assertEvidence(item: KnowledgeItem): void {
  if (hasPassingEvidence(item)) return;
  throw new LearnError("conflict", `item ${shortId(item.id)} carries no passing certificate about its present text`, {
    hint: `agentlearn knowledge edit ${shortId(item.id)} sends it back to be tested`,
  });
}

function notAPerson(item: KnowledgeItem, verb: string, actor: string, why = "a person has to answer for it"): LearnError {
  return new LearnError("conflict", `${actor} may not ${verb} item ${shortId(item.id)}: ${why}`, {
    hint: `a person can: agentlearn knowledge ${verb} ${shortId(item.id)}`,
  });
}

/** The command that leads on from each status. */
const WAY_ON: { readonly [status in KnowledgeStatus]: string } = {
  candidate: "approve",
  validated: "approve",
  active: "deprecate",
  deprecated: "restore",
  archived: "restore",
};

function allow(item: KnowledgeItem, verb: string, from: readonly KnowledgeStatus[]): void {
  if (from.includes(item.status)) return;
  throw new LearnError("conflict", `cannot ${verb} item ${shortId(item.id)}: it is ${item.status}, not ${from.join(" or ")}`, {
    hint: `agentlearn knowledge ${WAY_ON[item.status]} ${shortId(item.id)}`,
  });
}
