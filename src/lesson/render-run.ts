import type { Step } from "../trace/trace.ts";
import type { JudgedTrace } from "./ports.ts";

/** Characters per token. English prose has about 4, JSON and code nearer 3; guessing low keeps the request inside the model's window. */
const CHARS_PER_TOKEN = 3.5;

/** What one field of a step may hold at most: a whole page of output is rarely what explains a failure. */
const MAX_FIELD_CHARS = 1500;

export function estimateTokens(text: string): number {
  return Math.ceil(text.length / CHARS_PER_TOKEN);
}

export interface RenderedRun {
  readonly text: string;
  /** Numbers of the steps that are in the text. */
  readonly steps: readonly number[];
}

/**
 * A run as text for a model, within a token budget. The same run always gives the same text. Task, verdict and answer come first, then the steps in
 * order: failing steps before their neighbours, then the ends, then the rest; what is left out is said where it was.
 */
export function renderRun({ trace, outcome }: JudgedTrace, maxTokens: number): RenderedRun {
  const budget = Math.floor(maxTokens * CHARS_PER_TOKEN);
  const share = Math.max(40, Math.floor(budget / 8));
  const head = [
    `Task: ${cut(trace.task, share)}`,
    `Verdict: ${outcome === undefined ? "unknown" : `${outcome.status}, ${cut(outcome.reasoning, Math.floor(share / 2))}`}`,
    ...(trace.error === undefined ? [] : [`Run error: ${cut(trace.error.message, Math.floor(share / 2))}`]),
    `Answer: ${cut(trace.output, share)}`,
  ].join("\n");

  // 80 is kept for the lines that say what was left out.
  let left = budget - head.length - 80;
  const kept = new Map<number, string>();
  for (const step of byImportance(trace.steps)) {
    const line = renderStep(step, Math.max(60, Math.min(MAX_FIELD_CHARS, Math.floor(budget / 6))));
    if (line.length + GAP_CHARS > left) continue;
    kept.set(step.seq, line);
    left -= line.length + GAP_CHARS;
  }
  return { text: `${head}\n${withGaps(trace.steps, kept)}`, steps: [...kept.keys()].sort((a, b) => a - b) };
}

/** Room for a line break and, at worst, one line about a gap behind each step. */
const GAP_CHARS = 30;

function byImportance(steps: readonly Step[]): readonly Step[] {
  const failing = steps.filter((step) => step.error !== undefined).map((step) => step.seq);
  const rank = (step: Step): number => {
    const distance = Math.min(...failing.map((seq) => Math.abs(seq - step.seq)), steps.length);
    if (distance <= 1) return distance;
    return step.seq === 0 || step.seq === steps.length - 1 ? 2 : distance + 2;
  };
  return steps.toSorted((a, b) => rank(a) - rank(b) || a.seq - b.seq);
}

function renderStep(step: Step, maxChars: number): string {
  const fields = [
    `[${step.seq}] ${step.kind} ${cut(step.name, 80)}`,
    ...(step.input === "" ? [] : [`  in: ${cut(step.input, maxChars)}`]),
    ...(step.error === undefined ? [] : [`  error: ${cut(step.error.message, maxChars)}`]),
    ...(step.output === "" || step.output === step.error?.message ? [] : [`  out: ${cut(step.output, maxChars)}`]),
  ];
  return fields.join("\n");
}

function withGaps(steps: readonly Step[], kept: ReadonlyMap<number, string>): string {
  const lines: string[] = [];
  let missing = 0;
  const flush = (): void => {
    if (missing > 0) lines.push(`(${missing} steps left out)`);
    missing = 0;
  };
  for (const step of steps) {
    const line = kept.get(step.seq);
    if (line === undefined) missing++;
    else {
      flush();
      lines.push(line);
    }
  }
  flush();
  return lines.join("\n");
}

/** Keeps the start and the end: errors say what they are at the start, stack traces and results at the end. */
function cut(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const half = Math.floor((maxChars - 5) / 2);
  return `${text.slice(0, half)} ... ${text.slice(text.length - half)}`;
}
