import { cutText, textSize } from "../base/cut-text.ts";
import type { Step } from "../trace/trace.ts";

/** Plain characters per token. English prose has about 4, JSON and code nearer 3; guessing low keeps the request inside the model's window. */
export const CHARS_PER_TOKEN = 3.5;

/** What one field of a step may hold at most: a whole page of output is rarely what explains a failure. */
const MAX_FIELD_SIZE = 1500;
/** What a failing step is cut to at most before any is left out: its number, its tool and the beginning and end of its error. */
const LEAST_STEP_SIZE = 160;
/** Of the room for steps, what the failing ones may take, so that what led to them stands beside them. */
const FAILING_SHARE = 0.75;

export interface RenderedSteps {
  readonly text: string;
  /** Numbers of the steps that are in the text, ascending. */
  readonly steps: readonly number[];
}

/**
 * Steps as text for a model, in order and within `maxSize` by `textSize`. The same steps always give the same text. Failing steps are all kept and share what
 * room there is, down to `LEAST_STEP_SIZE` each; only beyond that the ones in the middle go. Then come their neighbours by distance, the ends of the run, and
 * the rest. What is left out is said where it was. No field is longer than `maxFieldSize`.
 */
export function renderSteps(steps: readonly Step[], maxSize: number, maxFieldSize: number): RenderedSteps {
  let left = maxSize;
  const kept = new Map<number, string>();
  const keep = (step: Step, maxStepField: number): void => {
    const line = renderStep(step, maxStepField);
    const size = textSize(line) + GAP_SIZE;
    if (size > left) return;
    kept.set(step.seq, line);
    left -= size;
  };
  const field = Math.max(60, Math.min(MAX_FIELD_SIZE, maxFieldSize));
  const failing = outsideIn(steps.filter((step) => step.error !== undefined));
  const each = Math.max(LEAST_STEP_SIZE, Math.floor((left * FAILING_SHARE) / Math.max(1, failing.length)) - GAP_SIZE);
  for (const step of failing) keep(step, Math.min(field, fieldSizeFor(step, each)));
  for (const step of byDistance(steps)) if (!kept.has(step.seq) && step.error === undefined) keep(step, field);
  return { text: withGaps(steps, kept), steps: [...kept.keys()].sort((a, b) => a - b) };
}

/** Room for a line break and, at worst, one line about a gap behind each step. */
const GAP_SIZE = 30;
const MAX_NAME_SIZE = 60;
/** Number, kind and labels of a step. */
const LABELS_SIZE = 48;

/** The last failure first, since the run ended with it; then the first, then by turns towards the middle. */
function outsideIn(steps: readonly Step[]): readonly Step[] {
  return steps.map((_, turn) => steps[turn % 2 === 0 ? steps.length - 1 - turn / 2 : (turn - 1) / 2]).filter((step) => step !== undefined);
}

/** By the distance to the nearest failure; the two ends of the run come right after its neighbours. */
function byDistance(steps: readonly Step[]): readonly Step[] {
  const distances = new Int32Array(steps.length).fill(steps.length);
  for (let index = 0; index < steps.length; index++)
    distances[index] = steps[index]?.error === undefined ? Math.min(steps.length, (distances[index - 1] ?? steps.length) + 1) : 0;
  for (let index = steps.length - 2; index >= 0; index--)
    distances[index] = Math.min(distances[index] ?? 0, (distances[index + 1] ?? 0) + 1);
  const rank = ({ seq }: Step): number => {
    const distance = distances[seq] ?? steps.length;
    if (distance <= 1) return distance;
    return seq === 0 || seq === steps.length - 1 ? 2 : distance + 2;
  };
  return steps.toSorted((a, b) => rank(a) - rank(b) || a.seq - b.seq);
}

/** How long a field may be so that the whole step stays within `size`. The error takes what input and output leave. */
function fieldSizeFor(step: Step, size: number): number {
  const fields = [step.input, step.error?.message ?? "", step.output === step.error?.message ? "" : step.output].filter(
    (text) => text !== "",
  );
  return Math.max(16, Math.floor((size - LABELS_SIZE - Math.min(MAX_NAME_SIZE, textSize(step.name))) / Math.max(1, fields.length)));
}

function renderStep(step: Step, maxSize: number): string {
  const fields = [
    `[${step.seq}] ${step.kind} ${cutText(step.name, MAX_NAME_SIZE)}`,
    ...(step.input === "" ? [] : [`  in: ${cutText(step.input, maxSize)}`]),
    ...(step.error === undefined ? [] : [`  error: ${cutText(step.error.message, maxSize)}`]),
    ...(step.output === "" || step.output === step.error?.message ? [] : [`  out: ${cutText(step.output, maxSize)}`]),
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
