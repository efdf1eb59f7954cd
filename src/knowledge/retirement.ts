import type { TimeUs } from "../base/clock.ts";
import { type Effect, effectFor, type ModelEffect } from "./effect.ts";
import type { KnowledgeItem } from "./knowledge-item.ts";

export interface RetirementRules {
  /** A lift below this is not worth keeping an item for that mostly fails. */
  readonly minimumGain: number;
  /** 0: never. */
  readonly hibernateDays: number;
}

/** harms, useless, unused: it leaves. reported: it would, but a person pinned it. */
export interface RetirementDecision {
  readonly action: "keep" | "retire" | "report";
  readonly why?: "harms" | "useless" | "unused" | "mismatch";
  /** One sentence with the figures in it; stored with the item. Absent for "keep". */
  readonly reason?: string;
}

/** Below this success share while given, an item without a positive lift is not kept: the threshold of "effectiveness < 30 %". */
export const LEAST_EFFECTIVENESS = 0.3;
const DAY_US = 86_400_000_000;
const KEEP: RetirementDecision = { action: "keep" };

/**
 * Whether an active item leaves, by the runs of the model that is in use now.
 *
 * harms: the upper end of its lift is below 0. useless: its effectiveness is below 30 % and its lift is not positive, both beyond luck: the upper end of
 * its effectiveness below 30 %, no lift seen, and the upper end of its lift below `minimumGain`. A low effectiveness alone decides nothing: it is that of
 * the tasks. unused: no run was given or denied it for `hibernateDays` although runs went on. A mismatch of the arms decides nothing and is reported.
 */
export function retirementOf(
  item: KnowledgeItem,
  effect: Effect,
  rules: RetirementRules,
  /** When the newest run of all began, and since when this text has been active. */
  times: { readonly newestRunUs: TimeUs; readonly activeSinceUs: TimeUs },
): RetirementDecision {
  if (effect.ratio.mismatch) {
    const { given, withheld, expectedWithheld } = effect.ratio;
    const reason = `withheld from ${withheld} of ${given + withheld} runs where ${Math.round(expectedWithheld)} were to be expected: the arms were not drawn as stated, so its effect cannot be told`;
    return { action: "report", why: "mismatch", reason };
  }
  const current = effectFor(effect);
  const found = (current && harmOrFutility(current, rules)) ?? idleness(item, effect, rules, times);
  if (found === undefined) return KEEP;
  return item.priority === "pinned" ? { ...found, action: "report" } : found;
}

function harmOrFutility(current: ModelEffect, { minimumGain }: RetirementRules): RetirementDecision | undefined {
  if (current.verdict === "harms")
    return { action: "retire", why: "harms", reason: `it harms with ${current.model}: ${liftText(current)}` };
  const { effectivenessInterval, lift, interval } = current;
  const fails = effectivenessInterval.upper < LEAST_EFFECTIVENESS;
  if (!fails || lift === undefined || lift > 0 || interval.upper >= minimumGain) return undefined;
  const rate = `it succeeds in ${points(current.effectiveness ?? 0)} % of the runs that get it (at most ${points(effectivenessInterval.upper)} %)`;
  return { action: "retire", why: "useless", reason: `with ${current.model} ${rate}, and is no help: ${liftText(current)}` };
}

function idleness(
  item: KnowledgeItem,
  effect: Effect,
  { hibernateDays }: RetirementRules,
  { newestRunUs, activeSinceUs }: { readonly newestRunUs: TimeUs; readonly activeSinceUs: TimeUs },
): RetirementDecision | undefined {
  if (hibernateDays === 0 || item.priority === "pinned") return undefined;
  // Counted up to the newest run and not to now: where nothing runs, nothing is unused.
  const idleDays = (newestRunUs - Math.max(effect.lastRunUs ?? 0, activeSinceUs)) / DAY_US;
  if (idleDays < hibernateDays) return undefined;
  const reason = `hibernates: no task of the last ${Math.floor(idleDays)} days asked for it; \`agentlearn knowledge restore\` brings it back to be tested`;
  return { action: "retire", why: "unused", reason };
}

/** "lift -12 points (-20 to -2) over 2310 runs, 231 of them withheld". */
export function liftText({ lift, interval, given, withheld }: Pick<Effect["overall"], "lift" | "interval" | "given" | "withheld">): string {
  const range = `${signed(interval.lower)} to ${signed(interval.upper)}`;
  const estimate = lift === undefined ? "not known" : `${signed(lift)} points`;
  return `lift ${estimate} (${range}) over ${given + withheld} runs, ${withheld} of them withheld`;
}

function signed(share: number): string {
  const text = points(share);
  return share > 0 ? `+${text}` : text;
}

function points(share: number): string {
  const rounded = Math.round(share * 1000) / 10;
  return String(Object.is(rounded, -0) ? 0 : rounded);
}
