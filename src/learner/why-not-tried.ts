import { shortId } from "../base/id.ts";
import { canaryItem } from "../knowledge/canary-item.ts";
import { type Activation, whyItWaits } from "../knowledge/guards/by-evidence.ts";
import { findingsText } from "../knowledge/guards/guard-record.ts";
import { type KnowledgeItem, scopeOf } from "../knowledge/knowledge-item.ts";
import { guardLesson } from "../lesson/guard.ts";
import type { Store } from "../store/ports.ts";
import { guardReport } from "./guard-report.ts";
import { sourceRunsOf } from "./source-runs.ts";

export interface TryOptions {
  readonly store: Store;
  readonly activation: Activation;
  /** Remembers objections from one look to the next: reading the source runs of all candidates takes its time. Forget it now and then. */
  readonly known?: Map<string, string>;
}

/**
 * Why a candidate may not be tried on live runs: unless a person put it into canary, the same conditions as becoming active by evidence, since for those who are
 * given it there is no difference. A sentence fragment; "decided" where that was answered already and there is nothing to say; undefined when it may.
 */
export async function whyNotTried(options: TryOptions, item: KnowledgeItem): Promise<string | undefined> {
  const { store, known } = options;
  const key = `${item.id} ${item.version}`;
  const before = known?.get(key);
  if (before !== undefined) return before;
  const objection = await objectionTo(options, item);
  if (objection !== undefined) known?.set(key, objection);
  if (objection !== undefined) return objection;
  const [conflict] = await store.conflictsOf(item);
  return conflict === undefined ? undefined : `it contradicts an active item (${conflict.reason})`;
}

/** What only a new version of the item can change, new models apart. */
async function objectionTo({ store, activation }: TryOptions, item: KnowledgeItem): Promise<string | undefined> {
  const { validation } = item;
  const isDecided = validation?.decision === "refuse" || validation?.kind === "online";
  if (isDecided && !(await isReopened(store, item))) return "decided";
  if (item.revises !== undefined) return `it revises ${item.revises.slice(0, 8)}, and a run would be given both`;
  const problem = guardLesson({ ...item, reasoning: "" });
  if (problem !== undefined) return `it ${problem}`;
  // A named person chose to have this very text tried, and the guards of its words were asked then.
  if (canaryItem(item) !== undefined) return undefined;
  const unseen = await unseenObjection({ store, activation }, item);
  return unseen === undefined ? undefined : `${unseen}; or \`agentlearn knowledge canary ${shortId(item.id)} --reason ...\` lets it in`;
}

/** What a person may overrule. */
async function unseenObjection({ store, activation }: TryOptions, item: KnowledgeItem): Promise<string | undefined> {
  const ended = (await store.historyOf(item.id)).findLast(
    ({ action }) => action === "trial-end" || action === "edit" || action === "restore",
  );
  if (ended?.action === "trial-end" && ended.actor !== "learner") return "a person ended its trial";
  const sources = await sourceRunsOf(store, item.sourceTraceIds);
  if (sources.missing.length > 0) return `${sources.missing.length} of the runs it was read from can't be found`;
  const report = guardReport(item, sources);
  if (report.findings.length > 0) return `quarantined: ${findingsText(report.findings)}`;
  return whyItWaits(report, activation === "approval" ? "evidence" : activation);
}

/** A trial that spoke against it said so of the models that ran then; others may run now. */
async function isReopened(store: Store, item: KnowledgeItem): Promise<boolean> {
  const { validation } = item;
  if (validation?.kind !== "online" || validation.decision !== "refuse") return false;
  const measured = new Set((validation.online?.strata ?? []).map(({ model }) => model));
  const then = new Set(await store.modelsBefore(validation.createdAtUs, scopeOf(item)));
  const now = await store.modelsBefore(Number.MAX_SAFE_INTEGER, scopeOf(item));
  return now.some((model) => !then.has(model) && !measured.has(model) && (item.model ?? model) === model);
}
