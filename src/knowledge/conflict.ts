import type { TimeUs } from "../base/clock.ts";
import { digest, shortId } from "../base/id.ts";
import { jaccard } from "../base/similarity.ts";
import type { Clause } from "./conflict/clause.ts";
import { type Read, readWords } from "./conflict/read-words.ts";
import { type ClauseClash, clauseClash } from "./conflict/rules.ts";
import { overlap } from "./conflict/words.ts";
import { type KnowledgeItem, SCOPE_FIELDS, type Scope } from "./knowledge-item.ts";

/** `compatible`: a model looked and found nothing; kept, so that nobody pays for asking twice. */
export type ConflictKind = "contradiction" | "duplicate" | "compatible";

/** What two items cannot both mean, or both say. */
export interface Clash {
  readonly kind: ConflictKind;
  /** instruction, modality, opposite, order, constant, target; `words` for a duplicate; `judge` when a model said so. */
  readonly rule: ClauseClash["rule"] | "words" | "judge";
  /** The words at which they part, each as it stands in its item. */
  readonly first: string;
  readonly second: string;
  /** One sentence. */
  readonly reason: string;
}

/** How a person settled a conflict. `keep`: the id that stays. It holds for the texts that were settled, and for no later ones. */
export interface Resolution {
  readonly outcome: "keep" | "both" | "scope";
  readonly keep?: string;
  readonly reason: string;
  readonly actor: string;
  readonly atUs: TimeUs;
}

/** A clash of two stored items. The pair is ordered by id, so that it is one whoever is looked at first. */
export interface Conflict extends Clash {
  readonly firstId: string;
  readonly secondId: string;
  /** `clashDigest` of both when it was found. */
  readonly digests: readonly [string, string];
  readonly foundAtUs: TimeUs;
  readonly resolution?: Resolution;
}

/** The words of an item and where it applies: all that a clash depends on. */
export type Words = Pick<KnowledgeItem, "content" | "appliesWhen"> & Scope;

export type StoredWords = Words & Pick<KnowledgeItem, "id">;

/** Stands for what a clash depends on. Another digest makes a finding, and what a person said about it, void. */
export function clashDigest(item: Words): string {
  return digest([item.content, item.appliesWhen, ...SCOPE_FIELDS.map((field) => item[field] ?? "")]);
}

/** Whether some run could be given both. */
export function scopesMeet(left: Scope, right: Scope): boolean {
  return SCOPE_FIELDS.every((field) => left[field] === undefined || right[field] === undefined || left[field] === right[field]);
}

// Found on hand-written pairs; see conflict.test.ts, which prints what they give. Below 0.5 of shared words two conditions were about different
// tasks, unless the demands speak of the same things too.
const SAME_SITUATION = 0.5;
const NEAR_SITUATION = 0.25;
const DUPLICATE = 0.8;
/** Whether two items contradict each other, or say the same, where a run could be given both. Rules only; symmetric but for which is called first. */
export function clashBetween(first: Words, second: Words): Clash | undefined {
  if (!scopesMeet(first, second)) return undefined;
  const [left, right] = [readWords(first), readWords(second)];
  if (!meet(left, right)) return undefined;
  for (const mine of left.clauses()) {
    for (const other of right.clauses()) {
      const clash = clauseClash(mine, other, left.said(), right.said());
      if (clash !== undefined) return { kind: "contradiction", ...clash, reason: reasonOf(clash) };
    }
  }
  const negations = (read: Read): number => read.clauses().filter(({ negative }) => negative).length % 2;
  if (!speakOfTheSame(left, right) || jaccard(wholeOf(left), wholeOf(right)) < DUPLICATE || negations(left) !== negations(right))
    return undefined;
  return {
    kind: "duplicate",
    rule: "words",
    first: first.content,
    second: second.content,
    reason: "they say the same in nearly the same words",
  };
}

/** Whether some task could meet both: the only pairs that can clash, and worth a model's opinion. */
export function mayClash(first: Words, second: Words): boolean {
  return scopesMeet(first, second) && meet(readWords(first), readWords(second));
}

/** The clash of two stored items as a conflict, ordered by id. */
export function conflictBetween(a: StoredWords, b: StoredWords, foundAtUs: TimeUs): Conflict | undefined {
  const [first, second] = a.id < b.id ? [a, b] : [b, a];
  const clash = a.id === b.id ? undefined : clashBetween(first, second);
  return clash === undefined ? undefined : conflictOf(first, second, clash, foundAtUs);
}

