import type { TimeUs } from "../base/clock.ts";
import { shortId } from "../base/id.ts";
import { foldText } from "../base/similarity.ts";
import { trendScore } from "../stats/trend-test.ts";
import { isEverywhere } from "./conflict/read-words.ts";
import { subjectOf } from "./conflict/words.ts";
import type { Conflict } from "./conflict.ts";
import type { KnowledgeItem } from "./knowledge-item.ts";
import type { ItemUsage } from "./ports.ts";
import { unsafeParts } from "./unsafe.ts";

export const FINDING_KINDS = ["conflict", "unsafe", "declining", "over-broad", "duplicate", "stale", "never-given"] as const;

/** Something about an item that a person should look at. */
export interface AuditFinding {
  readonly kind: (typeof FINDING_KINDS)[number];
  readonly itemId: string;
  /** The other item of a conflict or a duplicate. */
  readonly otherId?: string;
  /** One sentence with the figures in it. */
  readonly reason: string;
  /** The command to type next. */
  readonly next: string;
}

export interface AuditInput {
  /** Candidates, validated and active items. What only use can tell is asked of active ones. */
  readonly items: readonly KnowledgeItem[];
  readonly usage: readonly ItemUsage[];
  /** Open contradictions and duplicates among the items. */
  readonly conflicts: readonly Conflict[];
  /** Tasks of the latest runs. */
  readonly tasks: readonly string[];
  readonly nowUs: TimeUs;
  /** Age of the newest source from which on an item that was not given since is stale. */
  readonly staleDays: number;
}

const DAY_US = 86_400_000_000;
// With fewer runs a trend that is worth a look is not told from luck: at 20 runs a fall from 0.9 to 0.4 in the middle is found in 40 % of worlds.
const LEAST_RUNS = 20;
// One-sided 1 % of the normal distribution: of a hundred items without a trend one is listed.
const DECLINE_Z = -2.326;
// A young item was not passed over yet.
const LEAST_AGE_DAYS = 7;
const LEAST_TASKS = 30;
const NEARLY_EVERY = 0.9;

/** Everything that stands out, by kind in the order of FINDING_KINDS, then by item. */
export function audit(input: AuditInput): readonly AuditFinding[] {
  const usage = new Map(input.usage.map((entry) => [entry.itemId, entry]));
  const tasks = [...new Set(input.tasks.map(foldText))].map(subjectOf);
  const findings: AuditFinding[] = [
    ...input.conflicts.map(pairFinding),
    ...input.items.flatMap((item) => {
      const used = usage.get(item.id);
      return [
        ...unsafe(item),
        ...overBroad(item, tasks),
        ...(item.status !== "active" || used === undefined ? [] : [...declining(item, used), ...unused(item, used, input)]),
      ];
    }),
  ];
  const place = ({ kind }: AuditFinding): number => FINDING_KINDS.indexOf(kind);
  return findings.sort((a, b) => place(a) - place(b) || (a.itemId < b.itemId ? -1 : a.itemId > b.itemId ? 1 : 0));
}

function pairFinding({ kind, firstId, secondId, reason }: Conflict): AuditFinding {
  const [first, second] = [shortId(firstId), shortId(secondId)];
  return {
    kind: kind === "duplicate" ? "duplicate" : "conflict",
    itemId: firstId,
    otherId: secondId,
    reason,
    next: `agentlearn knowledge resolve ${first} ${second} --keep ${first}`,
  };
}

function unsafe(item: KnowledgeItem): readonly AuditFinding[] {
  const parts = unsafeParts(item);
  if (parts.length === 0) return [];
  const named = parts.map(({ kind, part }) => `${kind} ${JSON.stringify(part.slice(0, 60))}`).join(", ");
  return [{ kind: "unsafe", itemId: item.id, reason: `it holds what an agent should not be told unseen: ${named}`, next: retire(item) }];
}

function overBroad(item: KnowledgeItem, tasks: readonly ReadonlySet<string>[]): readonly AuditFinding[] {
  const words = subjectOf(item.appliesWhen);
  const finding = (reason: string): readonly AuditFinding[] => [
    {
      kind: "over-broad",
      itemId: item.id,
      reason,
      next: `agentlearn knowledge edit ${shortId(item.id)} --applies-when "..." --reason "..."`,
    },
  ];
  if (item.appliesWhen.trim() === "") return finding("it does not say when it applies");
  if (isEverywhere(item.appliesWhen)) return finding(`it applies to everything: "${item.appliesWhen.trim()}"`);
  if (words.size === 0) return finding(`its condition names no subject: "${item.appliesWhen.trim()}"`);
  if (subjectOf(item.content).size === 0) return finding("its instruction names no subject");
  const matching = tasks.filter((task) => [...words].every((word) => task.has(word))).length;
  if (tasks.length < LEAST_TASKS || matching < NEARLY_EVERY * tasks.length) return [];
  return finding(`every word of its condition stands in ${matching} of the ${tasks.length} latest tasks`);
}

function declining(item: KnowledgeItem, { judged }: ItemUsage): readonly AuditFinding[] {
  const outcomes = judged.map(({ success }) => success);
  if (outcomes.length < LEAST_RUNS) return [];
  const z = trendScore(outcomes);
  if (z > DECLINE_Z) return [];
  const half = Math.floor(outcomes.length / 2);
  const [before, after] = [outcomes.slice(0, half), outcomes.slice(half)].map(share);
  const reason = `success while given fell from ${before} to ${after} over ${outcomes.length} judged runs (first and second half; z ${z.toFixed(1)}, score test for a logistic trend, one-sided 1 %)`;
  return [{ kind: "declining", itemId: item.id, reason, next: `agentlearn knowledge show ${shortId(item.id)}` }];
}

function share(outcomes: readonly boolean[]): string {
  return `${Math.round((100 * outcomes.filter(Boolean).length) / outcomes.length)}%`;
}

function unused(item: KnowledgeItem, used: ItemUsage, { nowUs, staleDays }: AuditInput): readonly AuditFinding[] {
  const found = (kind: "stale" | "never-given", reason: string): AuditFinding => ({ kind, itemId: item.id, reason, next: retire(item) });
  const days = (atUs: TimeUs): number => Math.floor((nowUs - atUs) / DAY_US);
  const findings: AuditFinding[] = [];
  if (used.sources > 0 && used.sourcesStored === 0) {
    findings.push(
      found("stale", `none of the ${used.sources} runs it was read from is stored any more, so nobody can check it against them`),
    );
  } else {
    const newest = used.lastSourceAtUs ?? item.createdAtUs;
    // What was given since is in use, however old its sources are.
    const idle = used.lastGivenAtUs === undefined || days(used.lastGivenAtUs) >= staleDays;
    if (days(newest) >= staleDays && idle) {
      const last = used.lastGivenAtUs === undefined ? "it was never given since" : `it was last given ${days(used.lastGivenAtUs)} days ago`;
      findings.push(found("stale", `the newest run it was read from is ${days(newest)} days old, and ${last}`));
    }
  }
  if (used.runsGiven === 0 && days(item.createdAtUs) >= LEAST_AGE_DAYS)
    findings.push(found("never-given", `no run was given it in the ${days(item.createdAtUs)} days since it was made`));
  return findings;
}

function retire(item: KnowledgeItem): string {
  return `agentlearn knowledge ${item.status === "candidate" ? "reject" : "deprecate"} ${shortId(item.id)} --reason "..."`;
}
