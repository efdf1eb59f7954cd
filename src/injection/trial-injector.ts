import { uniformOf } from "../base/id.ts";
import type { OnTrial } from "../knowledge/canary-item.ts";
import type { Injector, KnowledgeSources } from "./injector.ts";
import type { TrialSource } from "./trial-desk.ts";
import { mayBeTried, withUntested } from "./untested.ts";

/**
 * What its base chooses, and in the share that its trial says one item on trial, framed as untested. Which trial a run belongs to hangs on its seed and on who asks,
 * not on its task, so that a run that asks twice, and a conversation, meets one of them at most; all others stay as they are when one ends. Where the
 * base tries what a person put into canary, half of the seeds are its, for the same reason.
 */
export function withTrials(base: Injector, trials: TrialSource): Injector {
  return {
    name: base.name,
    inject: async (request, sources) => {
      const running = await trials.trials(request);
      if (running.length === 0) return base.inject(request, sources);
      const isOwn = base.name !== "CanaryInjector" || uniformOf(`${request.seed}:untested`) < 0.5;
      if (!isOwn) return base.inject(request, sources);
      const injection = await base.inject(request, withoutCandidates(sources));
      const trial = chosen(running, request.seed);
      if (!trial.ready || !mayBeTried(trial.item, request, injection)) return injection;
      const drawn = withUntested(injection, trial.item, trial.share, () => uniformOf(`${request.seed}:trial:${trial.seed}`) < trial.share);
      if (drawn.canary?.member === true) trials.give(trial.seed);
      return drawn;
    },
  };
}

/** The highest draw wins: when one trial ends, only its own runs come to others. */
function chosen<Trial extends OnTrial>(running: readonly Trial[], seed: string): Trial {
  const drawn = running.map((trial) => ({ trial, at: uniformOf(`${seed}:which:${trial.seed}`) }));
  return drawn.reduce((best, next) => (next.at > best.at ? next : best)).trial;
}

function withoutCandidates(sources: KnowledgeSources): KnowledgeSources {
  return { ...sources, library: { listKnowledge: async () => [] } };
}
