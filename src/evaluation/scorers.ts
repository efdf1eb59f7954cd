import { LearnError } from "../base/error.ts";
import type { Scorer } from "./ports.ts";

/** 1 when the answers are equal but for space around them, 0.8 when the output contains the expected text in any case, else 0. An empty expectation wants an empty answer. */
export function exactScorer(expected: string): Scorer {
  const wanted = expected.trim();
  return (output) => {
    if (output.trim() === wanted) return 1;
    return wanted !== "" && output.toLowerCase().includes(wanted.toLowerCase()) ? 0.8 : 0;
  };
}

/** 1 when the output contains every one of the texts, in any case; otherwise the share that it contains. */
export function containsScorer(...texts: readonly string[]): Scorer {
  if (texts.length === 0 || texts.some((text) => text.trim() === ""))
    throw new LearnError("invalid", "containsScorer needs texts that are not empty");
  const wanted = texts.map((text) => text.toLowerCase());
  return (output) => {
    const folded = output.toLowerCase();
    return wanted.filter((text) => folded.includes(text)).length / wanted.length;
  };
}

export interface NumericScorerOptions {
  /** Largest difference that still counts, in the unit of the number. Default 0. */
  readonly tolerance?: number;
  /** The same as a share of the expected number. Default 1e-9, for the rounding of doubles. The larger of the two holds. */
  readonly relativeTolerance?: number;
  /** any (default): some number in the output. last: the last one, where answers end with the result. */
  readonly which?: "any" | "last";
}

/** 1 when the output states the number within the tolerance, else 0. Reads `$1,157.63`, `-3`, `1e6` and `12 %` as their numbers. */
export function numericScorer(expected: number, options: NumericScorerOptions = {}): Scorer {
  if (!Number.isFinite(expected)) throw new LearnError("invalid", `numericScorer cannot compare with ${expected}`);
  const { tolerance = 0, relativeTolerance = 1e-9, which = "any" } = options;
  const allowed = Math.max(tolerance, Math.abs(expected) * relativeTolerance);
  return (output) => {
    const numbers = numbersIn(output);
    const candidates = which === "last" ? numbers.slice(-1) : numbers;
    return candidates.some((number) => Math.abs(number - expected) <= allowed) ? 1 : 0;
  };
}

/** A comma counts as a separator of thousands only where three digits follow it. A hyphen is a minus only where no digit or word stands before it. */
function numbersIn(text: string): readonly number[] {
  const found = text.match(/(?<![\w.])(?:[-−](?=[$€£]?\d))?[$€£]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:e[+-]?\d+)?/giu) ?? [];
  return found.map((number) => Number(number.replace(/[,$€£]/gu, "").replace("−", "-")));
}
