import { z } from "zod";
import { cutText } from "../base/cut-text.ts";
import { digest } from "../base/id.ts";
import { badOutput, type Llm, type LlmUsage } from "../llm/client.ts";
import type { Step } from "../trace/trace.ts";
import { type Control, controlsFor, shuffled } from "./judge-controls.ts";
import { foldQuote, plainText } from "./mark-text.ts";
import { criteriaSystem, framed, LLM_JUDGE_PROMPT_VERSION, scoresSystem } from "./prompts/llm-judge.ts";
import { CHARS_PER_TOKEN, renderSteps } from "./render-steps.ts";
import { FAILURE_SCORE, SUCCESS_SCORE } from "./score.ts";

/** What a model is shown of a run, cut to a budget. */
export interface JudgeMaterial {
  readonly task: string;
  readonly answer: string;
  /** "" when there are none. */
  readonly steps: string;
  readonly expected?: string;
  readonly judgePrompt?: string;
  /** True when something did not fit. */
  readonly cut: boolean;
}

export interface Judgement {
  /** In [0, 1]: the mean of the criteria, by their weights. */
  readonly score: number;
  readonly reasoning: string;
  readonly evidence: readonly string[];
  /** A person should look at the run. */
  readonly review: boolean;
}

export interface AnswerJudgeOptions {
  readonly llm: Llm;
  /** Told what is asked, so that the same question may get the same one again. */
  readonly newNonce: (about: string) => string;
  readonly onUsage?: (usage: LlmUsage) => void;
}

interface Criterion {
  readonly text: string;
  readonly weight: number;
}

const MAX_CRITERIA = 5;
const MAX_CRITERION_CHARS = 300;
/** Of what the owner of a task looks for. */
export const MAX_JUDGE_PROMPT_CHARS = 4_000;
const MAX_TASKS_REMEMBERED = 256;
// A model that adds its own criteria up to something this far from their mean did not mean them.
const OVERALL_TOLERANCE = 0.4;

/** The same run always gives the same material. A fifth of the budget is for the task and for what is expected each, two for the answer, the rest for steps. */
export function materialOf(
  run: { readonly task: string; readonly output: string; readonly steps: readonly Step[] },
  wanted: { readonly expected?: string; readonly judgePrompt?: string } = {},
  maxTokens = 8000,
): JudgeMaterial {
  // Marks take about a quarter of marked prose.
  const budget = Math.max(400, Math.floor(maxTokens * CHARS_PER_TOKEN * 0.8));
  const fifth = Math.floor(budget / 5);
  const task = seen(run.task, fifth);
  const answer = seen(run.output, 2 * fifth);
  const expected = wanted.expected === undefined ? undefined : seen(wanted.expected, fifth);
  const left = budget - task.length - answer.length - (expected?.length ?? 0);
  const { text, steps } = renderSteps(run.steps, left, Math.floor(budget / 6));
  return {
    task,
    answer,
    steps: run.steps.length === 0 ? "" : seen(text, left),
    ...(expected === undefined ? {} : { expected }),
    ...(wanted.judgePrompt === undefined ? {} : { judgePrompt: wanted.judgePrompt.slice(0, MAX_JUDGE_PROMPT_CHARS) }),
    cut: run.task.length > fifth || run.output.length > 2 * fifth || steps.length < run.steps.length,
  };
}

/** Cut by what the model will see: a code point may stand for eighteen, and a request that is too long is refused whole. */
function seen(text: string, maxChars: number): string {
  return cutText(plainText(cutText(text, 4 * maxChars)), maxChars);
}

/** Equal for what the same model would be asked in the same words. */
export function keyOf({ task, answer, steps, expected, judgePrompt }: JudgeMaterial, model: string): string {
  return digest([LLM_JUDGE_PROMPT_VERSION, model, JSON.stringify([task, answer, steps, expected ?? null, judgePrompt ?? null])]);
}

const CRITERIA = z.object({ criteria: z.array(z.object({ text: z.string(), weight: z.number().min(1).max(3) })) });

const SCORES = z.object({
  scores: z.array(z.object({ id: z.int(), quote: z.string(), score: z.number().min(0).max(1) })),
  overall: z.number().min(0).max(1),
  reasoning: z.string(),
});

/**
 * Criteria first, then scores. Text of a run may have been written to be judged well or badly, so: the criteria are made before the model sees the run, and
 * what is expected is a criterion that no model chooses; text of the run is marked (see `markText`); a score above 0 counts only with a quote
 * that is in the answer or in a step; the whole is computed here; and among the criteria stand some whose score is known. When the model gets one of those
 * wrong it is asked again without the steps, where most foreign text stands; when it is wrong again the run is "partial" and for a person to look at.
 */