/** `first` is the one with the smaller id. */
export function conflictOf(first: StoredWords, second: StoredWords, clash: Clash, foundAtUs: TimeUs): Conflict {
  return { ...clash, firstId: first.id, secondId: second.id, digests: [clashDigest(first), clashDigest(second)], foundAtUs };
}

/** Whether a finding is about what both items say now. */
export function isAbout(conflict: Conflict, first: Words, second: Words): boolean {
  return conflict.digests[0] === clashDigest(first) && conflict.digests[1] === clashDigest(second);
}

/**
 * Whether a stored finding still counts: it is about what both say now, and a person or a model said it, or the rules find it today. Rules get better;
 * what an older version of them found holds nothing back.
 */
export function holds(conflict: Conflict, first: Words, second: Words): boolean {
  if (!isAbout(conflict, first, second)) return false;
  return conflict.rule === "judge" || conflict.resolution !== undefined || clashBetween(first, second)?.kind === conflict.kind;
}

/** A contradiction that nobody settled by letting both stand. The one that lost stays out as long as the winner is active. */
export function isOpen({ kind, resolution }: Conflict): boolean {
  return kind === "contradiction" && resolution?.outcome !== "both";
}

/** What has to be said where an item is kept from becoming active, and what to type. */
export function blockedMessage(itemId: string, conflict: Conflict): { readonly message: string; readonly hint: string } {
  const [item, other] = [itemId, otherOf(itemId, conflict)].map(shortId);
  return {
    message: `item ${item} cannot become active beside active item ${other}: ${conflict.reason}`,
    hint: `agentlearn knowledge resolve ${item} ${other} --keep ${item} | --both --reason "..."`,
  };
}

/** How an item is shown that passed its test and waits for a conflict to be settled. */
export function heldText({ itemId, reason }: { readonly itemId: string; readonly reason: string }): string {
  return `held: contradicts ${shortId(itemId)} (${reason})`;
}

/** The item that a conflict is with. */
export function otherOf(itemId: string, { firstId, secondId }: Conflict): string {
  return itemId === firstId ? secondId : firstId;
}

/** Words and constants, by which two texts are the same. */
function wholeOf(read: Read): ReadonlySet<string> {
  return new Set(
    read
      .clauses()
      .flatMap(({ core, condition, place, front, values, conditionValues }) => [
        ...core,
        ...front,
        ...condition,
        ...place,
        ...[...values, ...conditionValues].map(({ group, value }) => `${group} ${value}`),
      ]),
  );
}

/** Where both say a place in front, it is one; where both instruct, it is about one thing. Words alone take "add --yes" for "add --all". */
function speakOfTheSame(left: Read, right: Read): boolean {
  const same = (of: (clause: Clause) => readonly string[]): boolean => {
    const [mine, others] = [new Set(left.clauses().flatMap(of)), new Set(right.clauses().flatMap(of))];
    return mine.size === 0 || others.size === 0 || jaccard(mine, others) === 1;
  };
  return same(({ front }) => [...front]) && same(({ instruction }) => (instruction === undefined ? [] : [instruction.topic]));
}

/** Two conditions that one task can meet. Without one, an item applies wherever the other does, if they are about the same. */
function meet(left: Read, right: Read): boolean {
  if (left.situation.size === 0 || right.situation.size === 0)
    return left.situation.size === right.situation.size || jaccard(left.subject(), right.subject()) >= NEAR_SITUATION;
  const situations = jaccard(left.situation, right.situation);
  if (situations >= SAME_SITUATION) return true;
  return situations >= NEAR_SITUATION && overlap(left.subject(), right.subject()) >= 0.6;
}

function reasonOf({ rule, first, second }: ClauseClash): string {
  const quoted = `"${first}" against "${second}"`;
  const words: Readonly<Record<ClauseClash["rule"], string>> = {
    modality: `one demands what the other forbids: ${quoted}`,
    opposite: `they demand opposites: ${quoted}`,
    order: `they demand opposite orders: ${quoted}`,
    constant: `they name different values for the same: ${quoted}`,
    instruction: `they ask for different things in place of the same: ${quoted}`,
    target: `they choose differently for the same: ${quoted}`,
  };
  return words[rule];
}
