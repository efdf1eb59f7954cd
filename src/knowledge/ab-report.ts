import type { TimeUs } from "../base/clock.ts";
import { type Effect, effectFor } from "./effect.ts";
import type { HistoryEntry, KnowledgeItem } from "./knowledge-item.ts";
import { liftText } from "./retirement.ts";

/** One item as the report shows it. */
export interface ItemReport {
  readonly itemId: string;
  readonly content: string;
  readonly status: KnowledgeItem["status"];
  readonly priority: KnowledgeItem["priority"];
  /** Runs before then were given other words, or an item that was retired since. 0: all count. */
  readonly sinceUs: TimeUs;
  readonly effect: Effect;
  /** The finding in one sentence, with what is missing for a verdict. */
  readonly summary: string;
  /** Of a deprecated or archived item: who took it out of use, when and why. */
  readonly outOfUse?: Pick<HistoryEntry, "atUs" | "actor" | "reason">;
}

/** What live runs say about every item, and about all knowledge together. */
export interface AbReport {
  readonly alpha: number;
  /** Knowledge arm against control group; absent where no control group was ever drawn. */
  readonly library?: { readonly effect: Effect; readonly summary: string };
  /** Most evidence first. */
  readonly items: readonly ItemReport[];
  /** What is wrong with the experiment itself, to be read before anything else. */
  readonly warnings: readonly string[];
}

export function itemReportOf(item: KnowledgeItem, effect: Effect, sinceUs: TimeUs, history: readonly HistoryEntry[]): ItemReport {
  const { id: itemId, content, status, priority } = item;
  const report = { itemId, content, status, priority, sinceUs, effect, summary: summaryOf(effect, priority) };
  const last =
    status === "deprecated" || status === "archived" ? history.findLast(({ changes }) => changes["status"]?.[1] === status) : undefined;
  if (last === undefined) return report;
  const { atUs, actor, reason } = last;
  return { ...report, outOfUse: { atUs, actor, ...(reason === undefined ? {} : { reason }) } };
}

export function abReportOf(items: readonly ItemReport[], library: Effect | undefined, alpha: number): AbReport {
  const evidence = ({ effect: { overall } }: ItemReport): number => overall.given + overall.withheld;
  const wrong = items.filter(({ effect }) => effect.ratio.mismatch);
  return {
    alpha,
    ...(library === undefined ? {} : { library: { effect: library, summary: summaryOf(library) } }),
    items: [...items].sort((a, b) => evidence(b) - evidence(a) || (a.itemId < b.itemId ? -1 : 1)),
    warnings: [
      ...(library?.ratio.mismatch ? [`control group: ${summaryOf(library)}`] : []),
      ...wrong.map(({ itemId, effect }) => `item ${itemId.slice(0, 8)}: ${summaryOf(effect)}`),
    ],
  };
}

/** Verdict, figures, and what is missing. */
export function summaryOf(effect: Effect, priority: KnowledgeItem["priority"] = "normal"): string {
  if (effect.ratio.mismatch) {
    const { given, withheld, expectedWithheld } = effect.ratio;
    return `SAMPLE RATIO MISMATCH, no verdict: withheld from ${withheld} of ${given + withheld}, expected ${Math.round(expectedWithheld)}; the arms, or who gets judged, are not what the draw stated`;
  }
  const current = effectFor(effect);
  if (current === undefined)
    return effect.unjudged > 0 ? `nothing known: none of ${effect.unjudged} runs was judged` : "nothing known: no run met it yet";
  if (current.lift === undefined && current.withheld === 0 && priority === "pinned")
    return "pinned: always given, so its own lift can't be told; the control group says what all knowledge is worth";
  const found = `with ${current.model}: ${liftText(current)}`;
  if (current.verdict !== "undecided") return `${current.verdict} ${found}`;
  return `undecided ${found}; ${missingText(current)}`;
}

/** What it takes to tell, in words. */
export function missingText({ moreRuns, moreRunsToTell }: { readonly moreRuns?: number; readonly moreRunsToTell?: number }): string {
  if (moreRuns !== undefined) return `needs about ${moreRuns} more runs if they are like these`;
  if (moreRunsToTell === undefined) return "it was not drawn yet: withholdProbability must be above 0";
  if (moreRunsToTell === 0) return "a lift of 10 points would have shown by now";
  return `no lift to be seen; needs about ${moreRunsToTell} more runs to tell one of 10 points`;
}
