import type { Clock } from "../base/clock.ts";
import { isLearnError } from "../base/error.ts";
import { findingsText } from "../knowledge/guards/guard-record.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import { hold } from "../knowledge/life-cycle.ts";
import type { Store } from "../store/ports.ts";
import { guardReport, recordGuards } from "./guard-report.ts";
import type { LearnReport } from "./ports.ts";
import type { SourceRuns } from "./source-runs.ts";

/**
 * A candidate that a guard objects to is not tested: its test would run the user's agent under a rule that nobody should follow unseen. It stays a
 * candidate, and why stands in its history, once. Undefined when no guard objects.
 */
export async function holdQuarantined(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  candidate: KnowledgeItem,
  sources: SourceRuns,
  actor: string,
): Promise<LearnReport["decisions"][number] | undefined> {
  const item = await recordGuards(store, candidate, sources);
  const { findings } = guardReport(item, sources);
  if (findings.length === 0) return undefined;
  const reason = `quarantined: ${findingsText(findings)}`;
  const short = item.id.slice(0, 8);
  const next = `${reason}; read it with \`agentlearn knowledge show ${short}\`, then \`approve ${short} --reason ...\` or \`reject\``;
  const last = (await store.historyOf(item.id)).at(-1);
  if (last?.action === "hold" && last.reason === reason) return { item, next };
  const held = hold(item, { actor, reason, atUs: clock.nowUs() });
  try {
    await store.saveItem(held.item, held.entry);
  } catch (caught) {
    // Somebody was faster; it is looked at again in the next cycle.
    if (!isLearnError(caught) || caught.code !== "conflict") throw caught;
    return { item, next };
  }
  return { item: held.item, next };
}
