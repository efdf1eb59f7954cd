import { contentDigest } from "../knowledge/evidence.ts";
import { whyItWaits } from "../knowledge/guards/by-evidence.ts";
import { type GuardRecord, guardRecordOf, type Provenance } from "../knowledge/guards/guard-record.ts";
import { independentPrincipals } from "../knowledge/guards/principals.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import { longestRun } from "../lesson/guards/copy-through.ts";
import { askGuards, findingsIn, type GuardFinding } from "../lesson/guards/review.ts";
import { taintOf } from "../lesson/guards/taint.ts";
import { untrustedTexts } from "../lesson/guards/untrusted-text.ts";
import type { Store } from "../store/ports.ts";
import { type SourceRuns, sourceRunsOf } from "./source-runs.ts";

/** What the guards say about an item as it reads now. */
export interface GuardReport extends Omit<GuardRecord, "contentDigest"> {
  /** Why it is neither tested nor activated without a person. Empty: nothing was found. */
  readonly findings: readonly GuardFinding[];
  /** Why it waits for a person where evidence activates what is trusted; absent when it does not. */
  readonly waits?: string;
}

/** Fewer words in a row are in any two texts. */
const LEAST_SHARED = 3;
const SHOWN_RUNS = 5;

/** Reads the source runs and asks every guard. Changes nothing. */
export async function readGuardReport(store: Pick<Store, "getTrace" | "spansOf">, item: KnowledgeItem): Promise<GuardReport> {
  return guardReport(item, await sourceRunsOf(store, item.sourceTraceIds));
}

/** Where runs are gone, what was recorded when they were there counts too: what was seen stays true. */
export function guardReport(item: KnowledgeItem, sources: SourceRuns): GuardReport {
  const live = liveReport(item, sources);
  const record = guardRecordOf(item);
  if (record === undefined || record.sources <= live.sources) return live;
  return reported({
    ...live,
    taint: [...new Set([...live.taint, ...record.taint])],
    principals: Math.max(live.principals, record.principals),
    guards: live.guards.map((now) => (now.decision === "allow" ? (record.guards.find(({ guard }) => guard === now.guard) ?? now) : now)),
    provenance: record.provenance,
  });
}

/** Stores what the guards say of the item as it reads now, for whoever looks when its runs are gone. A record of more runs stays as it is. */
export async function recordGuards(
  store: Pick<Store, "getTrace" | "spansOf" | "saveGuards">,
  item: KnowledgeItem,
  sources?: SourceRuns,
): Promise<KnowledgeItem> {
  const { findings: _findings, waits: _waits, ...said } = liveReport(item, sources ?? (await sourceRunsOf(store, item.sourceTraceIds)));
  const guards: GuardRecord = { contentDigest: contentDigest(item), ...said };
  const known = guardRecordOf(item);
  if (known !== undefined && (known.sources > guards.sources || JSON.stringify(known) === JSON.stringify(guards))) return item;
  await store.saveGuards(item.id, guards);
  return { ...item, guards };
}

function liveReport(item: KnowledgeItem, { runs, missing }: SourceRuns): GuardReport {
  return reported({
    taint: taintOf(item, runs),
    principals: independentPrincipals(runs),
    guards: askGuards({ lesson: item, sources: runs, missing }),
    provenance: provenanceOf(item, runs.slice(0, SHOWN_RUNS)),
    sources: runs.length,
    missing: missing.length,
  });
}

function reported(said: Omit<GuardReport, "findings" | "waits">): GuardReport {
  const waits = whyItWaits(said, "evidence");
  return { ...said, findings: findingsIn(said.guards), ...(waits === undefined ? {} : { waits }) };
}

function provenanceOf(item: KnowledgeItem, runs: SourceRuns["runs"]): readonly Provenance[] {
  const found = runs.flatMap((run): Provenance[] => {
    const shared = longestRun(item.content, untrustedTexts(run));
    if (shared === undefined || shared.tokens.length < LEAST_SHARED) return [];
    const { step, spanId, field } = shared.from;
    const at = { ...(step === undefined ? {} : { step }), ...(spanId === undefined ? {} : { spanId }) };
    return [{ traceId: run.id, ...at, field, words: shared.tokens.join(" ") }];
  });
  return found.sort((a, b) => b.words.length - a.words.length);
}
