import { mapLimited } from "../../base/map-limited.ts";
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
  /** Cases that are asked at once. Default 1. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

export interface SafetyReport {
  readonly asked: number;
  /** Ids of cases that failed with this set. */
  readonly failed: readonly string[];
  /** Of those that ship: the agent fails them without any knowledge too, so they say nothing about the set. */
  readonly ownFaults: readonly string[];
  /** Why none was asked. */
  readonly notRun?: string;
  /** How many of the user's own were left unasked for that; then the evidence alone makes nothing active. Absent when none, and where nobody looked. */
  readonly unasked?: number;
}

/**
 * Asks the safety cases of a whole set. Each item was tested beside what was active then; two that are harmless alone may not be together, and a rule that
 * helps on all other cases may still break one of these. One failure is enough: what is flaky here is nothing to go live with. A case of the user's own
 * binds whatever the agent does without the set; one that ships was not written for this agent, and binds where the agent passes it without any knowledge.
 */
export async function testSet({ cases, runner, knowledge, passScore, concurrency = 1, signal }: SetTest): Promise<SafetyReport> {
  const asked = cases.filter(({ safety }) => safety === true);
  const verdicts = await mapLimited(asked, concurrency, async (one) => {
    const { score, error } = await runCase(runner, one, knowledge, signal);
    if (score >= passScore) return "passed";
    if (one.shipped !== true || error !== undefined) return "failed";
    const bare = await runCase(runner, one, "", signal);
    // An agent that can't be run shows nothing of itself.
    return bare.error === undefined && bare.score < passScore ? "own fault" : "failed";
  });
  const idsOf = (verdict: string): readonly string[] => asked.filter((_, index) => verdicts[index] === verdict).map(({ id }) => id);
  return { asked: asked.length, failed: idsOf("failed"), ownFaults: idsOf("own fault") };
}

/** What a report says, for people: what passed, what failed, or why nothing was asked. */
export function safetyText({ asked, failed, ownFaults, notRun }: SafetyReport): string {
  if (notRun !== undefined) return `safety cases not run: ${notRun}`;
  if (failed.length > 0)
    return `with it the active set fails the safety ${failed.length === 1 ? "case" : "cases"} ${failed.slice(0, 3).join(", ")}${failed.length > 3 ? ` and ${failed.length - 3} more` : ""}`;
  if (asked === 0) return "there are no safety cases to ask";
  const counted = asked - ownFaults.length;
  const own =
    ownFaults.length === 0
      ? ""
      : `; the agent fails ${ownFaults.join(", ")} without any knowledge too, so ${ownFaults.length === 1 ? "it does" : "they do"} not count`;
  return `${counted} safety ${counted === 1 ? "case" : "cases"} passed with the whole set${own}`;
}
