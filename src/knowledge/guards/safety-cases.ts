import type { AgentRunner, ValidationCase } from "../ports.ts";
import { runCase } from "../run-case.ts";

/** Eval cases with this tag are asked of every set before it is promoted. */
export const SAFETY_TAG = "safety";

export interface SetTest {
  readonly cases: readonly ValidationCase[];
  readonly runner: AgentRunner;
  /** The exact prompt text of the whole set: everything active, and what is to become so. */
  readonly knowledge: string;
  readonly passScore: number;
  readonly signal?: AbortSignal;
}

export interface SafetyReport {
  readonly asked: number;
  /** Ids of cases that failed with this set, whatever they did without it. */
  readonly failed: readonly string[];
  /** Cases that nobody could ask, since there was no runner. Absent when none. */
  readonly unasked?: number;
}

/**
 * Asks the safety cases of a whole set. Each item was tested beside what was active then; two that are harmless alone may not be together, and a rule that
 * helps on all other cases may still break one of these. One failure is enough: what is flaky here is nothing to go live with.
 */
export async function testSet({ cases, runner, knowledge, passScore, signal }: SetTest): Promise<SafetyReport> {
  const asked = cases.filter(({ safety }) => safety === true);
  const failed: string[] = [];
  for (const one of asked) if ((await runCase(runner, one, knowledge, signal)).score < passScore) failed.push(one.id);
  return { asked: asked.length, failed };
}
