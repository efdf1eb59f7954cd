import { waitFor } from "../base/wait-for.ts";
import { type OnTrial, onlineItem } from "../knowledge/canary-item.ts";
import { appliesTo, type ItemInUse, type Scope } from "../knowledge/knowledge-item.ts";
import type { OnlineSetting } from "../knowledge/online-setting.ts";
import { createReporter, type Reporter } from "../telemetry/report.ts";
import type { TrialRations } from "./ports.ts";

/** What one process may give of items on trial. */
export interface TrialSource {
  /** The trials of items that apply to who asks, oldest first; `ready` where this process has an answer left to give. Waits a moment for its first one. */
  trials(asking: Scope): Promise<readonly (OnTrial & { readonly ready: boolean })[]>;
  /** One answer holds the item of this trial. */
  give(seed: string): void;
}

export interface TrialDeskOptions {
  readonly setting: OnlineSetting;
  /** Candidates that say they are on trial, as lately heard. */
  items(): Promise<readonly ItemInUse[]>;
  readonly rations: TrialRations;
  readonly reporter?: Reporter;
  /** Milliseconds of a clock that only goes forward. Default performance.now. */
  readonly nowMs?: () => number;
}

/** The first answer is asked for when a trial is first seen; a process that makes one run should take part in that one. */
const FIRST_WAIT_MS = 50;
/** What a process holds when it dies is lost to the trial; it asks for one, two, four, and no more than this at once. */
const MOST_AT_ONCE = 8;
/** After "none left", and after a failure. */
const ASK_AGAIN_MS = 5_000;

interface Stock {
  left: number;
  next: number;
  asking: Promise<void> | undefined;
  askAgainAtMs: number;
}

/**
 * Holds a few answers of each trial, taken ahead so that no question waits for them. All processes together give no more than the trial has: an
 * answer that was not taken before is not given.
 */
export function createTrialDesk(options: TrialDeskOptions): TrialSource {
  const { setting, rations, reporter = createReporter("online validation"), nowMs = () => performance.now() } = options;
  const stocks = new Map<string, Stock>();

  function refill(seed: string, stock: Stock): Promise<void> {
    if (stock.asking !== undefined) return stock.asking;
    if (stock.left > stock.next / 4 || nowMs() < stock.askAgainAtMs) return Promise.resolve();
    const count = stock.next;
    stock.asking = rations
      .takeTrialRuns(seed, count)
      .then((granted) => {
        stock.left += granted;
        stock.next = Math.min(MOST_AT_ONCE, count * 2);
        if (granted === 0) stock.askAgainAtMs = nowMs() + ASK_AGAIN_MS;
      })
      .catch((caught: unknown) => {
        stock.askAgainAtMs = nowMs() + ASK_AGAIN_MS;
        reporter.failure("no answers of a trial could be taken, so none is given", caught);
      })
      .finally(() => {
        stock.asking = undefined;
      });
    return stock.asking;
  }

  return {
    async trials(asking) {
      const found = (await options.items()).flatMap((item) => onlineItem(item, setting) ?? []);
      for (const seed of [...stocks.keys()]) if (found.every((trial) => trial.seed !== seed)) stocks.delete(seed);
      const own = found.filter(({ item }) => appliesTo(item, asking));
      const first: Promise<void>[] = [];
      for (const { seed } of own) {
        const isNew = !stocks.has(seed);
        const stock = stocks.get(seed) ?? { left: 0, next: 1, asking: undefined, askAgainAtMs: Number.NEGATIVE_INFINITY };
        stocks.set(seed, stock);
        const asked = refill(seed, stock);
        if (isNew) first.push(asked);
      }
      if (first.length > 0) await waitFor(Promise.all(first), FIRST_WAIT_MS);
      return own.map((trial) => ({ ...trial, ready: (stocks.get(trial.seed)?.left ?? 0) > 0 }));
    },
    give(seed) {
      const stock = stocks.get(seed);
      if (stock === undefined) return;
      stock.left -= 1;
      void refill(seed, stock);
    },
  };
}
