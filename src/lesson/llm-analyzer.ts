import { randomBytes } from "node:crypto";
import { z } from "zod";
import { type Clock, systemClock } from "../base/clock.ts";
import { fromUnknown, messageOf } from "../base/error.ts";
import { digest, newId } from "../base/id.ts";
import { isBadOutput, type Llm, type LlmUsage } from "../llm/client.ts";
import { KNOWLEDGE_TYPES, type Lesson, type Taint } from "./lesson.ts";
import type { AnalysisResult, Analyzer, JudgedTrace } from "./ports.ts";
import { LLM_ANALYZER_PROMPT_VERSION, llmAnalyzerSystem, llmAnalyzerUser } from "./prompts/llm-analyzer.ts";
import { renderRun } from "./render-run.ts";

export interface LlmAnalyzerOptions {
  readonly llm: Llm;
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

/**
 * Asks a model what a failed run should have known, one run at a time. Only runs judged a failure are read. The model's answer is a claim: its form is
 * checked by schema, the steps it points at must have been shown to it, and every word counts as written by a model that read users and tools.
 */
export function llmAnalyzer(options: LlmAnalyzerOptions): Analyzer {
  const { maxTraces = 20 } = options;
  return {
    name: NAME,
    analyze: async (traces, signal) => {
      const failed = traces.filter(({ outcome }) => outcome?.status === "failure");
      const lessons: Lesson[] = [];
      const refusals: AnalysisResult["refusals"][number][] = [];
      for (const [index, judged] of failed.slice(0, maxTraces).entries()) {
        try {
          const result = await analyzeRun(judged, options, signal);
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

const ANSWER = z.object({
  lessons: z.array(
    z.object({
      type: z.enum(KNOWLEDGE_TYPES),
      content: z.string(),
      appliesWhen: z.string(),
      confidence: z.number().min(0).max(1),
      reasoning: z.string(),
      steps: z.array(z.int()),
    }),
  ),
});

type ClaimedLesson = z.infer<typeof ANSWER>["lessons"][number];

async function analyzeRun(judged: JudgedTrace, options: LlmAnalyzerOptions, signal: AbortSignal | undefined): Promise<AnalysisResult> {
  const { llm, maxTokens = 8000, newNonce = () => randomBytes(12).toString("hex") } = options;
  const traceIds = [judged.trace.id];
  const nonce = newNonce();
  const run = renderRun(judged, maxTokens);
  try {
    const { value, usage } = await llm.json({
      system: llmAnalyzerSystem(nonce),
      user: llmAnalyzerUser(nonce, run.text),
      schema: ANSWER,
      schemaName: "lessons",
      nonce,
      ...(signal === undefined ? {} : { signal }),
    });
    options.onUsage?.(usage);
    const shown = new Set(run.steps);
    const isGrounded = (claim: ClaimedLesson): boolean => claim.steps.every((step) => shown.has(step));
    return {
      lessons: value.lessons.filter(isGrounded).map((claim) => lessonOf(claim, judged, options)),
      refusals: value.lessons
        .filter((claim) => !isGrounded(claim))
        .map((claim) => ({ reason: "the model points at steps it was not shown", traceIds, text: claim.content })),
    };
  } catch (caught) {
    // Bad output is about this run; anything else (no network, a wrong key) is about all of them.
    if (isBadOutput(caught)) return { lessons: [], refusals: [{ reason: messageOf(caught), traceIds }] };
    throw caught;
  }
}

function lessonOf(claim: ClaimedLesson, { trace }: JudgedTrace, options: LlmAnalyzerOptions): Lesson {
  const { clock = systemClock, newId: idOf = newId } = options;
  const tools = claim.steps.flatMap((seq) =>
    trace.steps.filter((step) => step.seq === seq && step.kind === "tool").map((step) => step.name),
  );
  const sawTools = trace.steps.some((step) => step.kind === "tool" || step.kind === "retrieval");
  const taint: readonly Taint[] = ["model", ...(trace.task === "" ? [] : (["user"] as const)), ...(sawTools ? (["tool"] as const) : [])];
  const content = oneLine(claim.content, claim.type);
  return {
    id: idOf(),
    type: claim.type,
    content,
    appliesWhen: oneLine(claim.appliesWhen, "skill"),
    tags: [...new Set(tools)].slice(0, 8),
    sourceTraceIds: [trace.id],
    analyzer: NAME,
    confidence: claim.confidence,
    reasoning: `${claim.reasoning} (${options.llm.model}, ${LLM_ANALYZER_PROMPT_VERSION})`,
    taint,
    fingerprint: digest([NAME, claim.type, wordsOf(content)]),
    createdAtUs: clock.nowUs(),
  };
}

/** Outer blanks are not the model's fault; line breaks inside are left for the guard to refuse. */
function oneLine(text: string, type: Lesson["type"]): string {
  return type === "code_template" ? text.replace(/^\n+|\s+$/g, "") : text.trim();
}

/** The words without case, punctuation and order: the same lesson said twice. */
function wordsOf(content: string): string {
  return [...new Set(content.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [])].sort().join(" ");
}
