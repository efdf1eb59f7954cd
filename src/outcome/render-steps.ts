import type { Step } from "../trace/trace.ts";

/** Characters per token. English prose has about 4, JSON and code nearer 3; guessing low keeps the request inside the model's window. */
export const CHARS_PER_TOKEN = 3.5;

/** What one field of a step may hold at most: a whole page of output is rarely what explains a failure. */
const MAX_FIELD_CHARS = 1500;

export interface RenderedSteps {
  readonly text: string;
  /** Numbers of the steps that are in the text, ascending. */
  readonly steps: readonly number[];
}

/**
 * Steps as text for a model, in order and within `maxChars`. The same steps always give the same text. Failing steps before their neighbours, then the
 * ends, then the rest; what is left out is said where it was. No field is longer than `maxFieldChars`.
 */
export function renderSteps(steps: readonly Step[], maxChars: number, maxFieldChars: number): RenderedSteps {
  let left = maxChars;
  const kept = new Map<number, string>();
  for (const step of byImportance(steps)) {
    const line = renderStep(step, Math.max(60, Math.min(MAX_FIELD_CHARS, maxFieldChars)));
    if (line.length + GAP_CHARS > left) continue;
    kept.set(step.seq, line);
    left -= line.length + GAP_CHARS;
  }
  return { text: withGaps(steps, kept), steps: [...kept.keys()].sort((a, b) => a - b) };
}

/** Keeps the start and the end: errors say what they are at the start, stack traces and results at the end. */
export function cut(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const half = Math.floor((maxChars - 5) / 2);
  return `${text.slice(0, half)} ... ${text.slice(text.length - half)}`;
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
