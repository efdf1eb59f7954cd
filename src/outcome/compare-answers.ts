import { z } from "zod";
import { cutText } from "../base/cut-text.ts";
import { type AnswerJudgeOptions, MAX_JUDGE_PROMPT_CHARS } from "./judge-answer.ts";
import { compareSystem, framed } from "./prompts/llm-judge.ts";
import { CHARS_PER_TOKEN } from "./render-steps.ts";

export interface JudgeComparison {
  readonly better: "first" | "second" | "tie";
  /** False when the model changed its mind with the order: it judged the place and not the answer, and the result is a tie. */
  readonly agreed: boolean;
  readonly reasoning: string;
}

interface Answers {
  readonly task: string;
  readonly first: string;
  readonly second: string;
  readonly expected?: string;
  /** What the owner of the task looks for. */
  readonly judgePrompt?: string;
}

const ANSWER = z.object({ better: z.enum(["A", "B", "tie"]), reasoning: z.string() });

/** Asks twice, each answer once in front: models favour a place. What wins in one order only is a tie. */
export function createComparison(
  options: AnswerJudgeOptions & { readonly maxTokens?: number },
): (answers: Answers, signal?: AbortSignal) => Promise<JudgeComparison> {
  const { llm, newNonce, onUsage, maxTokens = 8000 } = options;
  const quarter = Math.floor((maxTokens * CHARS_PER_TOKEN * 0.8) / 4);

  async function ask(
    { task, expected, judgePrompt }: Answers,
    a: string,
    b: string,
    signal: AbortSignal | undefined,
  ): Promise<z.infer<typeof ANSWER>> {
    const nonce = newNonce(`comparison ${JSON.stringify([task, expected ?? null, judgePrompt ?? null, a, b])}`);
    const user = [
      framed("TASK", cutText(task, quarter), nonce),
      ...(expected === undefined ? [] : [framed("EXPECTED", cutText(expected, quarter), nonce)]),
      ...(judgePrompt === undefined ? [] : [framed("WANTED", judgePrompt.slice(0, MAX_JUDGE_PROMPT_CHARS), nonce)]),
      framed("A", cutText(a, quarter), nonce),
      framed("B", cutText(b, quarter), nonce),
    ].join("\n");
    const request = { system: compareSystem(nonce), user, schema: ANSWER, schemaName: "comparison", nonce };
    const { value, usage } = await llm.json({ ...request, ...(signal === undefined ? {} : { signal }) });
    onUsage?.(usage);
    return value;
  }

  return async (answers, signal) => {
    const forward = await ask(answers, answers.first, answers.second, signal);
    const backward = await ask(answers, answers.second, answers.first, signal);
    const names = { A: "first", B: "second", tie: "tie" } as const;
    const swapped = { A: "second", B: "first", tie: "tie" } as const;
    const better = names[forward.better];
    const agreed = better === swapped[backward.better];
    return {
      better: agreed ? better : "tie",
      agreed,
      reasoning: agreed ? forward.reasoning.slice(0, 300) : `in one order ${better}, in the other ${swapped[backward.better]}: a tie`,
    };
  };
}
