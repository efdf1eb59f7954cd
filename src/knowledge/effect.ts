import { differenceSequence } from "../stats/difference-sequence.ts";
import { type Interval, wilson } from "../stats/wilson.ts";
import type { ExposureCounts } from "./knowledge-item.ts";

/** What live runs say about one item. */
export interface Effect {
  /** Success rate of runs that were given it; absent before the first judged one. Reported, never decided on: a rule that helps on hard tasks has a low one. */
  readonly effectiveness?: number;
  /** Wilson's 95 % interval of `effectiveness`: fixed n, for display. */
  readonly effectivenessInterval: Interval;
  /** Success rate given minus success rate withheld; absent until both arms have a judged run. */
  readonly difference?: number;
  /** Covers the true difference with probability 1 - alpha at every moment at once, so it may be looked at after every run. */
  readonly interval: Interval;
  readonly alpha: number;
  /** helps: the whole interval is above 0. harms: all of it is below. */
  readonly verdict: "helps" | "harms" | "undecided";
}

/**
 * The effect of an item, from runs that were given or denied it by the draw. Sound while the withholding probability stays the same:
 * after a change, runs from before and after are no longer exchangeable between the arms, and counting should start anew.
 */
export function effectOf(counts: ExposureCounts, alpha = 0.05): Effect {
  const { given, givenSuccess, withheld, withheldSuccess } = counts;
  const interval = differenceSequence({ successes: givenSuccess, trials: given }, { successes: withheldSuccess, trials: withheld }, alpha);
  return {
    ...(given === 0 ? {} : { effectiveness: givenSuccess / given }),
    effectivenessInterval: wilson(givenSuccess, given),
    ...(given === 0 || withheld === 0 ? {} : { difference: givenSuccess / given - withheldSuccess / withheld }),
    interval,
    alpha,
    verdict: interval.lower > 0 ? "helps" : interval.upper < 0 ? "harms" : "undecided",
  };
}
