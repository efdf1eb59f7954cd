import type { EvalCase, EvalRun } from "./evaluation.ts";

/** `(agentOutput, taskInput) => score in [0, 1]`. Anything outside is an error. */
export type Scorer = (output: string, task: string) => Promise<number> | number;

export interface EvalStore {
  /** Adds cases; a case with the same id is replaced. Durable on return. */
  saveEvalCases(cases: readonly EvalCase[]): Promise<void>;
  listEvalCases(): Promise<readonly EvalCase[]>;
  saveEvalRun(run: EvalRun): Promise<void>;
  /** By full id, unique prefix or name (newest of that name). */
  getEvalRun(idOrName: string): Promise<EvalRun>;
}
