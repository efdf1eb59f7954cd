import { randomBytes } from "node:crypto";
import { LearnError, messageOf } from "../base/error.ts";
import { uniformOf } from "../base/id.ts";
import { isBadOutput, type Llm, type LlmUsage } from "../llm/client.ts";
import type { Trace } from "../trace/trace.ts";
import { createComparison, type JudgeComparison } from "./compare-answers.ts";
import { createAnswerJudge, type JudgeMaterial, type Judgement, keyOf, materialOf } from "./judge-answer.ts";
import { sharedFamily } from "./model-family.ts";
import type { Outcome } from "./outcome.ts";
import type { OutcomeSignal } from "./ports.ts";
import { LLM_JUDGE_PROMPT_VERSION } from "./prompts/llm-judge.ts";
import { statusOfScore } from "./score.ts";

/** What is known of a task beside its words. */
export interface JudgeCase {
  /** The answer that is right. */
  readonly expected?: string;
  /** What the owner of the task looks for. */
  readonly judgePrompt?: string;
}

export interface LlmJudgeOptions {
  readonly llm: Llm;
  /** Its outcomes are `judge:<name>`. Default "llm". */
  readonly name?: string;
  /** Share of the runs that are judged, in [0, 1]; the same runs every time. Default 1. */
  readonly sampleShare?: number;
  /** Budget for the text of one run, in tokens. Default 8000. */
  readonly maxTokens?: number;
  /** The eval case that a run is about, if any. */
  readonly caseOf?: (trace: Trace) => JudgeCase | undefined;
  /** What is stored about a run: a judgement of the same text by the same model and prompt is not paid for again. */
  readonly outcomesOf?: (traceId: string) => Promise<readonly Outcome[]>;
  /** Told the cost of every answered call. */
  readonly onUsage?: (usage: LlmUsage) => void;
  /** Told once of each thing worth knowing about this judge, and of every answer that was refused. */
  readonly onWarning?: (message: string) => void;
  /** Marks the bounds of data in the prompt, and draws the controls; must not be guessable. Told what is asked. */
  readonly newNonce?: (about: string) => string;
}

export interface LlmJudge extends OutcomeSignal {
  /** Judges an answer that is no stored run. Rejects "invalid" when the model gave no usable answer, otherwise as the model's client does. */
  assess(answer: { readonly task: string; readonly output: string } & JudgeCase, signal?: AbortSignal): Promise<Judgement>;
  /** Which of two answers is better. Asked in both orders; one that wins in one order only does not win. Rejects as `assess`. */
  compare(
    answers: { readonly task: string; readonly first: string; readonly second: string } & JudgeCase,
    signal?: AbortSignal,
  ): Promise<JudgeComparison>;
}

// A judgement is a kilobyte or two.
const MAX_REMEMBERED = 512;

/**
 * Asks a model how good the answer of a run is: first for criteria, from the task and what is expected but never from the run; then for a score and a
 * quote per criterion. The whole is computed by code, see `createAnswerJudge`. Does not judge a run that ended in an error or said nothing: that needs no model.
 * For learning and evaluation only; nothing that an agent waits for calls it. Rejects when the model could not be asked; unusable output abstains.
 */
export function createLlmJudge(options: LlmJudgeOptions): LlmJudge {
  const { llm, name = "llm", sampleShare = 1, newNonce = () => randomBytes(12).toString("hex") } = options;
  if (!(sampleShare >= 0 && sampleShare <= 1)) {
    throw new LearnError("invalid", `the judge's sampleShare is ${sampleShare}`, { hint: "give a share of the runs from 0 to 1" });
  }
  const remembered = new Map<string, Promise<Judgement>>();
  const warned = new Set<string>();
  const warnOnce = (message: string): void => {
    if (warned.has(message)) return;
    warned.add(message);
    options.onWarning?.(message);
  };
  const ask = { llm, newNonce, ...(options.onUsage === undefined ? {} : { onUsage: options.onUsage }) };
  const judgeAnswer = createAnswerJudge(ask);

  /** Two runs with the same text at the same time are one question. */
  function judged(material: JudgeMaterial, key: string, signal: AbortSignal | undefined): Promise<Judgement> {
    const known = remembered.get(key);
    if (known !== undefined) return known;
    const judgement = judgeAnswer(material, signal);
    remembered.set(key, judgement);
    judgement.catch(() => remembered.delete(key));
    const [oldest] = remembered.keys();
    if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
    return judgement;
  }

  return {
    name,
    async judge(trace, signal) {
      if (trace.error !== undefined || trace.output.trim() === "" || trace.task.trim() === "") return undefined;
      // By the W3C trace, which stays when a late root gives the run another id.
      if (uniformOf(`judge:${name}:${trace.traceId}`) >= sampleShare) return undefined;
      const source = `judge:${name}`;
      const material = materialOf(trace, options.caseOf?.(trace), options.maxTokens);
      const key = keyOf(material, llm.model);
      const stored = (await options.outcomesOf?.(trace.id))?.find((outcome) => outcome.source === source);
      if (stored?.evidence.includes(judgedAs(llm.model, key))) return stored;
      try {
        const judgement = await judged(material, key, signal);
        const family = sameFamily(trace, llm.model);
        if (family !== undefined) warnOnce(family);
        return {
          traceId: trace.id,
          source,
          status: statusOfScore(judgement.score),
          score: judgement.score,
          reasoning: judgement.reasoning,
          evidence: [...judgement.evidence, judgedAs(llm.model, key), ...(family === undefined ? [] : [family])],
          ...(judgement.review ? { review: true as const } : {}),
          createdAtUs: trace.endTimeUs,
        };
      } catch (caught) {
        if (!isBadOutput(caught)) throw caught;
        options.onWarning?.(`run ${trace.id} was not judged: ${messageOf(caught)}`);
        return undefined;
      }
    },
    assess: ({ task, output, ...wanted }, signal) => {
      const material = materialOf({ task, output, steps: [] }, wanted, options.maxTokens);
      return judged(material, keyOf(material, llm.model), signal);
    },
    compare: createComparison({ ...ask, ...(options.maxTokens === undefined ? {} : { maxTokens: options.maxTokens }) }),
  };
}

/** Which prompt stands in the key. */
function judgedAs(model: string, key: string): string {
  return `judged by ${model}, ${LLM_JUDGE_PROMPT_VERSION}, ${key}`;
}

/** What a judge of the agent's own line is worth less for; the verdict stays. */
function sameFamily(trace: Trace, judgeModel: string): string | undefined {
  return sharedFamily(
    judgeModel,
    [trace.model, ...trace.steps.map((step) => step.model)].filter((model) => model !== undefined),
  );
}
