import { digest, idFrom, shortId } from "../../base/id.ts";
import type { Taint } from "../../lesson/lesson.ts";
import { type HistoryEntry, type KnowledgeItem, SCOPE_FIELDS } from "../knowledge-item.ts";
import { type Change, transitionTo } from "../life-cycle.ts";
import type { ItemWrite } from "../ports.ts";
import type { IncomingItem } from "./incoming.ts";

/** What becomes of one item of a file. */
export interface ImportOutcome {
  readonly place: string;
  /** The item that is stored for it. */
  readonly id: string;
  /** unchanged: it says that already. new: a candidate. revision: another text of the same candidate. beside: a candidate next to the item in use, which stays. */
  readonly outcome: "unchanged" | "new" | "revision" | "beside";
  /** The item in use whose id the file gave to other words. */
  readonly beside?: string;
}

export interface ImportPlan {
  readonly outcomes: readonly ImportOutcome[];
  /** To be saved together. */
  readonly writes: readonly ItemWrite[];
}

const NO_COUNTS = { given: 0, givenSuccess: 0, withheld: 0, withheldSuccess: 0 } as const;

/**
 * What taking the items in changes. Nothing becomes active, and no text that is in use is touched: everything arrives as a candidate with the taint
 * "imported". Planning the same items again over the result changes nothing.
 */
export function planImport(incoming: readonly IncomingItem[], stored: readonly KnowledgeItem[], change: Change): ImportPlan {
  const byId = new Map(stored.map((item) => [item.id, item]));
  // An item that this file gives other words does not speak for the words it has now.
  const revised = new Set(incoming.filter((item) => isRevision(byId.get(item.id), item)).map(({ id }) => id));
  const speaking = stored.filter(({ id, status }) => status !== "archived" && !revised.has(id));
  const byWords = new Map(speaking.map((item) => [wordsKey(item, item), item.id]));
  const outcomes: ImportOutcome[] = [];
  const writes: ItemWrite[] = [];
  for (const item of incoming) {
    const { place } = item;
    const known = byId.get(item.id);
    const besideId = idFrom(["beside", item.id, item.type, item.content, item.appliesWhen]);
    const said = known !== undefined && sameWords(known, item) ? item.id : byId.has(besideId) ? besideId : undefined;
    // The same words under another id would only be injected twice.
    const same = said ?? (known === undefined ? byWords.get(wordsKey(item, item.scope)) : undefined);
    if (same !== undefined) {
      outcomes.push({ place, id: same, outcome: "unchanged" });
    } else if (known === undefined) {
      outcomes.push({ place, id: item.id, outcome: "new" });
      byWords.set(wordsKey(item, item.scope), item.id);
      writes.push(newItem(item, item.id, change));
    } else if (!isRevision(known, item)) {
      outcomes.push({ place, id: besideId, outcome: "beside", beside: known.id });
      const reason = `other words for item ${shortId(known.id)}, which is ${known.status} and stays as it is`;
      writes.push(newItem({ ...item, history: [] }, besideId, { ...change, reason: joined(reason, change.reason) }, known.id));
    } else {
      outcomes.push({ place, id: known.id, outcome: "revision" });
      writes.push(revision(known, item, change));
    }
  }
  return { outcomes, writes };
}

function newItem(from: IncomingItem, id: string, change: Change, beside?: string): ItemWrite {
  const past = from.history.map((entry) => ({ ...entry, itemId: id, actor: hearsay(entry.actor) }));
  const version = past.length + 1;
  const item: KnowledgeItem = {
    id,
    type: from.type,
    content: from.content,
    appliesWhen: from.appliesWhen,
    tags: from.tags,
    priority: "normal",
    status: "candidate",
    ...from.scope,
    sourceTraceIds: from.sourceTraceIds,
    analyzer: from.analyzer,
    confidence: from.confidence,
    taint: withImported(from.taint),
    ...(from.revises === undefined || from.revises === id ? {} : { revises: from.revises }),
    // Its own and not the file's: with a borrowed one it could take in what is learned here.
    fingerprint: digest(["imported", wordsKey(from, from.scope)]),
    createdAtUs: from.createdAtUs ?? change.atUs,
    updatedAtUs: change.atUs,
    version,
    counts: NO_COUNTS,
  };
  const changes: HistoryEntry["changes"] = {
    ...(from.status === undefined || from.status === "candidate" ? {} : { status: [from.status, "candidate"] }),
    ...(from.revises === undefined ? {} : { revises: [null, from.revises] }),
    ...(from.priority === "pinned" ? { priority: ["pinned", "normal"] } : {}),
    ...(beside === undefined ? {} : { beside: [null, beside] }),
    // Papers of another store: they can be read, and make nothing active here.
    ...(from.certificates.length === 0 ? {} : { certificates: [null, from.certificates] }),
  };
  const { actor, atUs, reason } = change;
  const entry: HistoryEntry = { itemId: id, version, atUs, actor, action: "import", changes, ...(reason === undefined ? {} : { reason }) };
  return { item, entry, ...(past.length === 0 ? {} : { past }) };
}

function revision(known: KnowledgeItem, from: IncomingItem, change: Change): ItemWrite {
  const scope = Object.fromEntries(SCOPE_FIELDS.map((field) => [field, from.scope[field]]));
  return transitionTo(known, "import", change, {
    type: from.type,
    content: from.content,
    appliesWhen: from.appliesWhen,
    tags: from.tags,
    ...scope,
    ...(from.revises === undefined ? {} : { revises: from.revises }),
    status: "candidate",
    validation: undefined,
    sourceTraceIds: [...new Set([...known.sourceTraceIds, ...from.sourceTraceIds])],
    taint: withImported([...known.taint, ...from.taint]),
  });
}

function withImported(taint: readonly Taint[]): readonly Taint[] {
  return [...new Set<Taint>([...taint, "imported"])];
}

/** A name out of a file is no person who could answer for anything here. */
function hearsay(actor: string): string {
  return actor.startsWith("imported:") ? actor : `imported:${actor}`;
}

function joined(first: string, second: string | undefined): string {
  return second === undefined ? first : `${first}; ${second}`;
}

/** Words of an item in use are never replaced: what was tested, or vouched for, stays. */
function isRevision(known: KnowledgeItem | undefined, from: IncomingItem): boolean {
  return known !== undefined && known.status !== "active" && known.status !== "validated" && !sameWords(known, from);
}

function sameWords(a: KnowledgeItem, b: IncomingItem): boolean {
  return a.type === b.type && a.content === b.content && a.appliesWhen === b.appliesWhen;
}

function wordsKey(item: Pick<KnowledgeItem, "type" | "content" | "appliesWhen">, scope: IncomingItem["scope"]): string {
  return JSON.stringify([item.type, item.content, item.appliesWhen, ...SCOPE_FIELDS.map((field) => scope[field] ?? null)]);
}
