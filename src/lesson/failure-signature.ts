import { searchWords } from "../base/search-words.ts";
import type { Step } from "../trace/trace.ts";
import type { JudgedTrace } from "./ports.ts";

/** What went wrong in a run: features with their weights. Two runs that failed in the same way have the same, whatever they were asked. */
export type FailureSignature = ReadonlyMap<string, number>;

/** Errors say what they are in their first words or their last; the middle is values and frames. */
const HEAD_CHARS = 300;
const TAIL_CHARS = 200;
const MAX_WORDS = 40;

/** Ends that are no failure by themselves. */
const USUAL_ENDS: ReadonlySet<string> = new Set(["stop", "tool_calls", "tool_use", "tool-calls", "end_turn", "function_call", "completed"]);

/**
 * The failing steps say most: the tool, the type of the error and its words without values. A step that the run got over counts half of the last one. A run
 * that just answered wrongly is told by its verdict, the tools it called and the words of its task, since nothing else is known about it.
 */
export function failureSignature({ trace, outcome }: JudgedTrace): FailureSignature {
  const features = new Map<string, number>();
  const add = (feature: string, weight: number): void => {
    features.set(feature, Math.max(features.get(feature) ?? 0, weight));
  };
  const failing = trace.steps.filter((step) => step.error !== undefined);
  for (const [index, { name, kind, error }] of failing.entries()) {
    const weight = index === failing.length - 1 ? 1 : 0.5;
    add(`${kind === "tool" ? "tool" : kind}:${kind === "llm" ? "" : name}`, weight);
    if (error?.type !== undefined) add(`type:${maskValues(error.type)}`, 2 * weight);
    for (const word of errorWords(error?.message ?? "")) add(`error:${word}`, weight);
  }
  // A root repeats the error of the step it died of.
  if (failing.length === 0 && trace.error !== undefined) {
    if (trace.error.type !== undefined) add(`type:${maskValues(trace.error.type)}`, 2);
    for (const word of errorWords(trace.error.message)) add(`error:${word}`, 1);
  }
  const end = finishOf(trace.steps);
  if (end !== undefined) add(`finish:${end}`, 3);
  const named = features.size > 0;
  for (const word of errorWords(outcome?.reasoning ?? "")) add(`verdict:${word}`, named ? 0.5 : 1);
  if (!named) {
    for (const step of trace.steps) if (step.kind === "tool") add(`called:${step.name}`, 1);
    for (const word of searchWords(maskValues(trace.task))) if (word.length > 2) add(`task:${word}`, 0.5);
  }
  return features;
}

/** Ids, paths, numbers and quoted text become signs that say only that something stood there. Linear in the text. */
export function maskValues(text: string): string {
  return (
    text
      .replace(/\b[a-z][a-z0-9+.-]{1,20}:\/\/\S+/gi, "§url")
      .replace(/[\w.+-]{1,64}@[\w-]{1,63}\.[\w.]{2,63}/g, "§mail")
      .replace(/\b(?:[0-9a-f]{8}-[0-9a-f-]{27}|(?=[a-f]*\d)[0-9a-f]{12,})\b/gi, "§id")
      // The apostrophe of "can't" opens nothing: a quote stands at the edge of a word.
      .replace(/(?<![\p{L}\p{N}])(["'`])(?:(?!\1)[^\n]){0,200}\1(?![\p{L}\p{N}])/gu, "§value")
      .replace(/(?<![\p{L}\p{N}_])(?:[A-Za-z]:)?(?:[/\\][\w.-]+){2,}/gu, "§path")
      .replace(/(?<![\p{L}\p{N}_])[-+]?\d[\d.,:_-]*/gu, "§n")
      .toLowerCase()
  );
}

function errorWords(message: string): readonly string[] {
  const short = TRACEBACK.test(message.slice(0, HEAD_CHARS)) ? lastLine(message) : ends(message);
  return [...new Set(maskValues(short).match(/[\p{L}_§][\p{L}\p{N}_]*/gu) ?? [])].slice(0, MAX_WORDS);
}

const TRACEBACK = /Traceback \(most recent call last\)/;

/** The frames of a traceback are the same for every error of a program; its last line is the error. */
function lastLine(message: string): string {
  return (
    message
      .slice(-2 * HEAD_CHARS)
      .trimEnd()
      .split("\n")
      .at(-1) ?? ""
  );
}

function ends(message: string): string {
  if (message.length <= HEAD_CHARS + TAIL_CHARS) return message;
  return `${message.slice(0, HEAD_CHARS)} ${message.slice(message.length - TAIL_CHARS)}`;
}

/** Why the last answer ended, where that is a fault: cut off, filtered. */
function finishOf(steps: readonly Step[]): string | undefined {
  const last = steps.findLast((step) => step.kind === "llm");
  return last?.finishReasons?.map((reason) => reason.toLowerCase()).find((reason) => !USUAL_ENDS.has(reason));
}

/** Weights in common over all weights, in [0, 1]. */
export function signatureSimilarity(a: FailureSignature, b: FailureSignature): number {
  let shared = 0;
  let all = 0;
  for (const [feature, weight] of a) {
    const other = b.get(feature) ?? 0;
    shared += Math.min(weight, other);
    all += Math.max(weight, other);
  }
  for (const [feature, weight] of b) if (!a.has(feature)) all += weight;
  return all === 0 ? 0 : shared / all;
}
