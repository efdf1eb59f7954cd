import { randomBytes } from "node:crypto";
import { z } from "zod";
import { type Clock, systemClock } from "../base/clock.ts";
import { fromUnknown, messageOf } from "../base/error.ts";
import { newId } from "../base/id.ts";
import { isBadOutput, type Llm, type LlmUsage } from "../llm/client.ts";
import { CLAIM_SHAPE, type Claim, lessonFromClaim } from "./claimed-lesson.ts";
import type { Lesson } from "./lesson.ts";
import { whoWorked } from "./lesson-scope.ts";
import type { AnalysisResult, Analyzer, JudgedTrace, Surroundings } from "./ports.ts";
import { LLM_ANALYZER_PROMPT_VERSION, llmAnalyzerSystem, llmAnalyzerUser } from "./prompts/llm-analyzer.ts";
import { renderRun } from "./render-run.ts";

export interface LlmAnalyzerOptions {
  readonly llm: Llm;
  /** Stands in the lessons as the analyzer. Default "llm". */
  readonly name?: string;
  /** Failed runs read per call of `analyze`; the rest wait for the next. Default 20. */
  readonly maxTraces?: number;
  /** Budget for the text of one run. Default 8000. */
  readonly maxTokens?: number;
  /** Told the cost of every answered call. */
  readonly onUsage?: (usage: LlmUsage) => void;
  readonly clock?: Clock;
  readonly newId?: () => string;
  /** Marks the bounds of trace text in the prompt; must not be guessable. */
  readonly newNonce?: () => string;
}

const NAME = "llm";
const MAX_KNOWN = 8;

/**
 * Asks a model what a failed run should have known, one run at a time. Only runs judged a failure are read. The model's answer is a claim: its form is
 * checked by schema, the steps it points at must have been shown to it, and every word counts as written by a model that read users and tools.
 */
export function llmAnalyzer(options: LlmAnalyzerOptions): Analyzer {
  const { name = NAME, maxTraces = 20 } = options;
  return {
    name,
    analyze: async (traces, signal, surroundings) => {
      const failed = traces.filter(({ outcome }) => outcome?.status === "failure");
      const lessons: Lesson[] = [];
      const refusals: AnalysisResult["refusals"][number][] = [];
      for (const [index, judged] of failed.slice(0, maxTraces).entries()) {
        try {
          const result = await analyzeRun(judged, options, signal, surroundings);
          lessons.push(...result.lessons);
          refusals.push(...result.refusals);
        } catch (caught) {
          // Where it could not begin there is nothing to hand back.
          if (signal?.aborted === true || index === 0) throw caught;
          const failure = fromUnknown(caught, "reading a run with the model");
          return { lessons, refusals, unread: [left(failed.slice(index), failure.message)], failure };
        }
      }
      const rest = failed.slice(maxTraces);
      return { lessons, refusals, ...(rest.length === 0 ? {} : { unread: [left(rest, `more than ${maxTraces} failed runs at once`)] }) };
    },
  };
}

function left(runs: readonly JudgedTrace[], reason: string): NonNullable<AnalysisResult["unread"]>[number] {
  return { reason, traceIds: runs.map(({ trace }) => trace.id), until: "next" };
}

const ANSWER = z.object({ lessons: z.array(z.object({ ...CLAIM_SHAPE, steps: z.array(z.int()) })) });

async function analyzeRun(
  judged: JudgedTrace,
  options: LlmAnalyzerOptions,
  signal: AbortSignal | undefined,
  surroundings: Surroundings | undefined,
): Promise<AnalysisResult> {
  const { llm, name = NAME, maxTokens = 8000, clock = systemClock, newNonce = () => randomBytes(12).toString("hex") } = options;
  const { trace } = judged;
  const traceIds = [trace.id];
  const nonce = newNonce();
  const run = renderRun(judged, maxTokens);
  const errors = trace.steps.flatMap((step) => step.error?.message.slice(0, 300) ?? []);
  const known = (await surroundings?.itemsNear([trace.task, ...errors].join("\n"), MAX_KNOWN, whoWorked([trace]))) ?? [];
  try {
    const { value, usage } = await llm.json({
      system: llmAnalyzerSystem(nonce),
      user: llmAnalyzerUser(nonce, run.text, known),
      schema: ANSWER,
      schemaName: "lessons",
      nonce,
      ...(signal === undefined ? {} : { signal }),
    });
    options.onUsage?.(usage);
    const shown = new Set(run.steps);
    const lessons: Lesson[] = [];
    const refusals: AnalysisResult["refusals"][number][] = [];
    for (const claim of value.lessons) {
      const lesson = claim.steps.every((step) => shown.has(step))
        ? lessonFromClaim(claim, {
            analyzer: name,
            runs: [judged],
            tags: toolsOf(claim, judged),
            by: `${llm.model}, ${LLM_ANALYZER_PROMPT_VERSION}`,
            known,
            clock,
            newId: options.newId ?? newId,
          })
        : "the model points at steps it was not shown";
      if (typeof lesson === "string") refusals.push({ reason: lesson, traceIds, text: claim.content });
      else lessons.push(lesson);
    }
    return { lessons, refusals };
  } catch (caught) {
    // Bad output is about this run; anything else (no network, a wrong key) is about all of them.
    if (isBadOutput(caught)) return { lessons: [], refusals: [{ reason: messageOf(caught), traceIds }] };
    throw caught;
  }
}

function toolsOf({ steps }: Claim & { readonly steps: readonly number[] }, { trace }: JudgedTrace): readonly string[] {
  return steps.flatMap((seq) => trace.steps.filter((step) => step.seq === seq && step.kind === "tool").map((step) => step.name));
}
