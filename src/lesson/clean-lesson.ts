import { redacted } from "../base/redact.ts";
import type { Trace } from "../trace/trace.ts";
import { taintOf } from "./guards/taint.ts";
import type { Lesson } from "./lesson.ts";
import type { AnalysisResult } from "./ports.ts";

/** The lesson as it may be stored: without secrets and personal data, and with every taint that its words show beside its source runs. */
export function cleanLesson(lesson: Lesson, runs: readonly Trace[]): Lesson {
  const clean: Lesson = {
    ...lesson,
    content: redacted(lesson.content),
    appliesWhen: redacted(lesson.appliesWhen),
    reasoning: redacted(lesson.reasoning),
    tags: lesson.tags.map(redacted),
  };
  const sources = new Set(lesson.sourceTraceIds);
  // The words as they were: a placeholder is nobody's.
  return {
    ...clean,
    taint: taintOf(
      lesson,
      runs.filter(({ id }) => sources.has(id)),
    ),
  };
}

/** Refusals are stored too, and quote what was refused. */
export function cleanRefusal(refusal: AnalysisResult["refusals"][number]): AnalysisResult["refusals"][number] {
  const { text } = refusal;
  return { ...refusal, reason: redacted(refusal.reason), ...(text === undefined ? {} : { text: redacted(text) }) };
}
