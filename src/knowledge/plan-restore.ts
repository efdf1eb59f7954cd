import { shortId } from "../base/id.ts";
import { guardWords } from "../lesson/guard.ts";
import type { Taint } from "../lesson/lesson.ts";
import { changesBetween } from "./compare-snapshots.ts";
import { contentDigest } from "./evidence.ts";
import type { IncomingItem } from "./exchange/incoming.ts";
import { planImport } from "./exchange/plan-import.ts";
import { isPerson } from "./human-validation.ts";
import { type KnowledgeItem, SCOPE_FIELDS, scopeOf, type Validation } from "./knowledge-item.ts";
import { type Change, type Patch, transitionTo } from "./life-cycle.ts";
import type { ItemWrite, Snapshot, SnapshotItem } from "./ports.ts";

export interface RestorePlan {
  /** To be saved together. */
  readonly writes: readonly ItemWrite[];
  /** What does not come back as the snapshot has it, each with the reason. */
  readonly held: readonly { readonly id: string; readonly reason: string }[];
}

/**
 * What makes the knowledge what it was. A status comes back only with the certificate that allows it, out of this store and not out of the snapshot:
 * whoever can write a file could write a certificate too. Without one the item is a candidate. What was in use and is not in the snapshot is deprecated;
 * nothing is deleted, and what happened (sources, taint, counts, history) stays.
 */
export function planRestore(
  snapshot: Snapshot,
  stored: readonly KnowledgeItem[],
  certificates: readonly Validation[],
  change: Change,
): RestorePlan {
  const byId = new Map(stored.map((item) => [item.id, item]));
  const known = new Set(snapshot.items.map(({ id }) => id));
  const writes: ItemWrite[] = [];
  const patches = new Map<string, Patch>();
  const held: RestorePlan["held"][number][] = [];
  for (const wanted of snapshot.items) {
    const item = byId.get(wanted.id);
    const refusal = snapshot.imported ? guardWords(wanted) : undefined;
    if (refusal !== undefined) {
      held.push({ id: wanted.id, reason: `it ${refusal}` });
      continue;
    }
    if (item === undefined) {
      // Removed items leave every snapshot, so this one came in a file.
      writes.push(...planImport([incoming(wanted)], [], change).writes);
      held.push({ id: wanted.id, reason: "it is not stored here and comes in as a candidate" });
      continue;
    }
    const evidence = evidenceFor(wanted, item, snapshot.imported, certificates);
    if (snapshot.imported && evidence === undefined && isInUse(item) && !sameWords(item, wanted)) {
      held.push({ id: wanted.id, reason: "other words are in use here, and nothing here vouches for those of the file" });
      continue;
    }
    const status = isInUse(wanted) && evidence === undefined ? "candidate" : wanted.status;
    if (status !== wanted.status)
      held.push({ id: wanted.id, reason: `it was ${wanted.status}, and no certificate here allows that any more` });
    // Only an active item is pinned, and one that quotes others by the word of a person.
    const mayPin = status === "active" && (isPerson(change.actor) || item.taint.every((source) => source === "model"));
    const priority = mayPin ? wanted.priority : "normal";
    const target = { ...wanted, status, priority };
    if (Object.keys(changesBetween(item, target)).length === 0) continue;
    patches.set(item.id, {
      type: target.type,
      content: target.content,
      appliesWhen: target.appliesWhen,
      tags: target.tags,
      ...Object.fromEntries(SCOPE_FIELDS.map((field) => [field, target[field]])),
      priority,
      status,
      fingerprint: snapshot.imported ? item.fingerprint : target.fingerprint,
      taint: taintOf(item, wanted, snapshot.imported && evidence === undefined),
      validation: certificateAfter(item, target, evidence),
    });
  }
  for (const item of stored) if (!known.has(item.id) && isInUse(item)) patches.set(item.id, { status: "deprecated" });
  for (const [id, successor] of besideRevisions(stored, patches)) {
    patches.set(id, { ...patches.get(id), status: "deprecated", priority: "normal" });
    held.push({ id, reason: `item ${shortId(successor)}, which took its place, is active` });
  }
  for (const item of stored) {
    const patch = patches.get(item.id);
    const write = patch === undefined ? undefined : transitionTo(item, "snapshot", change, patch);
    if (write !== undefined && Object.keys(write.entry.changes).length > 0) writes.push(write);
  }
  // What leaves goes first: what becomes active may contradict it.
  return { writes: writes.sort((a, b) => Number(a.item.status === "active") - Number(b.item.status === "active")), held };
}

