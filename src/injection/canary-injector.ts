import { LearnError } from "../base/error.ts";
import { uniformOf } from "../base/id.ts";
import { type CanaryItem, canaryItem } from "../knowledge/canary-item.ts";
import { createReporter, type Reporter } from "../telemetry/report.ts";
import type { Limits } from "./assign.ts";
import type { Injector } from "./injector.ts";
import { createSmartInjector } from "./smart-injector.ts";
import { mayBeTried, withUntested } from "./untested.ts";

export interface CanaryOptions extends Limits {
  /** In (0, 1): share of the runs, or conversations, that are given a canary item. Default 0.05. */
  readonly share?: number;
  /** Chooses everything else. Default: the smart injector. */
  readonly base?: Injector;
}

/** People put items into canary one by one. */
const MOST_LISTED = 1_000;

/**
 * What its base chooses, and in a share of the runs one untested item that a person put into canary. At most one a run, and which one is drawn apart from
 * whether it is given: so each item's runs with and without it differ by a draw of known probability, and no two untested items share a run.
 * The draw hangs on the seed, so that a conversation stays on its side.
 */
export function createCanaryInjector(options: CanaryOptions = {}, reporter: Reporter = createReporter("injection")): Injector {
  const { share = 0.05, base: chosenBase, ...limits } = options;
  if (!(share > 0 && share < 1)) throw new LearnError("invalid", `the canary share is ${share}, it must be above 0 and below 1`);
  const base = chosenBase ?? createSmartInjector();
  return {
    name: "CanaryInjector",
    inject: async (request, sources) => {
      const asked = { ...request, ...limits };
      if (sources.library === undefined)
        reporter.failure("no candidate can be given here", new Error("canary needs the store, and this process knows a collector only"));
      const [injection, candidates] = await Promise.all([
        base.inject(asked, sources),
        sources.library?.listKnowledge({ status: "candidate", limit: MOST_LISTED }) ?? [],
      ]);
      const eligible = candidates.flatMap((item) => canaryItem(item) ?? []).filter((item) => mayBeTried(item, asked, injection));
      const item = drawOne(eligible, request.seed);
      if (item === undefined) return injection;
      return withUntested(injection, item, share, () => uniformOf(`${request.seed}:canary`) < share);
    },
  };
}

/** Oldest first, so that the draw does not hang on the order of the store. */
function drawOne(items: readonly CanaryItem[], seed: string): CanaryItem | undefined {
  const ordered = [...items].sort((a, b) => a.createdAtUs - b.createdAtUs || (a.id < b.id ? -1 : 1));
  return ordered[Math.floor(uniformOf(`${seed}:which-canary`) * ordered.length)];
}
