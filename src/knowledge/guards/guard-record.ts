import type { GuardAnswer } from "../../lesson/guards/review.ts";
import { contentDigest } from "../evidence.ts";
import type { KnowledgeItem } from "../knowledge-item.ts";
import type { Origin } from "./by-evidence.ts";

/** Where words of an item stand in one of its source runs. */
export interface Provenance {
  readonly traceId: string;
  /** Number of the step and id of its span; absent for the run itself. */
  readonly step?: number;
  readonly spanId?: string;
  /** Whose text it is: task, tool result, tool error and so on. */
  readonly field: string;
  /** The words they share, folded. */
  readonly words: string;
}

/** What every guard said of an item when its runs were last read, and whose words they are. It outlives the runs. */
export interface GuardRecord extends Origin {
  /** Of the words it is about; see `contentDigest`. */
  readonly contentDigest: string;
  /** Each guard that was asked, in the order in which they speak. */
  readonly guards: readonly GuardAnswer[];
  /** Longest first, one per source run, of the first runs. */
  readonly provenance: readonly Provenance[];
  /** Source runs that could be read, and that could not. */
  readonly sources: number;
  readonly missing: number;
}

type Guarded = Pick<KnowledgeItem, "type" | "content" | "status" | "guards">;

/** The record, where it is about the present words. */
export function guardRecordOf(item: Pick<Guarded, "type" | "content" | "guards">): GuardRecord | undefined {
  return item.guards?.contentDigest === contentDigest(item) ? item.guards : undefined;
}

/** Why the item is neither tested nor made active without a person; undefined when no guard objects, or a person has decided already. */
export function quarantineOf(item: Guarded): string | undefined {
  if (item.status !== "candidate" && item.status !== "validated") return undefined;
  const objections = guardRecordOf(item)?.guards.filter(({ decision }) => decision !== "allow") ?? [];
  return objections.length === 0 ? undefined : findingsText(objections);
}

/** For lists that others read: with the reason, where it is quarantined. */
export function withQuarantine<Item extends Guarded>(item: Item): Item & { readonly quarantined?: string } {
  const quarantined = quarantineOf(item);
  return quarantined === undefined ? item : { ...item, quarantined };
}

/** "it repeats ... (copy-through)" of each. */
export function findingsText(findings: readonly { readonly guard: string; readonly reason?: string }[]): string {
  return findings.map(({ guard, reason = "objects" }) => `it ${reason} (${guard})`).join("; ");
}
