import type { Clock } from "../base/clock.ts";
import { LearnError } from "../base/error.ts";
import { type AuditFinding, audit } from "../knowledge/audit.ts";
import { type Conflict, conflictOf, isAbout, scopesMeet } from "../knowledge/conflict.ts";
import { findConflicts } from "../knowledge/find-conflicts.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import type { ConflictStore, KnowledgeStore, UsageStore } from "../knowledge/ports.ts";
import type { TraceReader } from "../trace/ports.ts";
import { LIVE, openOf } from "./conflict-desk.ts";

export interface AuditReport {
  readonly items: number;
  readonly findings: readonly AuditFinding[];
}

export interface AuditOptions {
  /** Default 90. */
  readonly staleDays?: number;
  /** One vector per text, in order. With it, items of other words but the same meaning are found as duplicates too. */
  readonly embed?: (texts: readonly string[]) => Promise<readonly ArrayLike<number>[]>;
  /** Cosine from which on two items say the same. Default 0.95: models differ, so that only near copies are called duplicates. */
  readonly duplicateCosine?: number;
}

export interface AuditDesk {
  /** Reads all items that may be given and lists what stands out. Changes nothing. */
  audit(options?: AuditOptions): Promise<AuditReport>;
}

export interface AuditDeskOptions {
  readonly store: KnowledgeStore & ConflictStore & UsageStore & Pick<TraceReader, "listTraces">;
  readonly clock: Clock;
}

const LATEST_TASKS = 200;
const JUDGED_RUNS = 1_000;

export function createAuditDesk({ store, clock }: AuditDeskOptions): AuditDesk {
  return {
    async audit({ staleDays = 90, embed, duplicateCosine = 0.95 } = {}) {
      if (!(staleDays > 0)) throw new LearnError("invalid", `staleDays is ${staleDays}, it must be above 0`);
      const items = (await Promise.all(LIVE.map((status) => store.listKnowledge({ status })))).flat();
      const nowUs = clock.nowUs();
      const byId = new Map(items.map((item) => [item.id, item]));
      const stored = await store.listConflicts();
      const found = findConflicts(items, nowUs);
      const near = embed === undefined ? [] : await similar(items, embed, duplicateCosine, nowUs);
      const conflicts = [...openOf(stored, found, byId), ...duplicates([...found, ...near], stored, byId)];
      const usage = await store.usageOf([...byId.keys()], JUDGED_RUNS);
      const tasks = (await store.listTraces({ limit: LATEST_TASKS })).map(({ task }) => task);
      return { items: items.length, findings: audit({ items, usage, conflicts, tasks, nowUs, staleDays }) };
    },
  };
}

/** One per pair, without those that somebody settled by letting both stand. */
function duplicates(
  found: readonly Conflict[],
  stored: readonly Conflict[],
  byId: ReadonlyMap<string, KnowledgeItem>,
): readonly Conflict[] {
  const settled = new Set(
    stored
      .filter((conflict) => {
        const [first, second] = [byId.get(conflict.firstId), byId.get(conflict.secondId)];
        return conflict.resolution !== undefined && first !== undefined && second !== undefined && isAbout(conflict, first, second);
      })
      .map(({ firstId, secondId }) => `${firstId} ${secondId}`),
  );
  const clashing = new Set(found.filter(({ kind }) => kind === "contradiction").map(({ firstId, secondId }) => `${firstId} ${secondId}`));
  const pairs = new Map<string, Conflict>();
  for (const conflict of found) {
    const key = `${conflict.firstId} ${conflict.secondId}`;
    if (conflict.kind === "duplicate" && !settled.has(key) && !clashing.has(key) && !pairs.has(key)) pairs.set(key, conflict);
  }
  return [...pairs.values()];
}

async function similar(
  items: readonly KnowledgeItem[],
  embed: NonNullable<AuditOptions["embed"]>,
  threshold: number,
  nowUs: number,
): Promise<readonly Conflict[]> {
  const vectors = await embed(items.map(({ content }) => content));
  if (vectors.length !== items.length)
    throw new LearnError("invalid", `the model gave ${vectors.length} vectors for ${items.length} texts`);
  const found: Conflict[] = [];
  for (const [index, one] of items.entries()) {
    for (let other = index + 1; other < items.length; other += 1) {
      const two = items[other] as KnowledgeItem;
      const score = cosine(vectors[index] as ArrayLike<number>, vectors[other] as ArrayLike<number>);
      if (score < threshold || !scopesMeet(one, two)) continue;
      const [first, second] = one.id < two.id ? [one, two] : [two, one];
      const reason = `they say nearly the same by meaning (cosine ${score.toFixed(2)})`;
      found.push(
        conflictOf(first, second, { kind: "duplicate", rule: "words", first: first.content, second: second.content, reason }, nowUs),
      );
    }
  }
  return found;
}

function cosine(left: ArrayLike<number>, right: ArrayLike<number>): number {
  let [dot, a, b] = [0, 0, 0];
  for (let index = 0; index < left.length; index += 1) {
    const [x, y] = [left[index] ?? 0, right[index] ?? 0];
    dot += x * y;
    a += x * x;
    b += y * y;
  }
  return a === 0 || b === 0 ? 0 : dot / Math.sqrt(a * b);
}
