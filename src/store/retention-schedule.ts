import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/error.ts";
import type { AdminStore, RetentionOptions } from "./ports.ts";

const HOUR_MS = 3_600_000;

export interface RetentionScheduleOptions {
  readonly store: Pick<AdminStore, "retain">;
  readonly ages: RetentionOptions;
  readonly clock: Clock;
  readonly report: (message: string) => void;
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly elapsedMs?: () => number;
}

/** At once and then every hour, on the thread of the owner. A round under way at `stop` ends when the store closes under it. */
export function startRetention(options: RetentionScheduleOptions): { stop(): void } {
  const elapsedMs = options.elapsedMs ?? (() => performance.now());
  const wallMs = (): number => options.clock.nowUs() / 1_000;
  let [wall, elapsed] = [wallMs(), elapsedMs()];
  let stopped = false;
  let running = false;

  const round = async (): Promise<void> => {
    const drift = Math.abs(wallMs() - wall - (elapsedMs() - elapsed));
    [wall, elapsed] = [wallMs(), elapsedMs()];
    // A wall clock that ran away from the monotonic one was set, or the machine slept. A clock set wrong is put right within the hour as a rule, and
    // what would go now can go then.
    if (running || drift > HOUR_MS) return;
    running = true;
    try {
      await options.store.retain(options.ages);
    } catch (caught) {
      if (!stopped) options.report(`retention failed and will be tried again: ${messageOf(caught)}`);
    } finally {
      running = false;
    }
  };
  void round();
  const timer = setInterval(() => void round(), HOUR_MS);
  timer.unref();
  return {
    stop: () => {
      stopped = true;
      clearInterval(timer);
    },
  };
}

/** The longer of two ages each; 0 is for ever. What one of two parties wants kept stays. */
export function longerOf(left: RetentionOptions, right: RetentionOptions | undefined): RetentionOptions {
  if (right === undefined) return left;
  const longer = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : Math.max(a, b));
  return {
    rawRetentionDays: longer(left.rawRetentionDays, right.rawRetentionDays),
    traceRetentionDays: longer(left.traceRetentionDays, right.traceRetentionDays),
  };
}
