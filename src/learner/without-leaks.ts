import { render, renderTrial } from "../injection/render.ts";
import type { InjectableItem } from "../knowledge/injectable.ts";
import type { KnowledgeItem } from "../knowledge/knowledge-item.ts";
import { excludeOwnTasks } from "../knowledge/own-tasks.ts";
import type { AgentRunner, ValidationCase } from "../knowledge/ports.ts";
import type { Store } from "../store/ports.ts";
import { sourceRunsOf, tasksOf } from "./source-runs.ts";

/** By task: the active items that were read from a run on that task, or on nearly the same. */
export type Leaks = ReadonlyMap<string, ReadonlySet<string>>;

/** Which active items know which cases. An item whose runs are gone cannot be told, and stays. */
export async function findLeaks(
  store: Pick<Store, "getTrace" | "spansOf">,
  active: readonly KnowledgeItem[],
  cases: readonly ValidationCase[],
): Promise<Leaks> {
  const leaks = new Map<string, Set<string>>();
  for (const item of active) {
    const tasks = tasksOf(await sourceRunsOf(store, item.sourceTraceIds));
    if (tasks.length === 0) continue;
    const foreign = new Set(excludeOwnTasks(cases, tasks));
    for (const { task } of cases.filter((one) => !foreign.has(one))) leaks.set(task, (leaks.get(task) ?? new Set()).add(item.id));
  }
  return leaks;
}

export interface TestedText {
  readonly active: readonly InjectableItem<KnowledgeItem>[];
  /** The block on the side without the candidate, as the gate asks for it. */
  readonly context: string;
  readonly candidate: KnowledgeItem;
  /** Ids of items whose place it takes, or takes back. */
  readonly replaces: ReadonlySet<string>;
}

/**
 * The runner, with the items left out of a case's prompt that were read from that case's own task. They may quote its answer: on both sides of a test that hides
 * what the candidate does there, and lets a rule look good that only works beside a memorised answer. Same text for same case, so one baseline serves all candidates.
 */
export function withoutLeaks(runner: AgentRunner, leaks: Leaks, { active, context, candidate, replaces }: TestedText): AgentRunner {
  return (task, knowledge, signal) => {
    const own = leaks.get(task);
    if (own === undefined) return runner(task, knowledge, signal);
    const left = active.filter(({ id }) => !own.has(id));
    return runner(task, knowledge === context ? render(left) : renderWith(left, candidate, replaces), signal);
  };
}

/** The block with the candidate in it: a revision stands in the place of what it revises, not beside it, and what was revised in the place of its revision. */
export function renderWith(
  active: readonly InjectableItem<KnowledgeItem>[],
  candidate: KnowledgeItem,
  replaces: ReadonlySet<string>,
): string {
  return renderTrial(
    active.filter(({ id }) => !replaces.has(id)),
    candidate,
  );
}

/** Ids of items that do not stand beside this one: what it revises, and what revises it. */
export async function replacedWith(store: Pick<Store, "listKnowledge">, item: KnowledgeItem): Promise<ReadonlySet<string>> {
  const successors = await store.listKnowledge({ revises: item.id, status: "active" });
  return new Set([...(item.revises === undefined ? [] : [item.revises]), ...successors.map(({ id }) => id)]);
}
