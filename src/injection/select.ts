import { scopeOf } from "../knowledge/knowledge-item.ts";
import type { Reporter } from "../telemetry/report.ts";
import { assign, type Limits } from "./assign.ts";
import type { Injection } from "./injection.ts";
import type { InjectionRequest, KnowledgeSearch } from "./ports.ts";

export interface SelectOptions extends InjectionRequest, Limits {
  readonly search: KnowledgeSearch;
  /** Told when more items are pinned than are given. */
  readonly reporter?: Reporter;
}

/** Candidates asked for per place, since some fall away as duplicates or as another agent's. */
export const SPARE = 2;

/** Pinned items first, then what the search finds for the task, then what is proven for the agent that asks; see `assign` for who is eligible and how the arms are drawn. */
export async function select(options: SelectOptions): Promise<Injection> {
  const { search, task, agentName, maxItems = 10 } = options;
  const asking = scopeOf(options);
  const [pinned, ranked, proven] = await Promise.all([
    search.pinnedItems(asking),
    // A blank task matches nothing; asking would only bother the index.
    task.trim() === "" || maxItems === 0 ? [] : search.searchKnowledge(task, maxItems * SPARE, asking),
    agentName === undefined || maxItems === 0 ? [] : search.provenItems(asking, maxItems),
  ]);
  if (options.reporter !== undefined) warnOfTooMany(pinned.length, options, options.reporter);
  // The words of a task miss what means the same. What was proven for this agent, given on every task of its test, takes the places that are left.
  return assign(options, { pinned, ranked: [...ranked, ...proven] }, options);
}

/** Pinned means "always"; where the limit says otherwise somebody has to hear of it. Said once per number. */
export function warnOfTooMany(pinned: number, { maxPinned = 20 }: Limits, reporter: Reporter): void {
  if (pinned > maxPinned) {
    reporter.failure(
      `${pinned} items are pinned and maxPinned is ${maxPinned}: the newest ${pinned - maxPinned} are not given; unpin some`,
    );
  }
}
