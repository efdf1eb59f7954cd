import { CHARS_PER_TOKEN, cut, type RenderedSteps, renderSteps } from "../outcome/render-steps.ts";
import type { JudgedTrace } from "./ports.ts";

export function estimateTokens(text: string): number {
  return Math.ceil(text.length / CHARS_PER_TOKEN);
}

/**
 * A run as text for a model, within a token budget. The same run always gives the same text. Task, verdict and answer come first, then the steps in
 * order, see `renderSteps`.
 */
export function renderRun({ trace, outcome }: JudgedTrace, maxTokens: number): RenderedSteps {
  const budget = Math.floor(maxTokens * CHARS_PER_TOKEN);
  const share = Math.max(40, Math.floor(budget / 8));
  const head = [
    `Task: ${cut(trace.task, share)}`,
    `Verdict: ${outcome === undefined ? "unknown" : `${outcome.status}, ${cut(outcome.reasoning, Math.floor(share / 2))}`}`,
    ...(trace.error === undefined ? [] : [`Run error: ${cut(trace.error.message, Math.floor(share / 2))}`]),
    `Answer: ${cut(trace.output, share)}`,
  ].join("\n");
  // 80 is kept for the lines that say what was left out.
  const { text, steps } = renderSteps(trace.steps, budget - head.length - 80, Math.floor(budget / 6));
  return { text: `${head}\n${text}`, steps };
}