/** Items that would be active beside a revision of theirs, by the id of that: a file may have both, or another than the one that stays in use here. */
function besideRevisions(stored: readonly KnowledgeItem[], patches: ReadonlyMap<string, Patch>): ReadonlyMap<string, string> {
  const byId = new Map(stored.map((item) => [item.id, item]));
  const isActive = (item: KnowledgeItem): boolean => (patches.get(item.id)?.status ?? item.status) === "active";
  const beside = new Map<string, string>();
  for (const item of stored.filter(isActive)) {
    if (beside.has(item.id)) continue;
    // Files can say that items revise each other; then one of the ring stays.
    const seen = new Set([item.id]);
    for (let old = byId.get(item.revises ?? ""); old !== undefined && !seen.has(old.id); old = byId.get(old.revises ?? "")) {
      seen.add(old.id);
      if (isActive(old)) beside.set(old.id, item.id);
    }
  }
  return beside;
}

/**
 * The certificate of this store that vouches for the item as the snapshot has it. Of all that speak of this text the newest counts, so that a text that
 * was refused after the snapshot was made stays out. A file is not asked which one it was, nor for a condition or a scope that nobody here approved.
 */
function evidenceFor(
  wanted: SnapshotItem,
  item: KnowledgeItem,
  imported: boolean,
  certificates: readonly Validation[],
): Validation | undefined {
  if (imported && (wanted.appliesWhen !== item.appliesWhen || isWider(wanted, item))) return undefined;
  const digest = contentDigest(wanted);
  const about = certificates.filter(
    ({ id, itemId, decision, contentDigest: tested }) =>
      itemId === wanted.id &&
      decision !== "inconclusive" &&
      // One without a digest speaks for the words that carried it, and only our own snapshot knows which those were.
      (tested === undefined ? !imported && id === wanted.validation?.id : tested === digest),
  );
  const newest = about.reduce<Validation | undefined>(
    (last, entry) => (last === undefined || entry.createdAtUs >= last.createdAtUs ? entry : last),
    undefined,
  );
  return newest?.decision === "pass" ? newest : undefined;
}

function isWider(wanted: SnapshotItem, item: KnowledgeItem): boolean {
  return SCOPE_FIELDS.some((field) => item[field] !== undefined && item[field] !== wanted[field]);
}

/** The certificate that the item carries from now on: what allows its status, or what refused these words. */
function certificateAfter(item: KnowledgeItem, target: SnapshotItem, evidence: Validation | undefined): Validation | undefined {
  if (isInUse(target)) return evidence;
  const isBackInQueue = target.status === "candidate" && item.status !== "candidate";
  return sameWords(item, target) && !isBackInQueue ? item.validation : undefined;
}

function isInUse({ status }: SnapshotItem): boolean {
  return status === "active" || status === "validated";
}

function sameWords(a: SnapshotItem, b: SnapshotItem): boolean {
  return a.type === b.type && a.content === b.content && a.appliesWhen === b.appliesWhen;
}

function taintOf(item: KnowledgeItem, wanted: SnapshotItem, fromFile: boolean): readonly Taint[] {
  return [...new Set([...item.taint, ...wanted.taint, ...(fromFile && !sameWords(item, wanted) ? (["imported"] as const) : [])])];
}

function incoming(wanted: SnapshotItem): IncomingItem {
  const { id, type, content, appliesWhen, tags, sourceTraceIds, analyzer, confidence, taint, revises, status, priority, createdAtUs } =
    wanted;
  const place = `item ${shortId(id)}`;
  const words = { id, type, content, appliesWhen, tags, sourceTraceIds, analyzer, confidence, taint, status, priority, createdAtUs };
  return { place, ...words, ...(revises === undefined ? {} : { revises }), scope: scopeOf(wanted), history: [], certificates: [] };
}
