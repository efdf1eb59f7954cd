import type { TimeUs } from "../base/clock.ts";

/** One task with what a good answer is. */
export interface EvalCase {
  readonly id: string;
  readonly task: string;
  readonly expected?: string;
  /** What the judge looks for, in words. */
  readonly judgePrompt?: string;
  readonly tags: readonly string[];
  readonly mustPass: boolean;
  readonly createdAtUs: TimeUs;
}

export interface EvalResult {
  readonly caseId: string;
  readonly task: string;
  readonly output: string;
  /** In [0, 1]. */
  readonly score: number;
  readonly passed: boolean;
  readonly durationMs: number;
  /** Set when the agent or the scorer threw; such a case is errored, not failed. */
  readonly error?: string;
}

export interface EvalRun {
  readonly id: string;
  readonly name: string;
  readonly createdAtUs: TimeUs;
  readonly passScore: number;
  readonly results: readonly EvalResult[];
  /** passed / all. */
  readonly accuracy: number;
  readonly avgScore: number;
  readonly errored: number;
}
