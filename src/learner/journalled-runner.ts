import { digest } from "../base/id.ts";
import type { AgentRunner } from "../knowledge/ports.ts";
import type { SpendStore } from "../store/ports.ts";

export interface RunnerJournalOptions {
  readonly store: Pick<SpendStore, "saveAnswer" | "answerOf">;
  readonly cycleId: string;
  readonly onRun?: (reused: boolean) => void;
}

/**
 * The same agent, where every answer is durable before it counts: a cycle that is gone on with after a crash gets it back. The n-th run on a task with the
 * same knowledge gets the n-th answer of its own cycle and of no other, since another cycle tests anew. A run that fails leaves nothing.
 */
export function journalledRunner(runner: AgentRunner, { store, cycleId, onRun }: RunnerJournalOptions): AgentRunner {
  const begun = new Map<string, number>();
  return async (task, knowledge, signal) => {
    const run = digest(["run", cycleId, task, knowledge], 64);
    const turn = begun.get(run) ?? 0;
    begun.set(run, turn + 1);
    const key = digest([run, String(turn)]);
    const known = await store.answerOf(key);
    if (known !== undefined) {
      onRun?.(true);
      return known.answer as string;
    }
    const answer: unknown = await runner(task, knowledge, signal);
    onRun?.(false);
    if (typeof answer === "string") await store.saveAnswer({ key, cycleId, step: "run", answer });
    // What is no text is the validator's to refuse.
    return answer as string;
  };
}
