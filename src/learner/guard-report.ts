import { type Origin, whyItWaits } from "../knowledge/guards/by-evidence.ts";
import { independentPrincipals } from "../knowledge/guards/principals.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import { longestRun } from "../lesson/guards/copy-through.ts";
import { type GuardFinding, review } from "../lesson/guards/review.ts";
import { taintOf } from "../lesson/guards/taint.ts";
import { untrustedTexts } from "../lesson/guards/untrusted-text.ts";
import type { Store } from "../store/ports.ts";
import { type SourceRuns, sourceRunsOf } from "./source-runs.ts";

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

/** What the guards say about an item as it reads now. */
export interface GuardReport extends Origin {
  /** Why it is neither tested nor activated without a person. Empty: nothing was found. */
  readonly findings: readonly GuardFinding[];
  /** Longest first, one per source run, of the first runs. */
  readonly provenance: readonly Provenance[];
  readonly sources: number;
  readonly missing: number;
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

export function guardReport(item: KnowledgeItem, { runs, missing }: SourceRuns): GuardReport {
  const origin = { taint: taintOf(item, runs), principals: independentPrincipals(runs) };
  const waits = whyItWaits(origin, "evidence");
  return {
    ...origin,
    findings: review({ lesson: item, sources: runs, missing }),
    provenance: provenanceOf(item, runs.slice(0, SHOWN_RUNS)),
    sources: runs.length,
    missing: missing.length,
    ...(waits === undefined ? {} : { waits }),
  };
}

/** "copy-through: it repeats ..." of each finding. */
export function findingsText(findings: readonly GuardFinding[]): string {
  return findings.map(({ guard, reason }) => `it ${reason} (${guard})`).join("; ");
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
