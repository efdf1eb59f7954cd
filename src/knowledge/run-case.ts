import { LearnError, messageOf } from "../base/error.ts";
import type { AgentRunner, SideResult, ValidationCase } from "./ports.ts";

/** Runs one side of one case and scores it. What the runner or scorer throws scores 0 and is kept; only a cancellation is thrown on. */
export async function runCase(runner: AgentRunner, one: ValidationCase, knowledge: string, signal?: AbortSignal): Promise<SideResult> {
  let output = "";
  try {
    const answer: unknown = await runner(one.task, knowledge, signal);
    if (typeof answer !== "string")
      return { score: 0, output, error: `the runner returned ${answer === null ? "null" : typeof answer}, not text` };
    output = answer;
    const score: unknown = await one.score(output);
    if (!(typeof score === "number" && score >= 0 && score <= 1))
      return { score: 0, output, error: `the scorer returned ${String(score)}, not a number from 0 to 1` };
    return { score, output };
  } catch (caught) {
    if (signal?.aborted) throw new LearnError("cancelled", `the run of case ${one.id} was cancelled`, { cause: caught });
    return { score: 0, output, error: messageOf(caught) };
  }
}
