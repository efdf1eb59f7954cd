import { LearnError } from "../base/error.ts";
import { uniformOf } from "../base/id.ts";
import { nearDuplicate, tokenSet } from "../base/similarity.ts";
import { type CanaryItem, canaryItem } from "../knowledge/canary-item.ts";
import { appliesTo } from "../knowledge/knowledge-item.ts";
import { createReporter, type Reporter } from "../telemetry/report.ts";
import type { Limits } from "./assign.ts";
import type { Injection } from "./injection.ts";
import type { Injector } from "./injector.ts";
import { factsOf } from "./item-facts.ts";
import type { InjectionRequest } from "./ports.ts";
import { renderCanary } from "./render.ts";
import { createSmartInjector } from "./smart-injector.ts";

export interface CanaryOptions extends Limits {
  /** In (0, 1): share of the runs, or conversations, that are given a canary item. Default 0.05. */
  readonly share?: number;
  /** Chooses everything else. Default: the smart injector. */
  readonly base?: Injector;
}

/** People put items into canary one by one. */
const MOST_LISTED = 1_000;
/** Words shorter than that say too little to tell what a task is about. */
const TELLING_LETTERS = 4;

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
      const eligible = candidates.flatMap((item) => canaryItem(item) ?? []).filter((item) => isEligible(item, asked, injection));
      const item = drawOne(eligible, request.seed);
      if (item === undefined) return injection;
      // A control run is given nothing, this neither; its share of the runs is part of the probability.
      const isControl = injection.arm === "control";
      const member = !isControl && uniformOf(`${request.seed}:canary`) < share;
      const canary = { item, member, share: share * (1 - (injection.controlShare ?? 0)) };
      const text = member ? [injection.text, renderCanary(item)].filter((block) => block !== "").join("\n\n") : injection.text;
      return { ...injection, text, canary };
    },
  };
}

/** For who asks, about the task, not said already, and within what the budget has left when nothing is withheld. */
function isEligible(item: CanaryItem, request: InjectionRequest & Limits, { given, withheld, listed = [] }: Injection): boolean {
  if (!appliesTo(item, request) || !fitsTask(item, request)) return false;
  const others = [...given, ...withheld, ...listed];
  if (others.some((other) => nearDuplicate(other.content, item.content))) return false;
  const spent = others.reduce((sum, other) => sum + factsOf(other).cost, 0);
  return spent + factsOf(item).cost <= (request.maxTokens ?? 1500);
}

/** Made from runs of the very agent that asks, or sharing a telling word with the task: the same two ways by which tested items come in. */
function fitsTask(item: CanaryItem, { task, agentName }: InjectionRequest): boolean {
  if (agentName !== undefined && item.agentName === agentName) return true;
  const words = tokenSet(`${item.appliesWhen} ${item.content}`);
  return [...tokenSet(task)].some((word) => word.length >= TELLING_LETTERS && words.has(word));
}

/** Oldest first, so that the draw does not hang on the order of the store. */
function drawOne(items: readonly CanaryItem[], seed: string): CanaryItem | undefined {
  const ordered = [...items].sort((a, b) => a.createdAtUs - b.createdAtUs || (a.id < b.id ? -1 : 1));
  return ordered[Math.floor(uniformOf(`${seed}:which-canary`) * ordered.length)];
}
