import { cutText, textSize } from "../base/cut-text.ts";
import { CHARS_PER_TOKEN, type RenderedSteps, renderSteps } from "../outcome/render-steps.ts";
import type { JudgedTrace } from "./ports.ts";

/** Characters outside ASCII count as a token each: Chinese has about one a character, and a wrong guess must be on the safe side. */
export function estimateTokens(text: string): number {
  return Math.ceil(textSize(text) / CHARS_PER_TOKEN);
}

/**
 * A run as text for a model, at most `maxTokens` (from 100 up) by `estimateTokens`. The same run always gives the same text. Task, verdict and answer come
 * first, then the steps in order, see `renderSteps`.
 */
export function renderRun({ trace, outcome }: JudgedTrace, maxTokens: number): RenderedSteps {
  const budget = Math.floor(maxTokens * CHARS_PER_TOKEN);
  const share = Math.max(40, Math.floor(budget / 8));
  const head = [
    `Task: ${cutText(trace.task, share)}`,
    `Verdict: ${outcome === undefined ? "unknown" : `${outcome.status}, ${cutText(outcome.reasoning, Math.floor(share / 2))}`}`,
    ...(trace.error === undefined ? [] : [`Run error: ${cutText(trace.error.message, Math.floor(share / 2))}`]),
    `Answer: ${cutText(trace.output, share)}`,
  ].join("\n");
  // 60 is kept for the line break and one line about a gap at the end.
  const { text, steps } = renderSteps(trace.steps, budget - textSize(head) - 60, Math.floor(budget / 6));
  return { text: `${head}\n${text}`, steps };
}