export function createAnswerJudge({
  llm,
  newNonce,
  onUsage,
}: AnswerJudgeOptions): (material: JudgeMaterial, signal?: AbortSignal) => Promise<Judgement> {
  const byTask = new Map<string, readonly Criterion[]>();

  async function ask<T>(
    nonce: string,
    system: string,
    user: string,
    schema: z.ZodType<T>,
    schemaName: string,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const { value, usage } = await llm.json({ system, user, schema, schemaName, nonce, ...(signal === undefined ? {} : { signal }) });
    onUsage?.(usage);
    return value;
  }

  /** One set of criteria for all runs of a task. */
  async function criteriaFor(
    { task, expected, judgePrompt }: JudgeMaterial,
    signal: AbortSignal | undefined,
  ): Promise<readonly Criterion[]> {
    const key = JSON.stringify([task, expected ?? null, judgePrompt ?? null]);
    const known = byTask.get(key);
    if (known !== undefined) return known;
    const nonce = newNonce(`criteria ${key}`);
    const user = [
      framed("TASK", task, nonce),
      ...(expected === undefined ? [] : [framed("EXPECTED", expected, nonce)]),
      ...(judgePrompt === undefined ? [] : [framed("WANTED", judgePrompt, nonce)]),
    ].join("\n");
    const { criteria: said } = await ask(nonce, criteriaSystem(nonce), user, CRITERIA, "criteria", signal);
    const written = said
      .map(({ text, weight }) => ({ text: text.replace(/\s+/gu, " ").trim().slice(0, MAX_CRITERION_CHARS), weight: Math.round(weight) }))
      .filter(({ text }) => text !== "")
      .slice(0, MAX_CRITERIA);
    const total = written.reduce((sum, { weight }) => sum + weight, 0);
    // As heavy as all others together: where the right answer is known, no criteria talk it away.
    const criteria =
      expected === undefined
        ? written
        : [{ text: "ANSWER says the same as EXPECTED, in what the task asks for.", weight: Math.max(1, total) }, ...written];
    if (criteria.length === 0) throw badOutput("the model wrote no criteria");
    byTask.set(key, criteria);
    const [oldest] = byTask.keys();
    if (byTask.size > MAX_TASKS_REMEMBERED && oldest !== undefined) byTask.delete(oldest);
    return criteria;
  }

  /** Undefined when the model did not get the controls right. */
  async function scored(material: JudgeMaterial, criteria: readonly Criterion[], signal?: AbortSignal): Promise<Judgement | undefined> {
    const nonce = newNonce(`scores ${JSON.stringify([material, criteria])}`);
    const shown = `${material.answer}\n${material.steps}`;
    const controls = controlsFor(
      `${material.task}\n${material.expected ?? ""}\n${shown}\n${criteria.map(({ text }) => text).join("\n")}`,
      nonce,
    );
    const asked = shuffled<Criterion | Control>([...criteria, ...controls], nonce);
    const user = [
      framed("TASK", material.task, nonce),
      ...(material.expected === undefined ? [] : [framed("EXPECTED", material.expected, nonce)]),
      framed("ANSWER", material.answer, nonce),
      ...(material.steps === "" ? [] : [framed("STEPS", material.steps, nonce)]),
      framed("CRITERIA", asked.map(({ text }, index) => `${index + 1}. ${text}`).join("\n"), nonce),
    ].join("\n");
    const answer = await ask(nonce, scoresSystem(nonce), user, SCORES, "scores", signal);
    const scoreOf = new Map(answer.scores.map((entry) => [asked[entry.id - 1], entry]));
    for (const control of controls) {
      const score = scoreOf.get(control)?.score;
      if (score === undefined || (control.holds ? score < SUCCESS_SCORE : score > FAILURE_SCORE)) return undefined;
    }
    const inRun = foldQuote(shown);
    const lines = criteria.map((criterion) => {
      const { score, quote } = scoreOf.get(criterion) ?? { score: undefined, quote: "" };
      const isQuoted = foldQuote(quote) !== "" && inRun.includes(foldQuote(quote));
      return { ...criterion, score: score === undefined || (score > 0 && !isQuoted) ? undefined : score, quote: isQuoted ? quote : "" };
    });
    return judgementOf(lines, answer.overall, answer.reasoning, material);
  }

  return async (material, signal) => {
    const criteria = await criteriaFor(material, signal);
    const first = await scored(material, criteria, signal);
    if (first !== undefined) return first;
    const second = await scored({ ...material, steps: "" }, criteria, signal);
    if (second === undefined) {
      const reasoning = "not judged: the model misjudges what is known to be so; the run may talk to it, or it is too weak to judge";
      return { score: 0.5, reasoning, evidence: ["review: the controls among the criteria failed twice"], review: true };
    }
    return {
      ...second,
      review: true,
      evidence: [
        ...second.evidence,
        "review: judged by the answer alone; with the steps the model failed its controls, they may talk to it",
      ],
    };
  };
}

interface ScoredCriterion extends Criterion {
  /** Undefined when the model left it out or could not quote what shows it. */
  readonly score: number | undefined;
  readonly quote: string;
}

function judgementOf(lines: readonly ScoredCriterion[], overall: number, said: string, material: JudgeMaterial): Judgement {
  const counted = lines.flatMap((line) => (line.score === undefined ? [] : [{ ...line, score: line.score }]));
  const weight = counted.reduce((sum, line) => sum + line.weight, 0);
  const all = lines.reduce((sum, line) => sum + line.weight, 0);
  if (weight < all / 2) throw badOutput("the model can't quote what its scores rest on");
  const score = counted.reduce((sum, line) => sum + line.weight * line.score, 0) / weight;
  const odd = Math.abs(overall - score) > OVERALL_TOLERANCE;
  const met = counted.filter((line) => line.score >= SUCCESS_SCORE).length;
  return {
    score,
    reasoning: `${met} of ${lines.length} criteria met: ${said.replace(/\s+/gu, " ").trim().slice(0, 300)}`,
    evidence: [
      ...lines.map(
        ({ text, weight: of, score: got, quote }) =>
          `${text} (weight ${of}): ${got === undefined ? "not counted, its quote is not in the run" : got.toFixed(2)}${quote === "" ? "" : `, "${quote.slice(0, 200)}"`}`,
      ),
      ...(material.cut ? ["the run was cut to the judge's budget of tokens"] : []),
      ...(odd ? [`review: the model says ${overall.toFixed(2)} over all, its criteria make ${score.toFixed(2)}`] : []),
    ],
    review: odd,
  };
}
