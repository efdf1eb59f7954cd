import { isLearnError, LearnError } from "../base/error.ts";
import type { Trace } from "../trace/trace.ts";
import type { Outcome } from "./outcome.ts";
import type { OutcomeSignal, SignalAnswer } from "./ports.ts";
import { isScore, statusOfScore } from "./score.ts";

export interface WeightedSignal {
  readonly signal: OutcomeSignal;
  /** Against the other weights; 0 or more. Only those that said something count. */
  readonly weight: number;
}

export interface CompositeSignalOptions {
  /** Its outcome is `composite:<name>`. Default "composite". */
  readonly name?: string;
  /** Decide: a failure of one is the whole, and nobody else is asked. A success of theirs says nothing. */
  readonly hard?: readonly OutcomeSignal[];
  /** Checks, functions and models, cheapest first; the whole is the mean of their scores by weight. */
  readonly soft: readonly WeightedSignal[];
  /** Scores of two soft ones that are this far apart, in (0, 1], call a person. Default 0.5. */
  readonly disagreement?: number;
  /** Told of every part that threw; the others judge. */
  readonly onAbstain?: (signal: string, caught: unknown) => void;
}

/**
 * One outcome from several signals, beside the outcomes of the parts. A part with several outcomes counts with its lowest. A passing or configuration fault
 * of a part (LearnError) rejects: a verdict without the judge would look like one with it. Throws "invalid" for weights that mean nothing.
 */
export function createCompositeSignal(options: CompositeSignalOptions): OutcomeSignal {
  const { name = "composite", hard = [], soft, disagreement = 0.5 } = options;
  checkOptions(name, soft, disagreement);

  async function said(part: OutcomeSignal, trace: Trace, signal: AbortSignal | undefined): Promise<readonly Outcome[]> {
    try {
      const outcomes = listOf(await part.judge(trace, signal));
      const wild = outcomes.find(({ score }) => !isScore(score));
      if (wild !== undefined) throw new RangeError(`score ${String(wild.score)} of ${wild.source} is not in [0, 1]`);
      return outcomes;
    } catch (caught) {
      if (isLearnError(caught)) throw caught;
      options.onAbstain?.(part.name, caught);
      return [];
    }
  }

  return {
    name,
    async judge(trace, signal) {
      const whole = (score: number, reasoning: string, evidence: readonly string[], review: boolean): Outcome => ({
        traceId: trace.id,
        source: `composite:${name}`,
        status: statusOfScore(score),
        score,
        reasoning,
        evidence,
        ...(review ? { review: true as const } : {}),
        createdAtUs: trace.endTimeUs,
      });
      const parts: Outcome[] = [];
      for (const part of hard) {
        const outcomes = await said(part, trace, signal);
        parts.push(...outcomes);
        const failed = outcomes.find(({ status }) => status === "failure");
        if (failed !== undefined) {
          return [...parts, whole(0, `${failed.source} failed, which decides: ${failed.reasoning}`, [lineOf(failed, "hard")], false)];
        }
      }
      const heard: { readonly outcome: Outcome; readonly weight: number }[] = [];
      for (const { signal: part, weight } of soft) {
        const outcomes = await said(part, trace, signal);
        parts.push(...outcomes);
        const lowest = outcomes.toSorted((a, b) => a.score - b.score)[0];
        if (lowest !== undefined && weight > 0) heard.push({ outcome: lowest, weight });
      }
      const total = heard.reduce((sum, { weight }) => sum + weight, 0);
      const ordered = heard.map(({ outcome }) => outcome).sort((a, b) => a.score - b.score);
      const [lowest, highest] = [ordered[0], ordered.at(-1)];
      if (lowest === undefined || highest === undefined) return parts;
      const score = heard.reduce((sum, { outcome, weight }) => sum + outcome.score * weight, 0) / total;
      const atOdds = highest.score - lowest.score >= disagreement;
      const odds = `${lowest.source} says ${lowest.score.toFixed(2)}, ${highest.source} says ${highest.score.toFixed(2)}`;
      const evidence = [
        ...heard.map(({ outcome, weight }) => lineOf(outcome, `weight ${weight}`)),
        ...(atOdds ? [`review: they disagree, ${odds}`] : []),
      ];
      const reasoning = atOdds ? `${odds}: ${lowest.reasoning}` : lowest.reasoning;
      return [...parts, whole(score, reasoning, evidence, atOdds || heard.some(({ outcome }) => outcome.review === true))];
    },
  };
}

function checkOptions(name: string, soft: readonly WeightedSignal[], disagreement: number): void {
  const wrong = soft.find(({ weight }) => !(Number.isFinite(weight) && weight >= 0));
  if (wrong !== undefined) {
    throw new LearnError("invalid", `composite signal ${name} gives ${wrong.signal.name} the weight ${wrong.weight}`, {
      hint: "give each soft signal a number of 0 or more",
    });
  }
  if (!(soft.reduce((sum, { weight }) => sum + weight, 0) > 0)) {
    throw new LearnError("invalid", `the soft signals of composite signal ${name} have no weight together`, {
      hint: "give { soft: [{ signal, weight: 1 }] }; a check that shall decide alone needs no composite",
    });
  }
  if (!(disagreement > 0 && disagreement <= 1)) {
    throw new LearnError("invalid", `the disagreement of composite signal ${name} is ${disagreement}`, {
      hint: "give the difference of scores, above 0 and at most 1, that calls a person",
    });
  }
}

function lineOf({ source, score, reasoning }: Outcome, how: string): string {
  return `${source} (${how}): ${score.toFixed(2)}, ${reasoning.slice(0, 300)}`;
}

function listOf(said: SignalAnswer): readonly Outcome[] {
  if (said === undefined) return [];
  return Array.isArray(said) ? (said as readonly Outcome[]) : [said as Outcome];
}
