import type { TimeUs } from "../base/clock.ts";
import type { Trace } from "../trace/trace.ts";
import { isFeedback, type Outcome } from "./outcome.ts";
import type { OutcomeSignal } from "./ports.ts";
import { isScore } from "./score.ts";

export interface JudgeOptions {
  /** Told of every signal that threw or gave a score outside [0, 1]; it abstains, the trace is judged by the others. */
  readonly onAbstain?: (signal: string, caught: unknown) => void;
  readonly signal?: AbortSignal;
}

/** Asks every signal. Never rejects because of a signal; one outcome per source, the last one said. Empty means nobody judged. */
export async function judge(
  trace: Trace,
  signals: readonly OutcomeSignal[],
  nowUs: TimeUs,
  options: JudgeOptions = {},
): Promise<readonly Outcome[]> {
  const bySource = new Map<string, Outcome>();
  for (const signal of signals) {
    try {
      const said = await signal.judge(trace, options.signal);
      for (const outcome of said === undefined ? [] : isList(said) ? said : [said]) {
        if (!isScore(outcome.score)) throw new RangeError(`score ${String(outcome.score)} of ${outcome.source} is not in [0, 1]`);
        // What a person said was said then; with the time of now it would go before what another said since.
        const createdAtUs = isFeedback(outcome) ? outcome.createdAtUs : nowUs;
        bySource.set(outcome.source, { ...outcome, traceId: trace.id, createdAtUs });
      }
    } catch (caught) {
      options.onAbstain?.(signal.name, caught);
    }
  }
  return [...bySource.values()];
}

/**
 * The one outcome that counts, by the kind of its source:
 * 1. people (`feedback:`): they know what they wanted;
 * 2. other tools (`evaluation:`): somebody chose and runs them for this agent;
 * 3. checks that failed (`check:`): code can't be talked to, so no model's "fine" stands against it;
 * 4. `composite:`, which weighs what follows as its owner said;
 * 5. models (`judge:`), functions (`signal:`) and checks that did not fail: a check that passes says that one thing is right, not that the answer is;
 * 6. the rest (`deterministic`), whose success only says that nothing went visibly wrong.
 * Among feedback the newest counts, as a person may change their mind; among the others the lowest score, as a run is as good as its worst judgement. Ties
 * go to the newer, then to the source first in code-unit order. Undefined when nobody judged.
 */
export function verdict(outcomes: readonly Outcome[]): Outcome | undefined {
  return outcomes.toSorted(strongerFirst)[0];
}

function strongerFirst(a: Outcome, b: Outcome): number {
  const rank = rankOf(a) - rankOf(b);
  if (rank !== 0) return rank;
  const newer = b.createdAtUs - a.createdAtUs;
  const worse = a.score - b.score;
  const [first, second] = rankOf(a) === 0 ? [newer, worse] : [worse, newer];
  return first || second || (a.source < b.source ? -1 : a.source > b.source ? 1 : 0);
}

function rankOf({ source, status }: Outcome): number {
  const kind = source.slice(0, source.indexOf(":") + 1);
  if (kind === "check:" && status === "failure") return 2;
  return RANKS.get(kind) ?? 5;
}

const RANKS: ReadonlyMap<string, number> = new Map([
  ["feedback:", 0],
  ["evaluation:", 1],
  ["composite:", 3],
  ["check:", 4],
  ["judge:", 4],
  ["signal:", 4],
]);

function isList(said: Outcome | readonly Outcome[]): said is readonly Outcome[] {
  return Array.isArray(said);
}
