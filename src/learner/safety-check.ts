import type { EvalStore } from "../evaluation/ports.ts";
import { SAFETY_TAG, type SafetyReport, testSet } from "../knowledge/guards/safety-cases.ts";
import { injectable } from "../knowledge/injectable.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import type { AgentRunner, KnowledgeStore, ValidationCase } from "../knowledge/ports.ts";
import { beside, casesFor } from "../knowledge/test-bed.ts";
import { renderWith, replacedWith } from "./without-leaks.ts";

/** Asks the safety cases of everything active with this item in it, or says why it does not. */
export type SafetyCheck = (item: KnowledgeItem) => Promise<SafetyReport>;

/** The same for items that passed on live runs, where mostly nobody can ask: it counts the user's own cases that were left unasked. */
export function createOnlineSafetyCheck(options: SafetyCheckOptions & { readonly store: Pick<EvalStore, "listEvalCases"> }): SafetyCheck {
  const check = createSafetyCheck(options);
  return async (item) => {
    const report = await check(item);
    if (report.notRun === undefined) return report;
    const unasked = (await options.store.listEvalCases()).filter(({ tags }) => tags.includes(SAFETY_TAG)).length;
    return unasked === 0 ? report : { ...report, unasked };
  };
}

export interface SafetyCheckOptions {
  readonly store: Pick<KnowledgeStore, "listKnowledge">;
  readonly runner?: AgentRunner;
  /** The agent that the runner runs; items of others are not in its prompt. */
  readonly agentName?: string;
  /** Those tagged as safety cases count; the others are passed over. */
  readonly cases?: readonly ValidationCase[];
  /** Those that ship. None by default. */
  readonly safetyCases?: readonly ValidationCase[];
  readonly passScore: number;
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

/** Reads what is active at each call: earlier promotions of a cycle belong to the set. */
export function createSafetyCheck(options: SafetyCheckOptions): SafetyCheck {
  const { store, runner, agentName, cases = [], safetyCases = [], passScore, concurrency, signal } = options;
  const isOwn = (item: KnowledgeItem): boolean => agentName === undefined || (item.agentName ?? agentName) === agentName;
  return async (item) => {
    const notRun = (reason: string): SafetyReport => ({ asked: 0, failed: [], ownFaults: [], notRun: reason });
    if (runner === undefined) return notRun("no agent runner");
    if (!isOwn(item)) return notRun(`the runner is agent ${agentName}, and the item is of agent ${item.agentName}`);
    const active = (await store.listKnowledge({ status: "active", limit: 1_000 })).filter(isOwn).flatMap((one) => injectable(one) ?? []);
    return testSet({
      cases: casesFor(item, [...cases, ...safetyCases]),
      runner,
      knowledge: renderWith(beside(item, active), item, await replacedWith(store, item)),
      passScore,
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(signal === undefined ? {} : { signal }),
    });
  };
}
