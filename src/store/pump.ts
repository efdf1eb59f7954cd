import { messageOf } from "../base/error.ts";

/** What maps and assembles; the learner room makes it. */
export interface IngestSteps {
  /** One bounded piece of work. `busy`: there is more to do at once. */
  step(): Promise<{ readonly mapped: number; readonly assembled: number; readonly busy: boolean }>;
  drain(force: boolean): Promise<{ readonly mapped: number; readonly assembled: number }>;
}

export interface Pump {
  /** Something was appended: do not wait for the timer. */
  wake(): void;
  /** Never runs beside a step. */
  drain(force: boolean): Promise<{ readonly mapped: number; readonly assembled: number }>;
  /** Resolves when the running step is over. */
  stop(): Promise<void>;
}

// Traces become complete by time and not by an event, so somebody must look. 250 ms is below what a person notices and 4 empty queries a second.
const IDLE_MS = 250;

/** Runs the steps on this thread, for ever or only when asked to drain. A failing step is reported and tried again after the idle time; it never ends the pump. */
export function startPump(ingest: IngestSteps, when: "continuous" | "on-demand", report: (message: string) => void): Pump {
  let stopped = false;
  let woken = false;
  let rouse: (() => void) | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work);
    turn = result.catch(() => undefined);
    return result;
  };
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, IDLE_MS);
      rouse = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const loop = async (): Promise<void> => {
    while (!stopped) {
      woken = false;
      let busy = false;
      let failed = false;
      try {
        ({ busy } = await alone(() => ingest.step()));
      } catch (caught) {
        failed = true;
        report(`ingest failed and will be tried again: ${messageOf(caught)}`);
      }
      if (stopped) return;
      // After a fault always wait: a step that fails at once would spin.
      if (failed || !(busy || woken)) await pause();
      // Appends that arrived meanwhile are committed before the next step begins.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const running = when === "continuous" ? loop() : Promise.resolve();

  return {
    wake: () => {
      woken = true;
      rouse?.();
    },
    drain: (force) => alone(() => ingest.drain(force)),
    stop: async () => {
      stopped = true;
      rouse?.();
      await running;
      await turn;
    },
  };
}
